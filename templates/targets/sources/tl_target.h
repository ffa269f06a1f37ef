/* sources: your chip. Edit this header; README.md says what else to write. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#include <stdint.h>

/* Where the arenas of the levels go: sections of your linker script, such as
   __attribute__((section(".bss.dtcm"))). */
#define TL_L1
#define TL_L2
#define TL_L3

#define TL_GUARD_BYTES 0
#define TL_TARGET_NAME "sources"
#define TL_COUNTER_UNIT "cycles"

/* A transfer between levels that is under way: what your DMA driver needs to know of it. */
typedef struct tl_copy {
    unsigned char *to;
    const unsigned char *from;
    uint32_t row_bytes;
    uint32_t rows;
    uint32_t to_stride;
    uint32_t from_stride;
} tl_copy;

#endif
