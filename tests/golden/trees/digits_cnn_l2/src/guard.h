/* Finds accesses outside what a Step declares. The guard zone around a Step's operands is all the
   rest of the arenas, and TL_GUARD_BYTES on both sides of each.

   Before a checked Step: what holds nothing of use (dead buffers, gaps, outputs that the Step must
   write) is filled with NaN, so that reading it shows. After it: every byte that the Step has no
   right to write is compared with its value before. Under AddressSanitizer, all bytes but the
   Step's operands are poisoned, so that a read of them stops the program at its line.

   Compiled in where TL_GUARD_BYTES > 0 (hosts, with memory for a second copy of the arenas). */

#ifndef GUARD_H
#define GUARD_H

#include <stdint.h>

typedef struct guard_damage {
    const char *level;
    int32_t offset;     /* negative or behind the end: in the zones around the arena */
    const char *buffer; /* the live buffer it hit, or NULL */
} guard_damage;

void guard_open(void);
void guard_begin(int step);
/* 1 and where, if the Step changed what it must not. */
int guard_check(int step, guard_damage *damage);
void guard_close(void);

#endif
