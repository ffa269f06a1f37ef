/* The inner loop of a convolution for PULP's cores, with their hardware loop. Its twin in plain C
   gives the same bits. */

#ifndef TL_XPULP_CORRELATE_H
#define TL_XPULP_CORRELATE_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"


/* The product of a weight with element k of the source, if that is there. */
#define TL_CORRELATE_ADD(i, j, w, k)                                                               \
    TL_ASM_IF(                                                                               \
        "(" #k " >= %[first]) && (" #k " <= %[last])",                                             \
        TL_ASM_FMA("s" #i #j, w, "x" #k))

#define TL_CORRELATE_X(k)                                                                          \
    TL_ASM_IF(                                                                               \
        "(" #k " >= %[first]) && (" #k " < %[last])", TL_ASM_LOAD_NEXT("x" #k, "x", "4"))         \
    TL_ASM_IF(#k " == %[last]", TL_ASM_LOAD_STEP("x" #k, "x", "x_back"))

/* The weight of tap t in row i. */
#define TL_CORRELATE_W(i, t)                                                                       \
    TL_ASM_IF(#t " + 1 < %[taps]", TL_ASM_LOAD_NEXT("w" #i, "at" #i, "%[w_bytes]"))         \
    TL_ASM_IF(#t " + 1 == %[taps]", TL_ASM_LOAD_STEP("w" #i, "at" #i, "w_back"))

/* What a tap adds to a row of sums, with a load behind some of the products: no two loads follow
   each other, so that two cores keep the FPU that they share busy. */
#define TL_CORRELATE_ROW_4(i, a, b, c, d, e, f, la, lb, lc, ld, le)                                \
    TL_CORRELATE_ADD(i, 0, "w" #i, a) la TL_CORRELATE_ADD(i, 1, "w" #i, b) lb                      \
    TL_CORRELATE_ADD(i, 2, "w" #i, c) lc TL_CORRELATE_ADD(i, 3, "w" #i, d)
#define TL_CORRELATE_ROW_5(i, a, b, c, d, e, f, la, lb, lc, ld, le)                                \
    TL_CORRELATE_ROW_4(i, a, b, c, d, e, f, la, lb, lc, ld, le) ld                                 \
    TL_CORRELATE_ADD(i, 4, "w" #i, e)
#define TL_CORRELATE_ROW_6(i, a, b, c, d, e, f, la, lb, lc, ld, le)                                \
    TL_CORRELATE_ROW_5(i, a, b, c, d, e, f, la, lb, lc, ld, le) le                                 \
    TL_CORRELATE_ADD(i, 5, "w" #i, f)

/* One row of the window for each turn of the loop. `near` and `far`: the elements that the second
   and the third tap bring; `lc` to `le`: the loads in the first tap's first row. Each instruction has
   4 bytes, as lp.setup is told their number. */
#define TL_CORRELATE_TURNS(row, near, far, lc, ld, le)                                             \
    TL_ASM_WIDE(TL_ASM_INNER(                                                                      \
        "w1", "%[size]",                                                                           \
        TL_CORRELATE_W(0, 0) TL_CORRELATE_X(0) TL_CORRELATE_X(1)                                   \
        row(0, 0, 1, 2, 3, 4, 5, TL_CORRELATE_X(2), TL_CORRELATE_X(3), lc, ld, le)                 \
        row(1, 0, 1, 2, 3, 4, 5, TL_CORRELATE_W(0, 1), , near, , )                                 \
        TL_ASM_IF(                                                                           \
            "%[taps] > 1",                                                                         \
            row(0, 1, 2, 3, 4, 5, 6, TL_CORRELATE_W(1, 1), , , , )                                 \
            row(1, 1, 2, 3, 4, 5, 6, TL_CORRELATE_W(0, 2), , far, , ))                             \
        TL_ASM_IF(                                                                           \
            "%[taps] > 2",                                                                         \
            row(0, 2, 3, 4, 5, 6, 7, TL_CORRELATE_W(1, 2), , , , )                                 \
            row(1, 2, 3, 4, 5, 6, 7, , , , , ))))

#define TL_CORRELATE_SUMS(i)                                                                       \
    [s##i##0] "+&r"(sum[i][0]), [s##i##1] "+&r"(sum[i][1]), [s##i##2] "+&r"(sum[i][2]),            \
    [s##i##3] "+&r"(sum[i][3])
#define TL_CORRELATE_SOURCE                                                                        \
    [x0] "=&r"(in[0]), [x1] "=&r"(in[1]), [x2] "=&r"(in[2]), [x3] "=&r"(in[3]), [x4] "=&r"(in[4]), \
    [x5] "=&r"(in[5])
#define TL_CORRELATE_OTHERS                                                                        \
    [w0] "=&r"(weight), [w1] "+&r"(turns), [x] "+&r"(*x), [at0] "+&r"(w[0]), [at1] "+&r"(w[1])     \
    : [x_back] "r"(x_back), [w_back] "r"(w_back), [first] "i"(left), [last] "i"(last),             \
      [taps] "i"(taps), [w_bytes] "i"(w_bytes), [size] "i"(size)

#endif

/* Sums of 2 rows and 4 to 6 columns over `turns` rows of windows of 1 to 3 taps, next to each other:
   1, or 0 where it has not been done. `left` and `right` elements at the sides of what the windows
   see are not there. `x_bytes`, `w_next`: from one row of the window to the next; `w_bytes`: from
   one tap to the next. `x` and `w` move on. */
static TL_INLINE int tl_correlate_f32(
    const int pixels, const int taps, const int w_bytes, const int left, const int right,
    float sum[2][6], const float **x, int32_t x_bytes, const float **w, int32_t w_next,
    int32_t turns)
{
#ifdef TL_XPULP
    const int last = pixels + taps - 2 - right;
    const int lost = left * (left + 1) + right * (right + 1); /* products */
    const int size = 2 * pixels * taps - lost + last + 1 - left + 2 * taps;
    const int32_t x_back = x_bytes - (last - left) * 4;
    const int32_t w_back = w_next - (taps - 1) * w_bytes;
    float in[8], weight;

    *x += left;
    if (pixels == 4) {
        __asm__ volatile(
            TL_CORRELATE_TURNS(
                TL_CORRELATE_ROW_4, TL_CORRELATE_X(4), TL_CORRELATE_X(5), TL_CORRELATE_W(1, 0), , )
            : TL_CORRELATE_SUMS(0), TL_CORRELATE_SUMS(1), TL_CORRELATE_SOURCE,
              TL_CORRELATE_OTHERS);
    } else if (pixels == 5) {
        __asm__ volatile(
            TL_CORRELATE_TURNS(
                TL_CORRELATE_ROW_5, TL_CORRELATE_X(5), TL_CORRELATE_X(6), TL_CORRELATE_X(4),
                TL_CORRELATE_W(1, 0), )
            : TL_CORRELATE_SUMS(0), TL_CORRELATE_SUMS(1), [s04] "+&r"(sum[0][4]),
              [s14] "+&r"(sum[1][4]), TL_CORRELATE_SOURCE, [x6] "=&r"(in[6]), TL_CORRELATE_OTHERS);
    } else {
        __asm__ volatile(
            TL_CORRELATE_TURNS(
                TL_CORRELATE_ROW_6, TL_CORRELATE_X(6), TL_CORRELATE_X(7), TL_CORRELATE_X(4),
                TL_CORRELATE_X(5), TL_CORRELATE_W(1, 0))
            : TL_CORRELATE_SUMS(0), TL_CORRELATE_SUMS(1), [s04] "+&r"(sum[0][4]),
              [s14] "+&r"(sum[1][4]), [s05] "+&r"(sum[0][5]), [s15] "+&r"(sum[1][5]),
              TL_CORRELATE_SOURCE, [x6] "=&r"(in[6]), [x7] "=&r"(in[7]), TL_CORRELATE_OTHERS);
    }
    *x -= left;
    return 1;
#else
    (void)pixels, (void)taps, (void)w_bytes, (void)left, (void)right, (void)sum, (void)x;
    (void)x_bytes, (void)w, (void)w_next, (void)turns;
    return 0;
#endif
}

#endif
