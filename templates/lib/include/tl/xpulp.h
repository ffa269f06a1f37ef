/* Instructions of PULP's cores that no compiler here knows, each with a twin in plain C that gives
   the same bits. */

#ifndef TL_XPULP_H
#define TL_XPULP_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

/* Load from `*from`, which then moves on by `bytes`. */
static TL_INLINE float tl_load_step_f32(const float **from, int32_t bytes)
{
    float value;

#ifdef TL_XPULP
    /* p.lw value, bytes(from!). Operands are read-only while a kernel runs: no memory clobber;
       a local word needs TL_STORED */
    __asm__(".insn r 0x0b, 7, 0x10, %0, %1, %2" : "=r"(value), "+r"(*from) : "r"(bytes));
#else
    value = **from;
    *from = (const float *)(const void *)((const char *)*from + bytes);
#endif
    return value;
}

/* The same for a constant of at most 11 bits. */
static TL_INLINE float tl_load_next_f32(const float **from, const int32_t bytes)
{
    float value;

#ifdef TL_XPULP
    /* p.lw value, bytes(from!) */
    __asm__(".insn i 0x0b, 2, %0, %1, %2" : "=r"(value), "+r"(*from) : "i"(bytes));
#else
    value = **from;
    *from = (const float *)(const void *)((const char *)*from + bytes);
#endif
    return value;
}

/* Store to `*to`, which then moves on by `bytes`. */
static TL_INLINE void tl_store_step_f32(float **to, float value, int32_t bytes)
{
#ifdef TL_XPULP
    /* p.sw value, bytes(to!) */
    __asm__ volatile(".insn r 0x2b, 6, 0, %1, %0, %2" : "+r"(*to) : "r"(bytes), "r"(value) : "memory");
#else
    **to = value;
    *to = (float *)(void *)((char *)*to + bytes);
#endif
}

#endif
