/* How net.c runs its Steps: transfers by core 0, barriers, and the hooks of the verification
   program (compiled in by -DNET_HOOKS, gone otherwise). Include it in net.c alone. */

#ifndef NET_RUN_H
#define NET_RUN_H

#include <string.h>

#include "net_hooks.h"
#include "tl/math.h"
#include "tl/port.h"
#include "tl/share.h"

/* Core 0 looks at this often: near the cores where the target has a place for it. */
#ifndef TL_NEAR
#define TL_NEAR
#endif

static TL_NEAR struct {
    tl_copy copies[TL_COPIES_MAX];
    int count;
} in_flight;

/* One for all Steps: the cores fetch code from far away. */
#define NET_SHARED static __attribute__((noinline, unused))

NET_SHARED void wait_for_copies(void)
{
    while (in_flight.count > 0) {
        tl_copy_wait(in_flight.copies[--in_flight.count]);
    }
}

/* Core 0 waits until everything that it has started has landed. */
static inline void wait_transfers(void)
{
    if (tl_core_id() == 0 && in_flight.count > 0) {
        wait_for_copies();
    }
}

/* Core 0: room for one more. */
static inline void make_room(void)
{
    if (in_flight.count == TL_COPIES_MAX) {
        wait_for_copies();
    }
}

#ifdef NET_FAR
/* The same between L2 and L3, in the order in which they were started: copies [over, started). */
static TL_NEAR struct {
    tl_copy copies[TL_FAR_COPIES_MAX];
    uint32_t started;
    uint32_t over;
} far;

NET_SHARED void wait_for_far_copies(uint32_t over)
{
#ifdef NET_HOOKS
    const uint32_t start = tl_counter();
#endif

    while ((int32_t)(over - far.over) > 0) {
        tl_copy_wait(far.copies[far.over++ % TL_FAR_COPIES_MAX]);
    }
#ifdef NET_HOOKS
    net_waited += tl_counter() - start;
#endif
}

/* Core 0 waits for what it has started between L2 and L3, but for the `newer` newest. */
static inline void wait_far(uint32_t newer)
{
    if (tl_core_id() == 0) {
        wait_for_far_copies(far.started - newer);
    }
}

/* Start to move `bytes` between L2 and L3: it goes on while Steps compute, until wait_far. */
NET_SHARED void far_transfer(void *to, const void *from, int32_t bytes)
{
    if (tl_core_id() == 0) {
        wait_for_far_copies(far.started + 1 - TL_FAR_COPIES_MAX);
        far.copies[far.started++ % TL_FAR_COPIES_MAX] = tl_copy_1d(to, from, (uint32_t)bytes);
    }
}
#else
#define wait_far(newer) ((void)0)
#endif

/* Start to move `bytes` between L1 and L2; core 0 drives the DMA engine. */
NET_SHARED void transfer(void *to, const void *from, int32_t bytes)
{
    if (tl_core_id() == 0) {
        make_room();
        in_flight.copies[in_flight.count++] = tl_copy_1d(to, from, (uint32_t)bytes);
    }
}

/* The same for `rows` of `row_bytes`, that lie one behind the other in the nearer level and
   `stride` bytes apart in the farther one. */
NET_SHARED void transfer_in(
    void *near, const void *far, int32_t row_bytes, int32_t rows, int32_t stride)
{
    make_room();
    in_flight.copies[in_flight.count++] =
        tl_copy_2d_in(near, far, (uint32_t)row_bytes, (uint32_t)rows, (uint32_t)stride);
}

NET_SHARED void transfer_out(
    void *far, const void *near, int32_t row_bytes, int32_t rows, int32_t stride)
{
    make_room();
    in_flight.copies[in_flight.count++] =
        tl_copy_2d_out(far, near, (uint32_t)row_bytes, (uint32_t)rows, (uint32_t)stride);
}

/* The controller writes zeros. */
static inline void clear(void *to, uint32_t bytes)
{
    static const uint32_t zeros[64];
    unsigned char *next = to;

    while (bytes > 0) {
        const uint32_t part = bytes < sizeof zeros ? bytes : sizeof zeros;

        tl_far_write(next, zeros, part);
        next += part;
        bytes -= part;
    }
}

#ifdef NET_HOOKS
static inline int is_checking(void)
{
    return net_observed & NET_CHECKING;
}
#else
#define is_checking() 0
#endif

/* All cores meet; what was computed or moved before is seen by all after. */
static inline void sync(void)
{
    wait_transfers();
    tl_barrier();
}

/* Whether the training step may learn of this loss: not where it is not finite. (The local checks
   look at everything that a step makes, whatever it is.) */
NET_SHARED int may_learn(const float *loss)
{
    static float value; /* not on the stack of a core: that may be L1 */

    sync();
    if (tl_core_id() == 0) {
        tl_far_read(&value, loss, sizeof value);
    }
    tl_barrier();
    return tl_is_finite(value) || is_checking();
}

/* The iterations of tile `index` along a loop of `extent`, `size` a tile. */
static inline tl_range tile_range(int32_t index, int32_t size, int32_t extent)
{
    const int32_t last = (index + 1) * size;
    const tl_range range = {index * size, last < extent ? last : extent};

    return range;
}

/* What lies inside an axis of `extent` of all k with low <= divide * k <= high. */
static inline tl_range tile_slice(int32_t low, int32_t high, int32_t divide, int32_t extent)
{
    tl_range range = {0, extent};

    if (low > 0) {
        range.first = (low + divide - 1) / divide;
    }
    if (high < divide * (extent - 1)) {
        range.last = high / divide + 1;
    }
    return range;
}

static inline int32_t tile_length(tl_range range)
{
    return range.last - range.first;
}

/* Around the kernel of a Step that has transfers too: how long it takes by itself. */
#ifdef NET_HOOKS
static inline uint32_t start_kernel(void)
{
    return tl_counter();
}

static inline void end_kernel(uint32_t start)
{
    net_computed[tl_core_id()] += tl_counter() - start;
}
#else
#define start_kernel() 0
#define end_kernel(start) ((void)(start))
#endif

#ifdef NET_TILES
static inline void run_tile(void (*compute)(int, net_shape *), int t, net_shape *shape)
{
    const uint32_t start = start_kernel();

    compute(t, shape);
    end_kernel(start);
}

/* All tiles of a Step. Its struct, of so many bytes, is far away: while the first slices arrive, each
   core copies it to its stack, where a tile then changes what moves. While the cores compute one, the
   one before it leaves and the next arrives. At the meeting before a tile its slices have arrived,
   those of the tile before last have left, and nobody works on the last one any more. */
NET_SHARED void run_tiles(
    int tiles, const void *shape, uint32_t bytes, void (*fetch)(int),
    void (*compute)(int, net_shape *), void (*store)(int))
{
    net_shape own;

    if (tl_core_id() == 0) {
        fetch(0);
    }
    memcpy(&own, shape, bytes);
    for (int t = 0; t < tiles; t++) {
        sync();
        if (tl_core_id() == 0) {
            if (store && t > 0) {
                store(t - 1);
            }
            if (t + 1 < tiles) {
                fetch(t + 1);
            }
        }
        run_tile(compute, t, &own);
    }
    if (store) {
        sync();
        if (tl_core_id() == 0) {
            store(tiles - 1);
        }
    }
}

/* The same where there is only room for one: each leaves before the next arrives. */
NET_SHARED void run_tiles_in_turn(
    int tiles, const void *shape, uint32_t bytes, void (*fetch)(int),
    void (*compute)(int, net_shape *), void (*store)(int))
{
    net_shape own;

    memcpy(&own, shape, bytes);
    for (int t = 0; t < tiles; t++) {
        sync();
        if (tl_core_id() == 0) {
            if (store && t > 0) {
                store(t - 1);
                wait_transfers();
            }
            fetch(t);
        }
        sync();
        run_tile(compute, t, &own);
    }
    if (store) {
        sync();
        if (tl_core_id() == 0) {
            store(tiles - 1);
        }
    }
}
#endif

#ifdef NET_HOOKS
/* While a Step makes the gradients that it would not keep. */
static int probing;

/* Before a Step that updates at once: run it for its gradients alone, and have them looked at. */
static inline void probe(int step, void (*run)(void))
{
    if (is_checking()) {
        tl_barrier();
        if (tl_core_id() == 0) {
            probing = 1;
        }
        tl_barrier();
        run();
        sync();
        if (tl_core_id() == 0) {
            net_gradients_made(step);
            probing = 0;
        }
        tl_barrier();
    }
}

static inline void begin(int step)
{
    net_running[tl_core_id()] = 1 + step;
    if (net_observed) {
        sync();
        if (tl_core_id() == 0) {
            net_step_begins(step);
        }
        tl_barrier();
    }
}

static inline void end(int step)
{
    if (net_observed) {
        if (net_observed & NET_CHECKING) {
            wait_far(0); /* to look at */
        }
        sync();
        if (tl_core_id() == 0) {
            net_step_ends(step);
        }
        tl_barrier();
    }
    net_running[tl_core_id()] = 0;
}
#else
#define probing 0
#define probe(step, run) ((void)0)
#define begin(step) ((void)0)
#define end(step) ((void)0)
#endif

#endif
