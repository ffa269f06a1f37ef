/* Blocks of a product of matrices for PULP's cores, side by side: what stands between their loops goes
   with products too, where a core that shares its FPU waits anyway. The twin in plain C gives the same
   bits. */

#ifndef TL_XPULP_BLOCKS_H
#define TL_XPULP_BLOCKS_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"
#include "tl/xpulp_product.h"

/* Columns go by the order in which they are loaded: side by side the first one last, as it moves the
   pointer on; or one step of `right` after the other. */
#define TL_BLOCKS_BESIDE(define)                                                                   \
    define(                                                                                        \
        TL_ASM_LOAD_AT("x0", "right", "4"), TL_ASM_LOAD_AT("x1", "right", "8"),                    \
        TL_ASM_LOAD_AT("x2", "right", "12"), TL_PRODUCT_LOAD_X("x3", "plane"))
#define TL_BLOCKS_ALIKE(define)                                                                    \
    define(                                                                                        \
        TL_PRODUCT_LOAD_X("x0", "each"), TL_PRODUCT_LOAD_X("x1", "each"),                          \
        TL_PRODUCT_LOAD_X("x2", "each"), TL_PRODUCT_LOAD_X("x3", "back"))

#define TL_BLOCKS_S0(i) TL_ASM_STORE_AT("s" #i "0", "y", "%[at0]")
#define TL_BLOCKS_S1(i) TL_ASM_STORE_AT("s" #i "1", "y", "%[at1]")
#define TL_BLOCKS_S2(i) TL_ASM_STORE_AT("s" #i "2", "y", "%[at2]")
#define TL_BLOCKS_S3(i, step) TL_ASM_STORE_STEP("s" #i "3", "y", step)

#define TL_BLOCKS_ADD(i, j, w, b) "fmadd.s %[s" #i #j "], %[" w "], %[x" #j "], %[" b "]\n\t"
#define TL_BLOCKS_START(i, w, b0, b1, b2, b3, after_0, after_1, after_2, after_3)                  \
    TL_BLOCKS_ADD(i, 0, w, b0) after_0 TL_BLOCKS_ADD(i, 1, w, b1) after_1                          \
    TL_BLOCKS_ADD(i, 2, w, b2) after_2 TL_BLOCKS_ADD(i, 3, w, b3) after_3

/* The first step, 34 instructions: a row begins with its bias, which waits in a sum of the last row. */
#define TL_BLOCKS_FIRST_ROWS(x0, x1, x2, x3)                                                       \
    x0 TL_PRODUCT_LOAD_W("w0", "each") TL_ASM_LOAD_FROM("s33", "b0")                               \
    x1 TL_PRODUCT_LOAD_W("w1", "each")                                                             \
    TL_BLOCKS_START(                                                                               \
        0, "w0", "s33", "s33", "s33", "s33", x2, x3, TL_ASM_LOAD_FROM("s32", "b1"),                \
        TL_PRODUCT_LOAD_W("w0", "each"))                                                           \
    TL_BLOCKS_START(                                                                               \
        1, "w1", "s32", "s32", "s32", "s32", , TL_ASM_LOAD_FROM("s31", "b2"), ,                    \
        TL_PRODUCT_LOAD_W("w1", "back"))                                                           \
    TL_BLOCKS_START(                                                                               \
        2, "w0", "s31", "s31", "s31", "s31", TL_ASM_LOAD_FROM("s33", "b3"), , ,                    \
        TL_PRODUCT_LOAD_W("w0", "each"))                                                           \
    TL_BLOCKS_START(                                                                               \
        3, "w1", "s33", "s33", "s33", "s33", x0, x1, x2, TL_ASM_LOAD_FROM("w1", "turns") x3)

/* Or a column with its bias, as far from y as those of other blocks, 36 instructions: they wait in the
   sums of the last row. */
#define TL_BLOCKS_FIRST_COLUMNS(x0, x1, x2, x3)                                                    \
    TL_ASM_LOAD_FROM("s20", "from_y") x0 TL_PRODUCT_LOAD_W("w0", "each")                           \
    TL_ASM_3("add", "s20", "s20", "y") TL_ASM_LOAD_AT("s30", "s20", "%[at0]")                      \
    x1 TL_ASM_LOAD_AT("s31", "s20", "%[at1]") TL_PRODUCT_LOAD_W("w1", "each")                      \
    TL_BLOCKS_START(                                                                               \
        0, "w0", "s30", "s31", "s32", "s33", x2 TL_ASM_LOAD_AT("s32", "s20", "%[at2]"),            \
        x3 TL_ASM_LOAD_AT("s33", "s20", "%[at3]"), , TL_PRODUCT_LOAD_W("w0", "each"))              \
    TL_BLOCKS_START(                                                                               \
        1, "w1", "s30", "s31", "s32", "s33", , , , TL_PRODUCT_LOAD_W("w1", "back"))                \
    TL_BLOCKS_START(                                                                               \
        2, "w0", "s30", "s31", "s32", "s33", , , , TL_PRODUCT_LOAD_W("w0", "each"))                \
    TL_BLOCKS_START(                                                                               \
        3, "w1", "s30", "s31", "s32", "s33", x0, x1, x2, TL_ASM_LOAD_FROM("w1", "turns") x3)

/* All but the first and the last one, 25 instructions. */
#define TL_BLOCKS_TURNS(x0, x1, x2, x3) TL_PRODUCT_LOOP(TL_PRODUCT_ROW_4, "24", x0, x1, x2, x3)

/* The last step, 39 instructions: rows are stored from the first one on, each product with something
   behind it, and sums that are stored make room for what pointers move by. */
#define TL_BLOCKS_LAST                                                                             \
    TL_PRODUCT_ROW_4(                                                                              \
        0, "w0", TL_PRODUCT_LOAD_W("w1", "each"), TL_BLOCKS_S0(0), TL_BLOCKS_S1(0),                \
        TL_PRODUCT_LOAD_W("w0", "each"))                                                           \
    TL_PRODUCT_ROW_4(                                                                              \
        1, "w1", TL_ASM_LOAD_FROM("s00", "left_last"), TL_BLOCKS_S2(0), TL_BLOCKS_S3(0, "plane"),  \
        TL_PRODUCT_LOAD_W("w1", "s00"))                                                            \
    TL_PRODUCT_ROW_4(                                                                              \
        2, "w0", TL_ASM_LOAD_FROM("s01", "right_next"), TL_BLOCKS_S0(1), TL_BLOCKS_S1(1),          \
        TL_ASM_3("add", "right", "right", "s01"))                                                  \
    TL_PRODUCT_ROW_4(                                                                              \
        3, "w1", TL_BLOCKS_S2(1), TL_BLOCKS_S3(1, "plane"), TL_BLOCKS_S0(2), TL_BLOCKS_S1(2))      \
    TL_BLOCKS_S2(2) TL_ASM_LOAD_FROM("s02", "y_last") TL_BLOCKS_S3(2, "plane")                     \
    TL_BLOCKS_S0(3) TL_BLOCKS_S1(3) TL_BLOCKS_S2(3) TL_BLOCKS_S3(3, "s02")

#define TL_BLOCKS_START_ROWS                                                                       \
    [b0] "m"(start[0]), [b1] "m"(start[1]), [b2] "m"(start[2]), [b3] "m"(start[3])
#define TL_BLOCKS_START_COLUMNS [from_y] "m"(from_y), [at3] "i"(0)

#define TL_BLOCKS_RUN(columns, first, instructions, starts, a, b, c)                               \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "w1", instructions " + 25 + 39",                                                       \
            columns(first) columns(TL_BLOCKS_TURNS) TL_BLOCKS_LAST)                                \
        : [s00] "=&r"(sum[0][0]), [s01] "=&r"(sum[0][1]), [s02] "=&r"(sum[0][2]),                  \
          [s03] "=&r"(sum[0][3]), [s10] "=&r"(sum[1][0]), [s11] "=&r"(sum[1][1]),                  \
          [s12] "=&r"(sum[1][2]), [s13] "=&r"(sum[1][3]), [s20] "=&r"(sum[2][0]),                  \
          [s21] "=&r"(sum[2][1]), [s22] "=&r"(sum[2][2]), [s23] "=&r"(sum[2][3]),                  \
          [s30] "=&r"(sum[3][0]), [s31] "=&r"(sum[3][1]), [s32] "=&r"(sum[3][2]),                  \
          [s33] "=&r"(sum[3][3]), [x0] "=&r"(in[0]), [x1] "=&r"(in[1]), [x2] "=&r"(in[2]),         \
          [x3] "=&r"(in[3]), [w0] "=&r"(weight), [w1] "+&r"(count), [left] "+&r"(left),            \
          [right] "+&r"(right), [y] "+&r"(y)                                                       \
        : [each] "r"(each), [back] "r"(back), [plane] "r"(plane), [at0] "i"(a), [at1] "i"(b),      \
          [at2] "i"(c), starts, [turns] "m"(turns), [left_last] "m"(left_last),                    \
          [right_next] "m"(right_next), [y_last] "m"(y_last)                                       \
        : "memory")

#endif

/* Whether tl_blocks_f32 is there, for sums of so many steps. */
static TL_INLINE int tl_blocks_take_f32(int32_t depth)
{
#ifdef TL_XPULP
    return depth > 2;
#else
    (void)depth;
    return 0;
#endif
}

/* `count` blocks of 4 x 4 sums over `depth` steps, whose rows are stored `plane` bytes from each other.
   They lie side by side, in `right` `beside` bytes from each other. The rows of `left` lie `each` bytes
   from each other, its steps `next`; the columns of `right` side by side, its steps `plane` bytes from
   each other; `alike`: columns and steps as those of `left`. A row begins with its element of `start`;
   `by_column`, for `alike` alone: a column does, and the next block has the next elements. */
static TL_INLINE void tl_blocks_f32(
    const int alike, const int by_column, int32_t count, int32_t depth, const float *start,
    const float *left, int32_t each, int32_t next, const float *right, int32_t beside, float *y,
    int32_t plane)
{
#ifdef TL_XPULP
    const int32_t turns = depth - 2, back = next - 3 * each, left_last = back - depth * next;
    const int32_t right_next = beside - depth * (alike ? next : plane), y_last = 16 - 3 * plane;
    float sum[4][4], in[4], weight;

    if (by_column) {
        const int32_t from_y = (int32_t)((uintptr_t)start - (uintptr_t)y);

        y += 3; /* where the column lies that is loaded last */
        TL_BLOCKS_RUN(
            TL_BLOCKS_ALIKE, TL_BLOCKS_FIRST_COLUMNS, "36", TL_BLOCKS_START_COLUMNS, -12, -8, -4);
    } else if (alike) {
        y += 3;
        TL_BLOCKS_RUN(
            TL_BLOCKS_ALIKE, TL_BLOCKS_FIRST_ROWS, "34", TL_BLOCKS_START_ROWS, -12, -8, -4);
    } else {
        TL_BLOCKS_RUN(
            TL_BLOCKS_BESIDE, TL_BLOCKS_FIRST_ROWS, "34", TL_BLOCKS_START_ROWS, 4, 8, 12);
    }
#else
    (void)alike, (void)by_column, (void)count, (void)depth, (void)start, (void)left, (void)each;
    (void)next, (void)right, (void)beside, (void)y, (void)plane;
#endif
}

#endif
