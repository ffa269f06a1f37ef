/* Loops over elements for PULP's cores, in turns of their hardware loop. Each function returns how
   many of `count` elements it has done: 0 elsewhere. Plain C that does them gives the same
   values; the sign of a zero or of a NaN may differ. */

#ifndef TL_XPULP_EACH_H
#define TL_XPULP_EACH_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

enum { TL_EACH_TURN = 4, TL_RELU_TURN = 8 }; /* elements */

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

/* Four elements a turn, by two registers in turn: each is loaded into a0 or a1, and b0 or b1; two steps
   of so many instructions, which may use p; then it is stored. Nothing waits for a load, and FPU
   operations keep apart, so that two cores take turns at the FPU that they share. */
#define TL_EACH_TURNS(instructions, load, first, second)                                           \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "turns", "4 * (" instructions ")",                                                     \
            load("0") load("1") first("0") second("0") TL_EACH_STORE("0")                          \
            load("0") first("1") second("1") TL_EACH_STORE("1") load("1") first("0") second("0")   \
            TL_EACH_STORE("0") first("1") second("1") TL_EACH_STORE("1"))                          \
        : [turns] "+r"(turns), [to] "+r"(to), [a] "+r"(a), [b] "+r"(b), [a0] "=&r"(r[0]),          \
          [a1] "=&r"(r[1]), [b0] "=&r"(r[2]), [b1] "=&r"(r[3])                                     \
        : [p] "r"(p)                                                                               \
        : "memory")
#define TL_EACH_LOAD_A(i) TL_ASM_LOAD("a" i, "a")
#define TL_EACH_LOAD_BOTH(i) TL_ASM_LOAD("b" i, "b") TL_ASM_LOAD("a" i, "a")
#define TL_EACH_STORE(i) TL_ASM_STORE("a" i, "to")
#define TL_EACH_NOTHING(i)

#define TL_EACH_FUNCTION(name, instructions, load, first, second)                                  \
    static TL_INLINE int32_t tl_##name##_turns_f32(                                                \
        int32_t count, float *to, const float *a, const float *b, float p)                         \
    {                                                                                              \
        uint32_t turns = (uint32_t)count / TL_EACH_TURN;                                           \
        float r[4];                                                                                \
                                                                                                   \
        if (turns > 0) {                                                                           \
            TL_EACH_TURNS(instructions, load, first, second);                                      \
        }                                                                                          \
        return (int32_t)((uint32_t)count / TL_EACH_TURN * TL_EACH_TURN);                           \
    }

#else

#define TL_EACH_FUNCTION(name, instructions, load, first, second)                                  \
    static TL_INLINE int32_t tl_##name##_turns_f32(                                                \
        int32_t count, float *to, const float *a, const float *b, float p)                         \
    {                                                                                              \
        (void)count, (void)to, (void)a, (void)b, (void)p;                                          \
        return 0;                                                                                  \
    }

#endif

/* to = a */
TL_EACH_FUNCTION(copy, "1 + 1", TL_EACH_LOAD_A, TL_EACH_NOTHING, TL_EACH_NOTHING)

/* to = a + b */
#define TL_EACH_ADD(i) TL_ASM_3("fadd.s", "a" i, "a" i, "b" i)
TL_EACH_FUNCTION(add, "2 + 1 + 1", TL_EACH_LOAD_BOTH, TL_EACH_ADD, TL_EACH_NOTHING)

/* to = p (a - b) */
#define TL_EACH_SUBTRACT(i) TL_ASM_3("fsub.s", "a" i, "a" i, "b" i)
#define TL_EACH_SCALE(i) TL_ASM_3("fmul.s", "a" i, "a" i, "p")
TL_EACH_FUNCTION(
    scaled_difference, "2 + 2 + 1", TL_EACH_LOAD_BOTH, TL_EACH_SUBTRACT, TL_EACH_SCALE)

/* to = a, or 0 where b <= 0: less itself as a whole number, times the comparison */
#define TL_EACH_DROP_B(i) TL_ASM_COMPARE("fle.s", "b" i, "b" i, "x0")
#define TL_EACH_MASK(i) TL_ASM_MSU("a" i, "a" i, "b" i)
TL_EACH_FUNCTION(
    unless_negative, "2 + 2 + 1", TL_EACH_LOAD_BOTH, TL_EACH_DROP_B, TL_EACH_MASK)

/* to = a, or 0 where a <= 0. Bits of numbers are ordered as whole numbers: the larger one of them and
   0. That drops a NaN with a sign too, so products of elements are summed up: any NaN makes the sum
   one. Then all is to be done again, and 0 is returned. Where `to` is a, the smallest whole number
   takes 0's place before the NaN would be lost. */
static TL_INLINE int32_t tl_relu_turns_f32(int32_t count, float *to, const float *a)
{
#ifdef TL_XPULP
#define TL_RELU_LOAD(i, j) TL_ASM_LOAD("x" i, "a") TL_ASM_LOAD("x" j, "a")
#define TL_RELU_SEE(i, j) TL_ASM_FMA("sum", "x" i, "x" j)
#define TL_RELU_MAX(i, j) TL_ASM_MAX("x" i, "x" i, "low") TL_ASM_MAX("x" j, "x" j, "low")
#define TL_RELU_STORE(i, j) TL_ASM_STORE("x" i, "to") TL_ASM_STORE("x" j, "to")
#define TL_RELU_LOW "feq.s %[low], %[sum], %[sum]\n\t" "sll %[low], %[smallest], %[low]\n\t"
#define TL_RELU_TURNS(instructions, find_low)                                                      \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "turns", instructions,                                                                 \
            TL_RELU_LOAD("0", "1") TL_RELU_LOAD("2", "3") TL_RELU_SEE("0", "1")                    \
            TL_RELU_LOAD("4", "5") TL_RELU_SEE("2", "3") TL_RELU_LOAD("6", "7")                    \
            TL_RELU_SEE("4", "5") TL_RELU_SEE("6", "7") find_low                                   \
            TL_RELU_MAX("0", "1") TL_RELU_STORE("0", "1") TL_RELU_MAX("2", "3")                    \
            TL_RELU_STORE("2", "3") TL_RELU_MAX("4", "5") TL_RELU_STORE("4", "5")                  \
            TL_RELU_MAX("6", "7") TL_RELU_STORE("6", "7"))                                         \
        : [turns] "+r"(turns), [to] "+r"(to), [a] "+r"(a), [sum] "+r"(sum), [low] "+r"(low),       \
          [x0] "=&r"(x[0]), [x1] "=&r"(x[1]), [x2] "=&r"(x[2]), [x3] "=&r"(x[3]),                  \
          [x4] "=&r"(x[4]), [x5] "=&r"(x[5]), [x6] "=&r"(x[6]), [x7] "=&r"(x[7])                   \
        : [smallest] "r"(INT32_MIN)                                                                \
        : "memory")
    uint32_t turns = (uint32_t)count / TL_RELU_TURN;
    const int32_t done = (int32_t)(turns * TL_RELU_TURN);
    int32_t low = 0;
    float sum = 0, x[TL_RELU_TURN];

    if (turns > 0 && to == a) {
        TL_RELU_TURNS("3 * 8 + 4 + 2", TL_RELU_LOW);
    } else if (turns > 0) {
        TL_RELU_TURNS("3 * 8 + 4", );
    }
    return sum == sum ? done : 0;
#else
    (void)count, (void)to, (void)a;
    return 0;
#endif
}

/* to = the larger of a and p a; of two that are both NaN or neither */
#define TL_EACH_SLOPE(i) TL_ASM_3("fmul.s", "b" i, "a" i, "p")
#define TL_EACH_LARGER(i) TL_ASM_3("fmax.s", "a" i, "a" i, "b" i)
TL_EACH_FUNCTION(leaky, "1 + 2 + 1", TL_EACH_LOAD_A, TL_EACH_SLOPE, TL_EACH_LARGER)

/* to = a where b > 0, else p a: a branch over the product. As a whole number a NaN without sign is
   more than 0 too; products of b's are summed up, which it makes NaN: then it is looked for, and its
   product is made. Where `to` is b, its place is lost by then, and b is compared. */
static TL_INLINE int32_t tl_leaky_back_turns_f32(
    int32_t count, float *to, const float *a, const float *b, float p)
{
#ifdef TL_XPULP
#define TL_LEAKY_BRANCH(i, condition, product)                                                     \
    "bgtz %[" condition "], .+8\n\t" TL_ASM_3("fmul.s", "a" i, "a" i, "p") product                 \
    TL_EACH_STORE(i)
#define TL_LEAKY_COMPARE(i)                                                                        \
    TL_ASM_COMPARE("fgt.s", "c", "b" i, "x0") TL_LEAKY_BRANCH(i, "c", )
#define TL_LEAKY_TURNS(instructions, zero, one)                                                    \
    __asm__ volatile(                                                                              \
        TL_ASM_TURNS(                                                                              \
            "turns", instructions, TL_EACH_LOAD_BOTH("0") TL_EACH_LOAD_BOTH("1") zero one)         \
        : [turns] "+r"(turns), [to] "+r"(to), [a] "+r"(a), [b] "+r"(b), [sum] "+r"(sum),           \
          [a0] "=&r"(r[0]), [a1] "=&r"(r[1]), [b0] "=&r"(r[2]), [b1] "=&r"(r[3]), [c] "=&r"(r[4])  \
        : [p] "r"(p)                                                                               \
        : "memory")
    const uint32_t done = (uint32_t)count / 2 * 2;
    const float *from = b;
    float *first = to;
    uint32_t turns = done / 2;
    float sum = 0, r[5];

    if (turns > 0 && to == b) {
        TL_LEAKY_TURNS("4 + 2 * 4", TL_LEAKY_COMPARE("0"), TL_LEAKY_COMPARE("1"));
    } else if (turns > 0) {
        TL_LEAKY_TURNS(
            "4 + 2 * 3 + 1", TL_LEAKY_BRANCH("0", "b0", ),
            TL_LEAKY_BRANCH("1", "b1", TL_ASM_FMA("sum", "b0", "b1")));
    }
    for (uint32_t i = 0; sum != sum && i < done; i++) {
        if (from[i] != from[i] && !__builtin_signbit(from[i])) {
            first[i] *= p;
        }
    }
    return (int32_t)done;
#else
    (void)count, (void)to, (void)a, (void)b, (void)p;
    return 0;
#endif
}

#endif
