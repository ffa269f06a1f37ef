#include "tl/math.h"

#include "bits.h"

static const uint32_t infinity_bits = 0x7f800000u;
static const uint32_t nan_bits = 0x7fc00000u;
static const uint32_t one_bits = 0x3f800000u;
static const uint32_t mantissa_mask = 0x007fffffu;

/* ln 2 = ln2_high + ln2_low; the first part has so few digits that k * ln2_high is exact */
static const float ln2_high = 0.693359375f;
static const float ln2_low = -2.12194440e-4f;

/* e^x = 2^k e^r with |r| <= ln(2) / 2 (Cody and Waite 1980); e^r by its Taylor series, whose rest
   after r^7 is below 2^-27 there */
float tl_expf(float x)
{
    float scaled;
    float r;
    float p;
    int32_t k;

    if (x != x) {
        return x;
    }
    if (x > 88.72284f) {
        return float_of(infinity_bits);
    }
    if (x < -103.9721f) {
        return 0.0f;
    }
    scaled = x * 1.44269504f;
    k = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
    r = (x - (float)k * ln2_high) - (float)k * ln2_low;
    p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    if (k > 127) {
        return p * 2.0f * float_of(254u << 23);
    }
    if (k < -126) {
        return p * float_of((uint32_t)(k + 127 + 64) << 23) * float_of((uint32_t)(127 - 64) << 23);
    }
    return p * float_of((uint32_t)(k + 127) << 23);
}

/* From -1 to 1 by the Taylor series, whose rest after x^11 is below 2^-27 of the result; elsewhere
   the 1 takes no more digits than the exponential has */
float tl_expm1f(float x)
{
    float p = 1.0f / 39916800.0f;

    if (!(x >= -1.0f && x <= 1.0f)) {
        return tl_expf(x) - 1.0f;
    }
    p = p * x + 1.0f / 3628800.0f;
    p = p * x + 1.0f / 362880.0f;
    p = p * x + 1.0f / 40320.0f;
    p = p * x + 1.0f / 5040.0f;
    p = p * x + 1.0f / 720.0f;
    p = p * x + 1.0f / 120.0f;
    p = p * x + 1.0f / 24.0f;
    p = p * x + 1.0f / 6.0f;
    p = p * x + 0.5f;
    return p * x * x + x;
}

/* x = 2^k m with sqrt(1/2) <= m < sqrt(2); ln m = 2 atanh(s), s = (m - 1) / (m + 1) */
float tl_logf(float x)
{
    uint32_t bits = bits_of(x);
    int32_t k = 0;
    float f;
    float s;
    float z;
    float p;
    float half_square;

    if (x != x || x < 0.0f) {
        return float_of(nan_bits);
    }
    if (x == 0.0f) {
        return -float_of(infinity_bits);
    }
    if (bits == infinity_bits) {
        return x;
    }
    if (bits < 0x00800000u) {
        bits = bits_of(x * 8388608.0f);
        k = -23;
    }
    /* shift by 1 - sqrt(1/2), so that the exponent steps at sqrt(1/2) */
    bits += one_bits - 0x3f3504f3u;
    k += (int32_t)(bits >> 23) - 127;
    f = float_of((bits & mantissa_mask) + 0x3f3504f3u) - 1.0f;
    s = f / (2.0f + f);
    z = s * s;
    p = 2.0f / 9.0f;
    p = p * z + 2.0f / 7.0f;
    p = p * z + 2.0f / 5.0f;
    p = p * z + 2.0f / 3.0f;
    p = p * z;
    half_square = 0.5f * f * f;
    /* ln(1 + f) = f - f^2/2 + s (f^2/2 + p): keeps the leading term exact */
    return (float)k * ln2_high
           + (f - (half_square - (s * (half_square + p) + (float)k * ln2_low)));
}

/* what 1 + x loses in rounding, x - (u - 1), changes the logarithm by that over u */
float tl_log1pf(float x)
{
    const float u = 1.0f + x;

    if (!(x >= 0.0f) || x == float_of(infinity_bits)) {
        return x == float_of(infinity_bits) ? x : float_of(nan_bits);
    }
    return tl_logf(u) + (x - (u - 1.0f)) / u;
}

/* Newton's iteration on 1 / sqrt from an estimate of the exponent, then one step on the root */
float tl_sqrtf(float x)
{
    float scale = 1.0f;
    float estimate;
    float root;

    if (x != x || x < 0.0f) {
        return float_of(nan_bits);
    }
    if (x == 0.0f || bits_of(x) == infinity_bits) {
        return x;
    }
    if (bits_of(x) < 0x0c800000u) { /* tiny: squares of estimates would leave the range */
        x *= 1.8446744e19f;         /* 2^64 */
        scale = 2.3283064e-10f;     /* 2^-32 */
    }
    estimate = float_of(0x5f375a86u - (bits_of(x) >> 1));
    for (int i = 0; i < 3; i++) {
        estimate = estimate * (1.5f - 0.5f * x * estimate * estimate);
    }
    root = x * estimate;
    root = root + 0.5f * estimate * (x - root * root);
    return root * scale;
}
