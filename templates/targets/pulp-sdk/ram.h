/* L3: the board's external RAM, by pi_ram_*. Its pointers are of a section at RAM_FIRST that nothing
   loads (target.mk); only these functions take them. */

#ifndef RAM_H
#define RAM_H

#include <stdint.h>

enum { RAM_FIRST = 0x40000000 };

/* Where the plan has an L3. 0: the RAM does not open, or is too small. */
int ram_open(void);

static inline int in_ram(const void *address)
{
    return (uintptr_t)address >= RAM_FIRST;
}

/* From the cluster: start to move rows, `stride` apart in the RAM. `copy` tells copies under way apart. */
void ram_start(
    int copy, const void *in_l2, const void *address, uint32_t row_bytes, uint32_t rows,
    uint32_t stride, int reads);
void ram_wait(int copy);

/* From any core: move bytes at once. */
void ram_move(const void *in_l2, const void *address, uint32_t bytes, int reads);

#endif
