/* A core's share of some work: contiguous ranges that differ by one item at most, or by what cores that
   share an FPU get done. */

#ifndef TL_SHARE_H
#define TL_SHARE_H

#include <stdint.h>

#include "tl/codegen.h"
#include "tl/port.h"

typedef struct tl_range {
    int32_t first;
    int32_t last; /* one behind the end */
} tl_range;

/* count / parts, rounded down. */
static inline int32_t tl_quotient(int32_t count, int32_t parts)
{
#ifdef TL_XPULP
    /* a division takes up to 35 cycles; most teams and many shapes have powers of two */
    int32_t less = parts - 1;

    if (__builtin_constant_p(parts)) {
        return count / parts;
    }
    TL_KEEP(less); /* or the compiler counts bits, in 25 instructions */
    if (__builtin_expect((parts & less) == 0, 1)) {
        int32_t bit;

        __asm__(".insn r 0x33, 0, 0x08, %0, %1, x0" : "=r"(bit) : "r"(parts)); /* p.ff1 */
        return count >> bit;
    }
#endif
    return count / parts;
}

/* The smaller one: PULP's cores need no branch. */
static inline int32_t tl_smaller(int32_t a, int32_t b)
{
#ifdef TL_XPULP
    int32_t smaller;

    __asm__(".insn r 0x33, 4, 0x02, %0, %1, %2" : "=r"(smaller) : "r"(a), "r"(b)); /* p.min */
    return smaller;
#else
    return a < b ? a : b;
#endif
}

/* sum + a b: PULP's cores take a cycle, one less than for a product alone. */
static inline int32_t tl_plus_product(int32_t sum, int32_t a, int32_t b)
{
#ifdef TL_XPULP
    __asm__(".insn r 0x33, 0, 0x21, %0, %1, %2" : "+r"(sum) : "r"(a), "r"(b)); /* p.mac */
    return sum;
#else
    return sum + a * b;
#endif
}

/* Part `index` of `count` items in so many parts; empty where there are more parts than items. */
static inline tl_range tl_part(int32_t count, int32_t parts, int32_t index)
{
    const int32_t each = tl_quotient(count, parts);
    const int32_t more = tl_plus_product(count, -each, parts);
    tl_range part;

    part.first = tl_plus_product(tl_smaller(index, more), index, each);
    part.last = part.first + each + (index < more ? 1 : 0);
    return part;
}

/* This core's share of `count` items. */
static inline tl_range tl_share(int32_t count)
{
    return tl_part(count, tl_num_cores(), tl_core_id());
}

#ifdef TL_FPUS
/* What cores 0 to `core` - 1 do of products, where core i uses FPU i mod TL_FPUS: by what they get
   done beside each other, 4 for a core that has an FPU for itself, 3 for one of two. */
static inline int32_t tl_work_before(int32_t core, int32_t cores)
{
    const int32_t first = cores - TL_FPUS; /* of those with an FPU for themselves */
    const int32_t behind = core < TL_FPUS ? core - first : TL_FPUS - first;

    return 3 * core + (behind > 0 ? behind : 0);
}
#endif

/* This core's share of `count` items that are mostly products, where several shares follow each other
   without a barrier: the cores from `*turn` on get the items that do not come out even, and `*turn`
   moves on to the next. Between TL_FPUS cores and twice as many it stays: shares differ anyway. */
static inline tl_range tl_share_from(int32_t count, int32_t *turn)
{
    const int32_t cores = tl_num_cores();
    const int32_t core = tl_core_id();
    const int32_t ahead = core - *turn;
    tl_range share;

#ifdef TL_FPUS
    if (__builtin_expect(cores > TL_FPUS && cores < 2 * TL_FPUS, 0)) {
        const int32_t all = tl_work_before(cores, cores);

        share.first = count * tl_work_before(core, cores) / all;
        share.last = count * tl_work_before(core + 1, cores) / all;
        return share;
    }
#endif
    share = tl_part(count, cores, ahead < 0 ? ahead + cores : ahead);
    *turn += count - tl_quotient(count, cores) * cores;
    *turn -= *turn >= cores ? cores : 0;
    return share;
}

/* Blocks of `block` items, the last one cut at `count`: the first cores get as many as any core must,
   the others what is left. */
static inline tl_range tl_share_blocks(int32_t count, int32_t block)
{
    const int32_t blocks = (int32_t)((uint32_t)(count + block - 1) / (uint32_t)block);
    const int32_t cores = tl_num_cores();
    const int32_t each = tl_quotient(blocks + cores - 1, cores) * block;
    const int32_t first = tl_smaller(tl_core_id() * each, count);

    return (tl_range){first, tl_smaller(first + each, count)};
}

#endif
