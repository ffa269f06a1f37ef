/* Rows of the weight gradient of a convolution for PULP's cores, in their hardware loops: what stands
   between two rows goes with products too, where a core that shares its FPU waits anyway. The twin in
   plain C gives the same bits. */

#ifndef TL_XPULP_TAPS_H
#define TL_XPULP_TAPS_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

#define TL_TAPS_ADD(i, t, d) TL_ASM_FMA("s" #i #t, d, "x" #t)

/* 4 x 3 products of a pixel, with its own elements of x and dy loaded between them, `go` too and in
   the end what the next pixel begins with. `there`: what its last tap needs lies inside. */
#define TL_TAPS_PIXEL(there, go, x0, x1, d0)                                                       \
    TL_ASM_IF("%[step] == 2", TL_ASM_LOAD("x1", "x"))                                             \
    TL_TAPS_ADD(0, 0, "d0") TL_ASM_IF(there, TL_ASM_LOAD("x2", "x"))                              \
    TL_TAPS_ADD(0, 1, "d0") TL_ASM_LOAD("d1", "dy1") TL_ASM_IF(there, TL_TAPS_ADD(0, 2, "d0"))    \
    TL_TAPS_ADD(1, 0, "d1") TL_ASM_LOAD("d0", "dy2")                                               \
    TL_TAPS_ADD(1, 1, "d1") go TL_ASM_IF(there, TL_TAPS_ADD(1, 2, "d1"))                          \
    TL_TAPS_ADD(2, 0, "d0") TL_ASM_LOAD("d1", "dy3")                                               \
    TL_TAPS_ADD(2, 1, "d0") TL_ASM_IF(there, TL_TAPS_ADD(2, 2, "d0")) d0                          \
    TL_TAPS_ADD(3, 0, "d1") x0 TL_TAPS_ADD(3, 1, "d1") x1                                          \
    TL_ASM_IF(there, TL_TAPS_ADD(3, 2, "d1"))

/* All pixels of a row but the last one. */
#define TL_TAPS_MOST                                                                               \
    TL_ASM_INNER(                                                                                  \
        "most", "19",                                                                              \
        TL_TAPS_PIXEL(                                                                             \
            "1", ,                                                                                 \
            TL_ASM_IF("%[step] == 1", TL_ASM_MOVE("x0", "x1"))                                   \
            TL_ASM_IF("%[step] == 2", TL_ASM_MOVE("x0", "x2")),                                  \
            TL_ASM_IF("%[step] == 1", TL_ASM_MOVE("x1", "x2")), TL_ASM_LOAD("d0", "dy0")))

/* What a row begins with. */
#define TL_TAPS_X0                                                                                 \
    TL_ASM_IF("%[left]", "addi %[x0], x0, 0\n\t") TL_ASM_IF("!%[left]", TL_ASM_LOAD("x0", "x"))
#define TL_TAPS_X1 TL_ASM_IF("%[step] == 1", TL_ASM_LOAD("x1", "x"))

#define TL_TAPS_SUMS(i)                                                                            \
    [s##i##0] "+&r"(sum[i][0]), [s##i##1] "+&r"(sum[i][1]), [s##i##2] "+&r"(sum[i][2])

/* The last row loads nothing for a next one, which may lie behind the end of x or dy. */
#define TL_TAPS_ROWS                                                                               \
    TL_ASM_WIDE(                                                                                   \
        TL_ASM_LOAD("d0", "dy0") TL_TAPS_X0 TL_TAPS_X1                                             \
        "beq %[d1], x0, 1f\n\t"                                                                    \
        TL_ASM_OUTER(                                                                              \
            "d1", "1 + 19 + 20 - 5 * %[right]",                                                    \
            TL_TAPS_MOST                                                                           \
            TL_TAPS_PIXEL(                                                                         \
                "!%[right]", TL_ASM_3("add", "x", "x", "skip"), TL_TAPS_X0, TL_TAPS_X1,            \
                TL_ASM_LOAD("d0", "dy0")))                                                         \
        "1:\n\t"                                                                                   \
        TL_TAPS_MOST TL_TAPS_PIXEL("!%[right]", , , , ))

#define TL_TAPS_RUN(l, r)                                                                          \
    __asm__ volatile(                                                                              \
        TL_TAPS_ROWS                                                                               \
        : TL_TAPS_SUMS(0), TL_TAPS_SUMS(1), TL_TAPS_SUMS(2), TL_TAPS_SUMS(3), [x0] "=&r"(in[0]),   \
          [x1] "=&r"(in[1]), [x2] "=&r"(in[2]), [d0] "=&r"(other), [d1] "+&r"(more), [x] "+&r"(x), \
          [dy0] "+&r"(dy[0]), [dy1] "+&r"(dy[1]), [dy2] "+&r"(dy[2]), [dy3] "+&r"(dy[3])           \
        : [most] "r"(pixels - 1), [skip] "r"(x_skip * 4), [step] "i"(step), [left] "i"(l),         \
          [right] "i"(r))

/* The same for 2 x 7 products, columns 1 apart: `gone` elements of the window are not there. What does
   not fit the registers waits in memory. */
#define TL_TAPS7_ADD(i, t, gone) TL_ASM_IF(#t " < 7 - " gone, TL_TAPS_ADD(i, t, "d" #i))
#define TL_TAPS7_PIXEL(gone, d0, x0, x1, x2, x3, x4, x5)                                           \
    TL_TAPS7_ADD(0, 0, gone) TL_ASM_IF(gone " == 0", TL_ASM_LOAD("x6", "x"))                      \
    TL_TAPS7_ADD(0, 1, gone) TL_ASM_LOAD("d1", "dy1") TL_TAPS7_ADD(0, 2, gone)                     \
    TL_TAPS7_ADD(0, 3, gone) TL_TAPS7_ADD(0, 4, gone) TL_TAPS7_ADD(0, 5, gone)                     \
    TL_TAPS7_ADD(0, 6, gone) d0                                                                    \
    TL_TAPS7_ADD(1, 0, gone) x0 TL_TAPS7_ADD(1, 1, gone) x1 TL_TAPS7_ADD(1, 2, gone) x2            \
    TL_TAPS7_ADD(1, 3, gone) x3 TL_TAPS7_ADD(1, 4, gone) x4 TL_TAPS7_ADD(1, 5, gone) x5            \
    TL_TAPS7_ADD(1, 6, gone)
#define TL_TAPS7_MOVE(to, from, gone)                                                              \
    TL_ASM_IF(#to " < 6 - " gone, TL_ASM_MOVE("x" #to, "x" #from))
#define TL_TAPS7_SLIDE(gone)                                                                       \
    TL_TAPS7_PIXEL(                                                                                \
        gone, TL_ASM_LOAD("d0", "dy0"), TL_TAPS7_MOVE(0, 1, gone), TL_TAPS7_MOVE(1, 2, gone),      \
        TL_TAPS7_MOVE(2, 3, gone), TL_TAPS7_MOVE(3, 4, gone), TL_TAPS7_MOVE(4, 5, gone),           \
        TL_TAPS7_MOVE(5, 6, gone))

/* All pixels of a row but the last one, or but the last three. */
#define TL_TAPS7_MOST                                                                              \
    TL_ASM_LOAD_FROM("d1", "most") TL_ASM_INNER("d1", "23", TL_TAPS7_SLIDE("0"))                   \
    TL_ASM_IF("%[right]", TL_TAPS7_SLIDE("1") TL_TAPS7_SLIDE("2"))
#define TL_TAPS7_X(to)                                                                             \
    TL_ASM_IF("%[left]", "addi %[x" #to "], x0, 0\n\t")                                           \
    TL_ASM_IF("!%[left]", TL_ASM_LOAD("x" #to, "x"))
#define TL_TAPS7_ROWS                                                                              \
    TL_ASM_WIDE(                                                                                   \
        TL_ASM_LOAD("d0", "dy0") TL_TAPS7_X(0) TL_TAPS7_X(1) TL_TAPS7_X(2)                         \
        TL_ASM_LOAD("x3", "x") TL_ASM_LOAD("x4", "x") TL_ASM_LOAD("x5", "x")                       \
        "beq %[d1], x0, 1f\n\t"                                                                    \
        TL_ASM_OUTER(                                                                              \
            "d1", "2 + 23 + 25 + 28 * %[right]",                                                   \
            TL_TAPS7_MOST                                                                          \
            TL_TAPS7_PIXEL(                                                                        \
                "3 * %[right]", TL_ASM_LOAD_FROM("d0", "skip"),                                    \
                TL_ASM_3("add", "x", "x", "d0") TL_TAPS7_X(0),                                     \
                TL_ASM_LOAD("d0", "dy0") TL_TAPS7_X(1), TL_TAPS7_X(2), TL_ASM_LOAD("x3", "x"),     \
                TL_ASM_LOAD("x4", "x"), TL_ASM_LOAD("x5", "x")))                                   \
        "1:\n\t"                                                                                   \
        TL_TAPS7_MOST TL_TAPS7_PIXEL("3 * %[right]", , , , , , , ))

#define TL_TAPS7_SUMS(i)                                                                           \
    [s##i##0] "+&r"(sum[i][0]), [s##i##1] "+&r"(sum[i][1]), [s##i##2] "+&r"(sum[i][2]),            \
    [s##i##3] "+&r"(sum[i][3]), [s##i##4] "+&r"(sum[i][4]), [s##i##5] "+&r"(sum[i][5]),            \
    [s##i##6] "+&r"(sum[i][6])
#define TL_TAPS7_RUN(l, r)                                                                         \
    __asm__ volatile(                                                                              \
        TL_TAPS7_ROWS                                                                              \
        : TL_TAPS7_SUMS(0), TL_TAPS7_SUMS(1), [x0] "=&r"(in[0]), [x1] "=&r"(in[1]),                \
          [x2] "=&r"(in[2]), [x3] "=&r"(in[3]), [x4] "=&r"(in[4]), [x5] "=&r"(in[5]),              \
          [x6] "=&r"(in[6]), [d0] "=&r"(other), [d1] "+&r"(more), [x] "+&r"(x),                    \
          [dy0] "+&r"(dy[0]), [dy1] "+&r"(dy[1])                                                   \
        : [most] "m"(most), [skip] "m"(skip), [left] "i"(l), [right] "i"(r))

#endif

/* Sums of 4 planes of dy and 3 taps over `rows` rows of at least 2 windows, `step` apart: 1, or 0
   where it has not been done. `left`: the first window of a row begins one element before x, which
   counts as 0; `right`: the last one's last element is not there. Rows of dy follow each other, rows
   of x after `x_skip` elements more than are used. `dy` moves on. */
static TL_INLINE int tl_taps3_rows_f32(
    const int step, int32_t left, int32_t right, float sum[4][3], const float *x, int32_t x_skip,
    const float *dy[4], int32_t rows, int32_t pixels)
{
#ifdef TL_XPULP
    int32_t more = rows - 1;
    float in[3], other;

    if (rows < 1) {
        return 1;
    }
    TL_ASM_EITHER(left, right, TL_TAPS_RUN)
    return 1;
#else
    (void)step, (void)left, (void)right, (void)sum, (void)x, (void)x_skip, (void)dy, (void)rows;
    (void)pixels;
    return 0;
#endif
}

/* The same of 2 planes and 7 taps, columns 1 apart: `left` or `right` stands for 3 elements. */
static TL_INLINE int tl_taps7_rows_f32(
    const int step, int32_t left, int32_t right, float sum[2][7], const float *x, int32_t x_skip,
    const float *dy[2], int32_t rows, int32_t pixels)
{
#ifdef TL_XPULP
    const int32_t most = pixels - (right ? 3 : 1), skip = x_skip * 4;
    int32_t more = rows - 1;
    float in[7], other;

    (void)step;
    if (rows < 1 || most < 1) {
        return rows < 1;
    }
    TL_ASM_EITHER(left, right, TL_TAPS7_RUN)
    return 1;
#else
    (void)step, (void)left, (void)right, (void)sum, (void)x, (void)x_skip, (void)dy, (void)rows;
    (void)pixels;
    return 0;
#endif
}

#endif
