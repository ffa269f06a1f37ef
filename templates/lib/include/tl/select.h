/* Selections without branches. */

#ifndef TL_SELECT_H
#define TL_SELECT_H

#include <stdint.h>

#include "tl/codegen.h"

typedef union tl_bits {
    float value;
    uint32_t bits;
} tl_bits;

#ifdef __riscv_zfinx
/* where floats live in integer registers, a mask is cheaper than a branch; the compiler must not see
   that the condition is one, or it branches */
#define TL_CONDITION(name, condition)                                                              \
    int32_t name = (condition);                                                                    \
    TL_KEEP(name)

/* 0 where `drop`, else value */
static TL_INLINE float tl_unless(int drop, float value)
{
    tl_bits u = {value};
    TL_CONDITION(mask, drop);

    u.bits &= (uint32_t)mask - 1u;
    return u.value;
}

/* yes where `condition`, else no */
static TL_INLINE float tl_either(int condition, float yes, float no)
{
    tl_bits a = {yes}, b = {no};
    TL_CONDITION(mask, condition);

    b.bits ^= (a.bits ^ b.bits) & (0u - (uint32_t)mask);
    return b.value;
}

/* The larger one; of numbers that are both NaN or neither. */
#define TL_MAX(a, b) __builtin_fmaxf(a, b)

#else

static TL_INLINE float tl_unless(int drop, float value)
{
    return drop ? 0 : value;
}

static TL_INLINE float tl_either(int condition, float yes, float no)
{
    return condition ? yes : no;
}

#define TL_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif

#endif
