/* The report of a fault. */

#ifndef FAULT_H
#define FAULT_H

/* Let each kind of fault have its own handler, so that faults in a fault are told apart. */
void tl_fault_open(void);

/* Entry of every exception. */
void tl_fault_entry(void);

#endif
