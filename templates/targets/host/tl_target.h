/* host: what is known when compiling. The levels are plain static memory. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#define TL_L1
#define TL_L2
#define TL_L3
#define TL_GUARD_BYTES 64
#define TL_TARGET_NAME "host"
#define TL_COUNTER_UNIT "ns"

/* The number of a copy that waits to land (copy_delayed.c). */
typedef int tl_copy;

#endif
