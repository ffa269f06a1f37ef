/* 1 / (sqrt(x) * scale + eps) by multiplications that every core does by itself: a cluster has one
   divider, which takes 14 cycles, and no instruction for a square root.

   Its relative error is below 1e-6 for x that are 0 or normal and at most 2^126; larger x count as
   that, and so does infinity. What subnormal x lose is nothing beside an eps of 1e-12 or more. A NaN need not stay one:
   who calls this multiplies with what x was made of. */

#ifndef TL_INVERSE_ROOT_H
#define TL_INVERSE_ROOT_H

#include "bits.h"

static inline float tl_inverse_root(float x, float scale, float eps)
{
    uint32_t bits = bits_of(x);
    float half;
    float y;
    float sum;
    float r;

    bits = bits < 0x7e800000u ? bits : 0x7e800000u;
    half = 0.5f * float_of(bits);
    y = float_of(0x5f375a80u - (bits >> 1)); /* 1 / sqrt(x) within 3.5 % */
    /* Newton, whose error e becomes 1.5 e^2: from 0.9982 to 1 times 1 / sqrt(x). Then, with the
       middle of that in its constant, 0.997375 times it within 5.8e-7 of that */
    y = y * (1.5f - half * y * y);
    y = y * (1.4973743f - half * y * y);
    sum = (half * y) * (2.0f * 1.002632039f * scale) + eps;
    r = float_of(0x7ef311c3u - bits_of(sum)); /* 1 / sum within 5.1 % */
    /* Newton, whose error e becomes e^2: 0.26 %, 6.6e-6 and then nothing but rounding */
    r = r * (2.0f - sum * r);
    r = r * (2.0f - sum * r);
    return r * (2.0f - sum * r);
}

#endif
