/* A copy engine for chips without one: it has all of a copy here, and does it when it is waited for. */

#ifndef COPY_ENGINE_H
#define COPY_ENGINE_H

#include <stdint.h>

typedef struct tl_copy {
    unsigned char *to;
    const unsigned char *from;
    uint32_t row_bytes;
    uint32_t rows;
    uint32_t to_stride;
    uint32_t from_stride;
} tl_copy;

#endif
