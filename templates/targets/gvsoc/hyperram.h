/* The HyperRAM behind the uDMA: it has no addresses that a core could use. Here its first byte has the
   address L3_FIRST, and whatever moves bytes comes to these functions. */

#ifndef HYPERRAM_H
#define HYPERRAM_H

#include <stdint.h>

void hyperram_open(void);

/* Start to move rows between L2 (`near`, one behind the other) and L3 (`far`, `stride` apart). All
   numbers are multiples of 4, as the uDMA writes words. Returns the copy's number, of 31 bits. */
uint32_t hyperram_read(
    uintptr_t near, uintptr_t far, uint32_t row_bytes, uint32_t rows, uint32_t stride);
uint32_t hyperram_write(
    uintptr_t near, uintptr_t far, uint32_t row_bytes, uint32_t rows, uint32_t stride);

/* Returns when that copy and all before it have landed. */
void hyperram_wait(uint32_t copy);

#endif
