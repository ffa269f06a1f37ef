/* Elementary functions: the same bits on every target (with contraction off), no libm, no double.
   Error bounds are against the exact result, in units in the last place of f32. */

#ifndef TL_MATH_H
#define TL_MATH_H

#include <stdint.h>

/* e^x within 2 ulp for results that are normal; 0 below, infinity above the range; NaN for NaN. */
float tl_expf(float x);

/* e^x - 1 within 4 ulp, small x included. */
float tl_expm1f(float x);

/* Natural logarithm within 2 ulp, subnormal arguments included; -infinity for 0, NaN below. */
float tl_logf(float x);

/* ln(1 + x) for x >= 0 within 4 ulp, small x included; NaN below 0. */
float tl_log1pf(float x);

/* Square root within 1 ulp, subnormal arguments included; NaN below 0. */
float tl_sqrtf(float x);

/* Neither infinity nor NaN, by its exponent's bits: compilers may take comparisons for granted. */
static inline int tl_is_finite(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};

    return (u.bits & 0x7f800000u) != 0x7f800000u;
}

#endif
