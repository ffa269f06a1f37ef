/* Memory outside the levels, out of reach. */

#ifndef PROTECT_H
#define PROTECT_H

/* From now on an access to anything but the program, the levels, the verification's data and the timer
   faults; so does a write to the program. */
void tl_protect(void);

#endif
