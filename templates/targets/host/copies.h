/* Copies of the host: copy.c does them at once; copy_delayed.c, with DELAYED=1, when they are waited
   for, as a chip may. */

#ifndef COPIES_H
#define COPIES_H

/* The end of a run: every copy must have been waited for. */
void copies_end(void);

#endif
