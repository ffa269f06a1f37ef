/* Loops of pooling for PULP's cores: windows of 2 x 2 side by side, row after row, and whole planes.
   They return whether they have done it; plain C that does gives the same
   values; the sign of a zero or of a NaN may differ. */

#ifndef TL_XPULP_POOL_H
#define TL_XPULP_POOL_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

/* The last window of a row has none to load for. An FPU operation at every second place lets two cores
   take turns. */
#define TL_POOL_ROWS(last, each, window)                                                           \
    TL_ASM_TURNS(                                                                                  \
        "rows", "4 + " each " + " last,                                                            \
        TL_ASM_LOAD("a", "x") TL_ASM_LOAD("b", "x")                                                \
        TL_ASM_INNER("more", each, window(TL_ASM_LOAD("a", "x"), TL_ASM_LOAD("b", "x")))           \
        window(, ) TL_ASM_3("add", "x", "x", "skip"))

#endif

/* The largest of each window of `rows` rows of at least 2; `wi` elements to the lower row. The
   comparison drops NaN, so products are summed up, which any NaN makes NaN: then it is not done. */
static TL_INLINE int tl_max_pool_rows_f32(
    int32_t rows, int32_t wo, float *y, const float *x, int32_t wi)
{
#ifdef TL_XPULP
#define TL_POOL_MAX(load_a, load_b)                                                                \
    TL_ASM_LOAD_BESIDE("c", "x", "below") TL_ASM_3("fmax.s", "t", "a", "b")                        \
    TL_ASM_LOAD_BESIDE("d", "x", "behind") TL_ASM_FMA("sum", "a", "b")                             \
    load_a TL_ASM_3("fmax.s", "t", "t", "c") load_b TL_ASM_3("fmax.s", "t", "t", "d")              \
    TL_ASM_STORE("t", "y") TL_ASM_FMA("sum", "c", "d")
    const int32_t below = (wi - 2) * 4; /* of the next window */
    float sum = 0, a, b, c, d, t;

    if (rows < 1 || wo < 2) {
        return 0;
    }
    __asm__ volatile(
        TL_POOL_ROWS("8", "10", TL_POOL_MAX)
        : [rows] "+r"(rows), [x] "+r"(x), [y] "+r"(y), [sum] "+r"(sum), [a] "=&r"(a),
          [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t)
        : [more] "r"(wo - 1), [skip] "r"((wi - wo) * 8), [below] "r"(below),
          [behind] "r"(below + 4)
        : "memory");
    return sum == sum;
#else
    (void)rows, (void)wo, (void)y, (void)x, (void)wi;
    return 0;
#endif
}

/* The average of each window, of at least 2 a row. */
static TL_INLINE int tl_avg_pool_rows_f32(
    int32_t rows, int32_t wo, float *y, const float *x, int32_t wi)
{
#ifdef TL_XPULP
#define TL_POOL_AVG(load_a, load_b)                                                                \
    TL_ASM_LOAD_BESIDE("c", "x", "below") TL_ASM_3("fadd.s", "t", "a", "b")                        \
    TL_ASM_LOAD_BESIDE("d", "x", "behind") TL_ASM_3("fadd.s", "t", "t", "c")                       \
    load_a TL_ASM_3("fadd.s", "t", "t", "d") load_b TL_ASM_3("fmul.s", "t", "t", "quarter")        \
    TL_ASM_STORE("t", "y")
    const int32_t below = (wi - 2) * 4; /* of the next window */
    float a, b, c, d, t;

    if (rows < 1 || wo < 2) {
        return 0;
    }
    __asm__ volatile(
        TL_POOL_ROWS("7", "9", TL_POOL_AVG)
        : [rows] "+r"(rows), [x] "+r"(x), [y] "+r"(y), [a] "=&r"(a), [b] "=&r"(b),
          [c] "=&r"(c), [d] "=&r"(d), [t] "=&r"(t)
        : [more] "r"(wo - 1), [skip] "r"((wi - wo) * 8), [below] "r"(below),
          [behind] "r"(below + 4), [quarter] "r"(0.25f)
        : "memory");
    return 1;
#else
    (void)rows, (void)wo, (void)y, (void)x, (void)wi;
    return 0;
#endif
}

/* dx of `rows` rows of windows: dy where x is the first largest one, else 0. Comparisons set a flag where
   they see NaN: then it is not done. A table of 8 on the stack says how far from the next window's
   first element dy goes: bit 0 of its index is whether the upper right one is larger than the upper left,
   bit 1 the same of the lower two, bit 2 whether the lower half's maximum is larger. Where bytes hold all
   that, it takes an instruction less. */
static TL_INLINE int tl_max_pool_back_rows_f32(
    int32_t rows, int32_t wo, float *dx, const float *dy, const float *x, int32_t wi)
{
#ifdef TL_XPULP
#define TL_POOL_BACK(each, look_up)                                                                \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "rows", "1 + " each " + 1",                                                            \
            TL_ASM_INNER(                                                                          \
                "wo", each,                                                                        \
                TL_ASM_LOAD_BESIDE("c", "dx", "x_c") TL_ASM_LOAD_BESIDE("d", "dx", "x_d")          \
                TL_ASM_LOAD_BESIDE("b", "dx", "x_b") TL_ASM_3("flt.s", "n", "c", "d")              \
                TL_ASM_LOAD_BESIDE("a", "dx", "x_a") TL_ASM_3("fmax.s", "c", "c", "d")             \
                TL_ASM_CLEAR_BESIDE("dx", "below") TL_ASM_3("flt.s", "m", "a", "b")                \
                TL_ASM_CLEAR_BESIDE("dx", "behind") TL_ASM_3("fmax.s", "a", "a", "b")              \
                "sw x0, 4(%[dx])\n\t" TL_ASM_3("flt.s", "b", "a", "c") TL_ASM_LOAD("d", "dy")      \
                look_up TL_ASM_CLEAR_NEXT("dx", "8") TL_ASM_STORE_BESIDE("d", "dx", "m"))          \
            TL_ASM_3("add", "dx", "dx", "skip"))                                                   \
        : [rows] "+r"(rows), [dx] "+r"(dx), [dy] "+r"(dy), [a] "=&r"(a), [b] "=&r"(b),             \
          [c] "=&r"(c), [d] "=&r"(d), [m] "=&r"(m), [n] "=&r"(n), [at] "+r"(at)                    \
        : [wo] "r"(wo), [below] "r"(below), [behind] "r"(below + 4), [skip] "r"((wi - wo) * 8),    \
          [x_a] "r"(to_x), [x_b] "r"(to_x + 4), [x_c] "r"(to_x + below),                           \
          [x_d] "r"(to_x + below + 4), [table] "r"(table)                                          \
        : "memory")
    const int32_t below = wi * 4;
    const int32_t to_x = (int32_t)((uintptr_t)x - (uintptr_t)dx);
    float a, b, c, d;
    int32_t m, n, invalid, at = 0;
    int32_t table[8];

    if (rows < 1) {
        return 0;
    }
    __asm__ volatile("csrw 1, x0"); /* fflags */
    if (below - 4 <= 127) {
        table[0] = (int32_t)0xfcf8fcf8;
        table[1] = (below - 8) * 0x01010101 + 0x04040000;
        TL_POOL_BACK(
            "18", TL_ASM_INSERT("m", "n", "1") TL_ASM_INSERT("m", "b", "2")
            TL_ASM_BYTE_BESIDE("m", "table", "m"));
    } else {
        table[0] = table[2] = -8;
        table[1] = table[3] = -4;
        table[4] = table[5] = below - 8;
        table[6] = table[7] = below - 4;
        TL_POOL_BACK(
            "19",
            TL_ASM_INSERT("at", "m", "2") TL_ASM_INSERT("at", "n", "3")
            TL_ASM_INSERT("at", "b", "4") TL_ASM_LOAD_BESIDE("m", "table", "at"));
    }
    __asm__ volatile("csrr %0, 1" : "=r"(invalid));
    return (invalid & 0x10) == 0;
#else
    (void)rows, (void)wo, (void)dx, (void)dy, (void)x, (void)wi;
    return 0;
#endif
}

/* Its gradient, for at least 2 windows a row. */
static TL_INLINE int tl_avg_pool_back_rows_f32(
    int32_t rows, int32_t wo, float *dx, const float *dy, int32_t wi)
{
#ifdef TL_XPULP
#define TL_POOL_SPREAD                                                                             \
    TL_ASM_STORE("t", "dx") TL_ASM_STORE("t", "dx") TL_ASM_STORE("t", "below")                     \
    TL_ASM_STORE("t", "below")
    float *below = dx + wi;
    float d, t;

    if (rows < 1 || wo < 2) {
        return 0;
    }
    __asm__ volatile(
        TL_ASM_TURNS(
            "rows", "1 + 7 + 5 + 2",
            TL_ASM_LOAD("d", "dy")
            TL_ASM_INNER(
                "more", "6",
                TL_ASM_3("fmul.s", "t", "d", "quarter") TL_ASM_LOAD("d", "dy") TL_POOL_SPREAD)
            TL_ASM_3("fmul.s", "t", "d", "quarter") TL_POOL_SPREAD
            TL_ASM_3("add", "dx", "dx", "skip") TL_ASM_3("add", "below", "below", "skip"))
        : [rows] "+r"(rows), [dx] "+r"(dx), [below] "+r"(below), [dy] "+r"(dy), [d] "=&r"(d),
          [t] "=&r"(t)
        : [more] "r"(wo - 1), [skip] "r"((wi - wo) * 8), [quarter] "r"(0.25f)
        : "memory");
    return 1;
#else
    (void)rows, (void)wo, (void)dx, (void)dy, (void)wi;
    return 0;
#endif
}

/* The average of each plane of `size` elements, from the first one on. */
static TL_INLINE int tl_avg_plane_rows_f32(
    int32_t planes, int32_t size, float *y, const float *x, float scale)
{
#ifdef TL_XPULP
/* a load and an addition in turn, so that two cores take turns at the FPU that they share */
#define TL_PLANE_SUMS(instructions, last)                                                          \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "planes", "2 + 5 + 3 + " instructions,                                                 \
            "addi %[sum], x0, 0\n\t" TL_ASM_LOAD("b", "x")                                         \
            TL_ASM_INNER(                                                                          \
                "pairs", "4",                                                                      \
                TL_ASM_LOAD("a", "x") TL_ASM_3("fadd.s", "sum", "sum", "b")                        \
                TL_ASM_LOAD("b", "x") TL_ASM_3("fadd.s", "sum", "sum", "a"))                       \
            last TL_ASM_3("fmul.s", "sum", "sum", "scale") TL_ASM_STORE("sum", "y"))               \
        : [planes] "+r"(planes), [x] "+r"(x), [y] "+r"(y), [sum] "=&r"(sum), [a] "=&r"(a),         \
          [b] "=&r"(b)                                                                             \
        : [pairs] "r"((size - 1) / 2), [scale] "r"(scale)                                          \
        : "memory")
    float sum, a, b;

    if (planes < 1 || size < 3) {
        return 0;
    }
    if (size & 1) {
        TL_PLANE_SUMS("0", TL_ASM_3("fadd.s", "sum", "sum", "b"));
    } else {
        TL_PLANE_SUMS(
            "2", TL_ASM_LOAD("a", "x") TL_ASM_3("fadd.s", "sum", "sum", "b")
            TL_ASM_3("fadd.s", "sum", "sum", "a"));
    }
    return 1;
#else
    (void)planes, (void)size, (void)y, (void)x, (void)scale;
    return 0;
#endif
}

/* Its gradient. The last four elements of a plane may be written twice. */
static TL_INLINE int tl_avg_plane_back_rows_f32(
    int32_t planes, int32_t size, float *dx, const float *dy, float scale)
{
#ifdef TL_XPULP
#define TL_PLANE_SPREAD                                                                            \
    TL_ASM_STORE("d", "dx") TL_ASM_STORE("d", "dx") TL_ASM_STORE("d", "dx") TL_ASM_STORE("d", "dx")
    const int32_t turns = (size - 1) / 4;
    float d;

    if (planes < 1 || turns < 1) {
        return 0;
    }
    __asm__ volatile(
        TL_ASM_TURNS(
            "planes", "2 + 5 + 5",
            TL_ASM_LOAD("d", "dy") TL_ASM_3("fmul.s", "d", "d", "scale")
            TL_ASM_INNER("turns", "4", TL_PLANE_SPREAD)
            TL_ASM_3("add", "dx", "dx", "back") TL_PLANE_SPREAD)
        : [planes] "+r"(planes), [dx] "+r"(dx), [dy] "+r"(dy), [d] "=&r"(d)
        : [turns] "r"(turns), [back] "r"((size - 4 * turns - 4) * 4), [scale] "r"(scale)
        : "memory");
    return 1;
#else
    (void)planes, (void)size, (void)dx, (void)dy, (void)scale;
    return 0;
#endif
}

#endif
