/* Sums for PULP's cores, in turns of their hardware loop. Plain C gives the same bits. */

#ifndef TL_XPULP_SUM_H
#define TL_XPULP_SUM_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

enum { TL_SUM_TURN = 4 }; /* elements, added to the sum as (a + b) + (c + d) */

#ifdef TL_XPULP

#include "tl/xpulp_loop.h"

/* No two loads follow each other: two cores keep the FPU that they share busy. */
#define TL_SUM_STEP(load)                                                                          \
    TL_ASM_3("fadd.s", "p", "a", "b") load("a") TL_ASM_3("fadd.s", "q", "c", "d") load("b")        \
    TL_ASM_3("fadd.s", "p", "p", "q") load("c") TL_ASM_3("fadd.s", "sum", "sum", "p") load("d")
#define TL_SUM_LOAD(to) TL_ASM_LOAD(to, "from")
#define TL_SUM_NOTHING(to)

#endif

/* Adds the first `turns` turns of elements; returns how many it has added: 0 elsewhere. */
static TL_INLINE int32_t tl_sum_turns_f32(float *sum, const float *from, int32_t turns)
{
#ifdef TL_XPULP
    int32_t left = turns - 1;
    float a, b, c, d, p, q;

    if (left <= 0) {
        return 0;
    }
    __asm__ volatile(
        TL_ASM_WIDE(
            TL_SUM_LOAD("a") TL_SUM_LOAD("b") TL_SUM_LOAD("c") TL_SUM_LOAD("d")
            TL_ASM_INNER("left", "8", TL_SUM_STEP(TL_SUM_LOAD)))
        TL_SUM_STEP(TL_SUM_NOTHING)
        : [sum] "+&r"(*sum), [from] "+&r"(from), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
          [d] "=&r"(d), [p] "=&r"(p), [q] "=&r"(q)
        : [left] "r"(left)
        : "memory");
    return turns * TL_SUM_TURN;
#else
    (void)sum, (void)from, (void)turns;
    return 0;
#endif
}

#endif
