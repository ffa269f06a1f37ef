/* A float's bits and back. */

#ifndef TL_BITS_H
#define TL_BITS_H

#include <stdint.h>

static inline uint32_t bits_of(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};

    return u.bits;
}

static inline float float_of(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } u = {bits};

    return u.value;
}

#endif
