/* Inner loops of depthwise convolutions with a 3 x 3 window for PULP's cores, in their hardware loop.
   They return whether they have done it; plain C that does gives the same bits. */

#ifndef TL_XPULP_DEPTHWISE_H
#define TL_XPULP_DEPTHWISE_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

/* to = w[r][tap] * in + sum; pointers move on by a register, as one word may stand in for a row. Loads and
   stores lie among the products, where cores that share an FPU take turns. */
#define TL_DW3_FMA(to, w, in, sum) "fmadd.s %[" to "], %[w" w "], %[" in "], %[" sum "]\n\t"
#define TL_DW3_MUL(to, w, in) "fmadd.s %[" to "], %[w" w "], %[" in "], x0\n\t"
#define TL_DW3_TAKE(to, r) TL_ASM_LOAD_STEP(to, "from" r, "step" r)
#define TL_DW3_PUT(value) TL_ASM_STORE(value, "to")
#define TL_DW3_PUT_IN(value, r) TL_ASM_STORE_STEP(value, "to" r, "to_step" r)
#define TL_DW3_OLD(value, to) TL_ASM_LOAD_AT("old", to, "0") TL_ASM_3("fadd.s", value, "old", value)
#define TL_DW3_ADD(value) TL_DW3_OLD(value, "to") TL_DW3_PUT(value)
#define TL_DW3_ADD_IN(value, r) TL_DW3_OLD(value, "to" r) TL_DW3_PUT_IN(value, r)

/* A window for each turn: the next column is its third, the next one's second, and so on. */
#define TL_DW3_SLIDE(instructions, put)                                                            \
    TL_ASM_INNER(                                                                                  \
        "count", instructions,                                                                     \
        TL_DW3_TAKE("a", "0") TL_DW3_TAKE("b", "1")                                                \
        TL_DW3_FMA("sum", "02", "a", "sum0") TL_DW3_TAKE("c", "2")                                 \
        TL_DW3_FMA("sum0", "01", "a", "sum1") TL_DW3_FMA("sum1", "00", "a", "bias")                \
        TL_DW3_FMA("sum", "12", "b", "sum") TL_DW3_FMA("sum", "22", "c", "sum")                    \
        TL_DW3_FMA("sum0", "11", "b", "sum0") TL_DW3_FMA("sum0", "21", "c", "sum0") put("sum")     \
        TL_DW3_FMA("sum1", "10", "b", "sum1") TL_DW3_FMA("sum1", "20", "c", "sum1"))

/* The next two columns are its second and third; that is the next one's first. */
#define TL_DW3_JUMP(instructions, put)                                                             \
    TL_ASM_INNER(                                                                                  \
        "count", instructions,                                                                     \
        TL_DW3_TAKE("a", "0") TL_DW3_TAKE("b", "1")                                                \
        TL_DW3_FMA("sum0", "01", "a", "sum0") TL_DW3_TAKE("c", "2")                                \
        TL_DW3_FMA("sum0", "11", "b", "sum0") TL_DW3_TAKE("a", "0")                                \
        TL_DW3_FMA("sum0", "21", "c", "sum0") TL_DW3_TAKE("b", "1")                                \
        TL_DW3_FMA("sum0", "02", "a", "sum0") TL_DW3_TAKE("c", "2")                                \
        TL_DW3_FMA("sum0", "12", "b", "sum0") TL_DW3_FMA("sum0", "22", "c", "sum0") put("sum0")    \
        TL_DW3_FMA("sum0", "00", "a", "bias") TL_DW3_FMA("sum0", "10", "b", "sum0")                \
        TL_DW3_FMA("sum0", "20", "c", "sum0"))

/* Rows of windows: whether the first one sees its first column, and whether one is left for the end. */
#define TL_DW3_COLUMN(tap, start)                                                                  \
    TL_DW3_TAKE("a", "0") TL_DW3_TAKE("b", "1") TL_DW3_FMA("sum0", "0" tap, "a", start)            \
    TL_DW3_TAKE("c", "2") TL_DW3_FMA("sum0", "1" tap, "b", "sum0")                                 \
    TL_DW3_FMA("sum0", "2" tap, "c", "sum0")
#define TL_DW3_SKIP                                                                                \
    TL_ASM_3("add", "from0", "from0", "skip") TL_ASM_3("add", "from1", "from1", "skip")            \
    TL_ASM_3("add", "from2", "from2", "skip")
#define TL_DW3_SLIDE_ROWS                                                                          \
    TL_ASM_TURNS(                                                                                  \
        "lines", "26 + 6 * %[first] + %[rest]",                                                    \
        TL_ASM_IF("%[first]", TL_DW3_COLUMN("0", "bias"))                                          \
        TL_DW3_TAKE("a", "0") TL_DW3_TAKE("b", "1")                                                \
        TL_ASM_IF("%[first]", TL_DW3_FMA("sum0", "01", "a", "sum0"))                               \
        TL_ASM_IF("! %[first]", TL_DW3_FMA("sum0", "01", "a", "bias"))                             \
        TL_DW3_TAKE("c", "2") TL_DW3_FMA("sum1", "00", "a", "bias")                                \
        TL_DW3_FMA("sum0", "11", "b", "sum0") TL_DW3_FMA("sum1", "10", "b", "sum1")                \
        TL_DW3_FMA("sum0", "21", "c", "sum0") TL_DW3_FMA("sum1", "20", "c", "sum1")                \
        TL_DW3_SLIDE("13", TL_DW3_PUT) TL_ASM_IF("%[rest]", TL_DW3_PUT("sum0")) TL_DW3_SKIP)
#define TL_DW3_JUMP_ROWS                                                                           \
    TL_ASM_TURNS(                                                                                  \
        "lines", "21 + 5 * %[first] + 7 * %[rest]",                                                \
        TL_ASM_IF("%[first]", TL_DW3_COLUMN("0", "bias"))                                          \
        TL_ASM_IF("! %[first]", TL_ASM_MOVE("sum0", "bias"))                                       \
        TL_DW3_JUMP("16", TL_DW3_PUT)                                                              \
        TL_ASM_IF("%[rest]", TL_DW3_COLUMN("1", "sum0") TL_DW3_PUT("sum0")) TL_DW3_SKIP)

/* Two elements of two rows of the gradient for each column of two rows. */
#define TL_DW3_PAIR(instructions, put)                                                             \
    TL_ASM_INNER(                                                                                  \
        "count", instructions,                                                                     \
        TL_DW3_TAKE("a", "0") TL_DW3_TAKE("b", "1")                                                \
        TL_DW3_FMA("sum0", "00", "a", "sum0") TL_DW3_MUL("odd0", "01", "a")                        \
        TL_DW3_FMA("sum1", "10", "a", "sum1") TL_DW3_FMA("sum0", "20", "b", "sum0")                \
        put("sum0", "0") TL_DW3_FMA("odd0", "21", "b", "odd0") put("sum1", "1")                    \
        TL_DW3_MUL("odd1", "11", "a") put("odd0", "0") TL_DW3_MUL("sum0", "02", "a")               \
        put("odd1", "1") TL_DW3_FMA("sum0", "22", "b", "sum0") TL_DW3_MUL("sum1", "12", "a"))

#define TL_DW3_WEIGHTS                                                                             \
    [w00] "r"(w[0][0]), [w01] "r"(w[0][1]), [w02] "r"(w[0][2]), [w10] "r"(w[1][0]),                \
        [w11] "r"(w[1][1]), [w12] "r"(w[1][2]), [w20] "r"(w[2][0]), [w21] "r"(w[2][1]),            \
        [w22] "r"(w[2][2])

#define TL_DW3_PLACES                                                                              \
    [from0] "+&r"(from[0]), [from1] "+&r"(from[1]), [from2] "+&r"(from[2]), [to] "+&r"(*to)
#define TL_DW3_COLUMNS [sum] "=&r"(done), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c)
#define TL_DW3_STEPS                                                                               \
    [step0] "r"(step[0]), [step1] "r"(step[1]), [step2] "r"(step[2]), [count] "r"(count),          \
        [bias] "r"(bias)

#define TL_DW3_RUN_WINDOWS(text)                                                                   \
    __asm__ volatile(                                                                              \
        text                                                                                       \
        : TL_DW3_PLACES, [sum0] "+&r"(sum[0]), [sum1] "+&r"(sum[1]), TL_DW3_COLUMNS,               \
          [old] "=&r"(old)                                                                         \
        : TL_DW3_STEPS, TL_DW3_WEIGHTS                                                             \
        : "memory")

#define TL_DW3_RUN_ROWS(text, sees_first, one_left)                                                \
    __asm__ volatile(                                                                              \
        text                                                                                       \
        : TL_DW3_PLACES, [sum0] "=&r"(sum[0]), [sum1] "=&r"(sum[1]), TL_DW3_COLUMNS                \
        : TL_DW3_STEPS, [lines] "r"(lines), [skip] "r"(skip), [first] "i"(sees_first),             \
          [rest] "i"(one_left), TL_DW3_WEIGHTS                                                     \
        : "memory")
#define TL_DW3_RUN_SLIDES(first, rest) TL_DW3_RUN_ROWS(TL_DW3_SLIDE_ROWS, first, rest)
#define TL_DW3_RUN_JUMPS(first, rest) TL_DW3_RUN_ROWS(TL_DW3_JUMP_ROWS, first, rest)

#define TL_DW3_RUN_PAIR(text)                                                                      \
    __asm__ volatile(                                                                              \
        text                                                                                       \
        : [from0] "+&r"(from[0]), [from1] "+&r"(from[1]), [to0] "+&r"(to[0]), [to1] "+&r"(to[1]),  \
          [sum0] "+&r"(sum[0]), [sum1] "+&r"(sum[1]), [odd0] "=&r"(odd0), [odd1] "=&r"(odd1),      \
          [a] "=&r"(a), [b] "=&r"(b), [old] "=&r"(old)                                             \
        : [step0] "r"(step[0]), [step1] "r"(step[1]), [to_step0] "r"(to_step[0]),                  \
          [to_step1] "r"(to_step[1]), [count] "r"(count), TL_DW3_WEIGHTS                           \
        : "memory")

#endif

/* `count` windows of a row, 1 or 2 columns `apart`, whose first columns the sums have already. */
static TL_INLINE int tl_dw3_windows_f32(
    const int apart, const int accumulate, int32_t count, float **to, float sum[2], float bias,
    const float w[3][3], const float *from[3], const int32_t step[3])
{
#ifdef TL_XPULP
    float done, a, b, c, old;

    if (count <= 0) {
        return 1;
    }
    if (apart == 1 && accumulate) {
        TL_DW3_RUN_WINDOWS(TL_ASM_WIDE(TL_DW3_SLIDE("15", TL_DW3_ADD)));
    } else if (apart == 1) {
        TL_DW3_RUN_WINDOWS(TL_ASM_WIDE(TL_DW3_SLIDE("13", TL_DW3_PUT)));
    } else if (accumulate) {
        TL_DW3_RUN_WINDOWS(TL_ASM_WIDE(TL_DW3_JUMP("18", TL_DW3_ADD)));
    } else {
        TL_DW3_RUN_WINDOWS(TL_ASM_WIDE(TL_DW3_JUMP("16", TL_DW3_PUT)));
    }
    return 1;
#else
    (void)apart, (void)accumulate, (void)count, (void)to, (void)sum, (void)bias, (void)w;
    (void)from, (void)step;
    return 0;
#endif
}

/* `lines` rows of such windows, the next one `skip` bytes behind the last. `first`: whether its first
   window sees the first of its columns; `rest`: whether one behind the others lacks its last. */
static TL_INLINE int tl_dw3_rows_f32(
    const int apart, int32_t lines, int32_t first, int32_t count, int32_t rest, float **to,
    float bias, const float w[3][3], const float *from[3], const int32_t step[3], int32_t skip)
{
#ifdef TL_XPULP
    float sum[2], done, a, b, c;

    if (count <= 0) {
        return 0;
    }
    if (apart == 1) {
        TL_ASM_EITHER(first, rest, TL_DW3_RUN_SLIDES)
    } else {
        TL_ASM_EITHER(first, rest, TL_DW3_RUN_JUMPS)
    }
    return 1;
#else
    (void)apart, (void)lines, (void)first, (void)count, (void)rest, (void)to, (void)bias, (void)w;
    (void)from, (void)step, (void)skip;
    return 0;
#endif
}

/* `count` columns of two rows, each of which ends an element of two rows of the gradient. */
static TL_INLINE int tl_dw3_pairs_f32(
    const int accumulate, int32_t count, float *to[2], const int32_t to_step[2], float sum[2],
    const float w[3][3], const float *from[2], const int32_t step[2])
{
#ifdef TL_XPULP
    float odd0, odd1, a, b, old;

    if (count <= 0) {
        return 1;
    }
    if (accumulate) {
        TL_DW3_RUN_PAIR(TL_ASM_WIDE(TL_DW3_PAIR("23", TL_DW3_ADD_IN)));
    } else {
        TL_DW3_RUN_PAIR(TL_ASM_WIDE(TL_DW3_PAIR("15", TL_DW3_PUT_IN)));
    }
    return 1;
#else
    (void)accumulate, (void)count, (void)to, (void)to_step, (void)sum, (void)w, (void)from;
    (void)step;
    return 0;
#endif
}

#endif
