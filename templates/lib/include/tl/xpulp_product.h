/* The inner loop of a product of matrices for PULP's cores, with their hardware loop. Its twin in
   plain C gives the same bits. */

#ifndef TL_XPULP_PRODUCT_H
#define TL_XPULP_PRODUCT_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

#define TL_PRODUCT_ADD(i, j, w) TL_ASM_FMA("s" #i #j, w, "x" #j)

#define TL_PRODUCT_LOAD_W(to, step) TL_ASM_LOAD_STEP(to, "left", step)

#define TL_PRODUCT_LOAD_X(to, step) TL_ASM_LOAD_STEP(to, "right", step)

#define TL_PRODUCT_LOAD_APART(to, from) "lw %[" to "], %[" from "](%[right])\n\t"

/* What a row of the block adds, with something between. */
#define TL_PRODUCT_ROW_4(i, w, a, b, c, d)                                                         \
    TL_PRODUCT_ADD(i, 0, w) a TL_PRODUCT_ADD(i, 1, w) b TL_PRODUCT_ADD(i, 2, w) c                  \
    TL_PRODUCT_ADD(i, 3, w) d
#define TL_PRODUCT_ROW_3(i, w, a, b, c, d)                                                         \
    TL_PRODUCT_ADD(i, 0, w) a TL_PRODUCT_ADD(i, 1, w) b TL_PRODUCT_ADD(i, 2, w) d

/* No two loads follow each other: two cores that share an FPU keep it busy. Each instruction has 4
   bytes, as lp.setup is told their number. */
#define TL_PRODUCT_LOOP(row, instructions, load_0, load_1, load_2, load_3)                         \
    TL_ASM_INNER(                                                                                  \
        "w1", instructions,                                                                        \
        row(0, "w0", TL_PRODUCT_LOAD_W("w1", "each"), , , )                                        \
        row(1, "w1", TL_PRODUCT_LOAD_W("w0", "each"), , , )                                        \
        row(2, "w0", TL_PRODUCT_LOAD_W("w1", "back"), , , TL_PRODUCT_LOAD_W("w0", "each"))         \
        row(3, "w1", load_0, load_1, load_2, load_3))

/* All steps; there may be none. */
#define TL_PRODUCT_STEPS(row, instructions, load_0, load_1, load_2, load_3)                        \
    TL_ASM_WIDE(                                                                                   \
        "beq %[w1], zero, 1f\n\t"                                                                  \
        TL_PRODUCT_LOOP(row, instructions, load_0, load_1, load_2, load_3) "1:\n\t")

/* Columns in the order in which they are loaded. */
#define TL_PRODUCT_SUMS_3(a, b, c)                                                                 \
    [s00] "+&r"(sum[0][a]), [s01] "+&r"(sum[0][b]), [s02] "+&r"(sum[0][c]),                        \
    [s10] "+&r"(sum[1][a]), [s11] "+&r"(sum[1][b]), [s12] "+&r"(sum[1][c]),                        \
    [s20] "+&r"(sum[2][a]), [s21] "+&r"(sum[2][b]), [s22] "+&r"(sum[2][c]),                        \
    [s30] "+&r"(sum[3][a]), [s31] "+&r"(sum[3][b]), [s32] "+&r"(sum[3][c]),                        \
    [x0] "+&r"(in[a]), [x1] "+&r"(in[b]), [x2] "+&r"(in[c])
#define TL_PRODUCT_SUMS_4(a, b, c, d)                                                              \
    [s00] "+&r"(sum[0][a]), [s01] "+&r"(sum[0][b]),                                                \
    [s02] "+&r"(sum[0][c]), [s03] "+&r"(sum[0][d]),                                                \
    [s10] "+&r"(sum[1][a]), [s11] "+&r"(sum[1][b]),                                                \
    [s12] "+&r"(sum[1][c]), [s13] "+&r"(sum[1][d]),                                                \
    [s20] "+&r"(sum[2][a]), [s21] "+&r"(sum[2][b]),                                                \
    [s22] "+&r"(sum[2][c]), [s23] "+&r"(sum[2][d]),                                                \
    [s30] "+&r"(sum[3][a]), [s31] "+&r"(sum[3][b]),                                                \
    [s32] "+&r"(sum[3][c]), [s33] "+&r"(sum[3][d]),                                                \
    [x0] "+&r"(in[a]), [x1] "+&r"(in[b]), [x2] "+&r"(in[c]), [x3] "+&r"(in[d])
#define TL_PRODUCT_OTHERS                                                                          \
    [w0] "+&r"(*weight), [w1] "+&r"(steps), [left] "+&r"(*left), [right] "+&r"(*right)

#define TL_PRODUCT_STRIDES [each] "r"(each), [back] "r"(back), [rback] "r"(right_back)

#endif

/* `steps` steps of a product of 4 rows and 3 or 4 columns, each with the loads for the next: 1, or
   0 where it has not been done. `each` and `back`: bytes from an element of the left factor to the
   next one, and from a step's last one to the next step's first; `apart`: elements of the right one
   lie so many from each other, the next step's `right_back` bytes on; 0: also `each` bytes. */
static TL_INLINE int tl_product_f32(
    const int columns, const int apart, float sum[4][4], float *in, float *weight,
    const float **left, int32_t each, int32_t back, const float **right, int32_t right_back,
    int32_t steps)
{
#ifdef TL_XPULP
    if (columns == 4 && apart) {
        __asm__ volatile(
            TL_PRODUCT_STEPS(
                TL_PRODUCT_ROW_4, "24", TL_PRODUCT_LOAD_APART("x0", "a1"),
                TL_PRODUCT_LOAD_APART("x1", "a2"), TL_PRODUCT_LOAD_APART("x2", "a3"),
                TL_PRODUCT_LOAD_X("x3", "rback"))
            : TL_PRODUCT_SUMS_4(1, 2, 3, 0), TL_PRODUCT_OTHERS
            : TL_PRODUCT_STRIDES,
              [a1] "i"(apart * 4), [a2] "i"(apart * 8), [a3] "i"(apart * 12));
    } else if (columns == 4) {
        __asm__ volatile(
            TL_PRODUCT_STEPS(
                TL_PRODUCT_ROW_4, "24", TL_PRODUCT_LOAD_X("x0", "each"),
                TL_PRODUCT_LOAD_X("x1", "each"), TL_PRODUCT_LOAD_X("x2", "each"),
                TL_PRODUCT_LOAD_X("x3", "rback"))
            : TL_PRODUCT_SUMS_4(0, 1, 2, 3), TL_PRODUCT_OTHERS
            : TL_PRODUCT_STRIDES);
    } else if (apart) {
        __asm__ volatile(
            TL_PRODUCT_STEPS(
                TL_PRODUCT_ROW_3, "19", TL_PRODUCT_LOAD_APART("x0", "a1"),
                TL_PRODUCT_LOAD_APART("x1", "a2"), ,
                TL_PRODUCT_LOAD_X("x2", "rback"))
            : TL_PRODUCT_SUMS_3(1, 2, 0), TL_PRODUCT_OTHERS
            : TL_PRODUCT_STRIDES,
              [a1] "i"(apart * 4), [a2] "i"(apart * 8));
    } else {
        __asm__ volatile(
            TL_PRODUCT_STEPS(
                TL_PRODUCT_ROW_3, "19", TL_PRODUCT_LOAD_X("x0", "each"),
                TL_PRODUCT_LOAD_X("x1", "each"), ,
                TL_PRODUCT_LOAD_X("x2", "rback"))
            : TL_PRODUCT_SUMS_3(0, 1, 2), TL_PRODUCT_OTHERS
            : TL_PRODUCT_STRIDES);
    }
    return 1;
#else
    (void)columns, (void)apart, (void)sum, (void)in, (void)weight, (void)left, (void)each;
    (void)back, (void)right, (void)right_back, (void)steps;
    return 0;
#endif
}

#endif
