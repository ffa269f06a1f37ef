/* The weight gradient of a row of three taps for PULP's cores, with their hardware loops. Its twin in
   plain C gives the same bits. */

#ifndef TL_XPULP_WINDOW_H
#define TL_XPULP_WINDOW_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

#define TL_WINDOW_ADD(t, x, d) TL_ASM_FMA("s" #t, x, d)

/* The element d of dy, which brings the column c; dy's next one is e. No two loads follow each other: two
   cores keep the FPU that they share busy. */
#define TL_WINDOW_NEXT(a, b, c, d, e)                                                              \
    TL_ASM_LOAD(c, "x") TL_WINDOW_ADD(0, a, d)                                                     \
    TL_ASM_LOAD(e, "dy") TL_WINDOW_ADD(1, b, d) TL_WINDOW_ADD(2, c, d)
/* Three of them. */
#define TL_WINDOW_TURN                                                                             \
    TL_WINDOW_NEXT("a", "b", "c", "d", "e") TL_WINDOW_NEXT("b", "c", "a", "e", "f")                \
    TL_WINDOW_NEXT("c", "a", "b", "f", "d")
/* One, behind which all are in their places again. */
#define TL_WINDOW_SHIFT                                                                            \
    TL_ASM_LOAD("c", "x") TL_WINDOW_ADD(0, "a", "d") TL_ASM_MOVE("a", "b")                           \
    TL_WINDOW_ADD(1, "a", "d") TL_ASM_MOVE("b", "c") TL_WINDOW_ADD(2, "b", "d")                      \
    TL_ASM_LOAD("d", "dy")

/* Windows two columns apart: the third column is the next one's first. */
#define TL_WINDOW_JUMP(a, c, d, e)                                                                 \
    TL_ASM_LOAD("b", "x") TL_WINDOW_ADD(0, a, d) TL_ASM_LOAD(c, "x") TL_WINDOW_ADD(1, "b", d)      \
    TL_ASM_LOAD(e, "dy") TL_WINDOW_ADD(2, c, d)
#define TL_WINDOW_JUMPS TL_WINDOW_JUMP("a", "c", "d", "e") TL_WINDOW_JUMP("c", "a", "e", "d")
#define TL_WINDOW_LEAP                                                                             \
    TL_ASM_LOAD("b", "x") TL_WINDOW_ADD(0, "a", "d") TL_ASM_LOAD("a", "x")                         \
    TL_WINDOW_ADD(1, "b", "d") TL_WINDOW_ADD(2, "a", "d") TL_ASM_LOAD("d", "dy")

#define TL_WINDOW_FIRST TL_ASM_LOAD_STEP("a", "left", "left_step") TL_ASM_LOAD("d", "dy")
#define TL_WINDOW_LAST                                                                             \
    TL_ASM_LOAD_STEP("c", "right", "right_step") TL_WINDOW_ADD(0, "a", "d")                        \
    TL_ASM_3("add", "x", "x", "x_skip") TL_WINDOW_ADD(1, "b", "d")                                 \
    TL_ASM_3("add", "dy", "dy", "dy_skip") TL_WINDOW_ADD(2, "c", "d")

#define TL_WINDOW_SUMS                                                                             \
    [s0] "+&r"(sum[0]), [s1] "+&r"(sum[1]), [s2] "+&r"(sum[2]), [a] "=&r"(a), [b] "=&r"(b),        \
    [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [x] "+&r"(x), [dy] "+&r"(dy),                        \
    [left] "+&r"(left), [right] "+&r"(right)
#define TL_WINDOW_STEPS                                                                            \
    [lines] "r"(lines), [x_skip] "r"(x_skip * 4), [dy_skip] "r"(dy_skip * 4),                      \
    [left_step] "r"(left_step * 4), [right_step] "r"(right_step * 4)

#endif

/* Adds to three sums the products of `lines` rows of `count` elements of dy with the columns of their
   windows, `step` from those of the next one: 1, or 0 where it has not been done. `x` is the first
   window's second column; its first one and the last one's third are at `left` and `right`. Steps lead to
   the next row, skips to there from behind the last one's second column and from behind dy's row. */
static TL_INLINE int tl_window_rows_f32(
    const int step, float sum[3], int32_t lines, int32_t count, const float *x, int32_t x_skip,
    const float *dy, int32_t dy_skip, const float *left, int32_t left_step, const float *right,
    int32_t right_step)
{
#ifdef TL_XPULP
    float a, b, c, d, e, f;

    if (step == 1) {
        const int32_t turns = (count - 1) / 3;

        __asm__ volatile(
            TL_ASM_TURNS(
                "lines", "3 + 2 + 15 + 2 + 7 + 6",
                TL_WINDOW_FIRST TL_ASM_LOAD("b", "x")
                "beq %[turns], zero, 1f\n\t" TL_ASM_INNER("turns", "15", TL_WINDOW_TURN)
                "1: beq %[rest], zero, 2f\n\t" TL_ASM_INNER("rest", "7", TL_WINDOW_SHIFT)
                "2:\n\t" TL_WINDOW_LAST)
            : TL_WINDOW_SUMS, [f] "=&r"(f)
            : TL_WINDOW_STEPS, [turns] "r"(turns), [rest] "r"(count - 1 - 3 * turns)
            : "memory");
    } else {
        __asm__ volatile(
            TL_ASM_TURNS(
                "lines", "2 + 2 + 12 + 1 + 6 + 1 + 6",
                TL_WINDOW_FIRST
                "beq %[turns], zero, 1f\n\t" TL_ASM_INNER("turns", "12", TL_WINDOW_JUMPS)
                "1: beq %[rest], zero, 2f\n\t" TL_WINDOW_LEAP
                "2:\n\t" TL_ASM_LOAD("b", "x") TL_WINDOW_LAST)
            : TL_WINDOW_SUMS
            : TL_WINDOW_STEPS, [turns] "r"((count - 1) >> 1), [rest] "r"((count - 1) & 1)
            : "memory");
    }
    return 1;
#else
    (void)step, (void)sum, (void)lines, (void)count, (void)x, (void)x_skip, (void)dy;
    (void)dy_skip, (void)left, (void)left_step, (void)right, (void)right_step;
    return 0;
#endif
}

#endif
