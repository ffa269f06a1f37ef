/* A core's share of some work: contiguous ranges that differ by one item at most. */

#ifndef TL_SHARE_H
#define TL_SHARE_H

#include <stdint.h>

#include "tl/port.h"

typedef struct tl_range {
    int32_t first;
    int32_t last; /* one behind the end */
} tl_range;

/* This core's share of `count` items; empty where there are more cores than items. */
static inline tl_range tl_share(int32_t count)
{
    const int32_t cores = tl_num_cores();
    const int32_t id = tl_core_id();
    const int32_t each = count / cores;
    const int32_t more = count - each * cores;
    tl_range share;

    share.first = id * each + (id < more ? id : more);
    share.last = share.first + each + (id < more ? 1 : 0);
    return share;
}

/* The same in blocks of `block` items, the last one cut at `count`. */
static inline tl_range tl_share_blocks(int32_t count, int32_t block)
{
    tl_range share = tl_share((count + block - 1) / block);

    share.first = share.first * block < count ? share.first * block : count;
    share.last = share.last * block < count ? share.last * block : count;
    return share;
}

#endif
