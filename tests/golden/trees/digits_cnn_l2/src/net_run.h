/* How net.c runs its Steps: transfers by core 0, barriers, and the hooks of the verification
   program (compiled in by -DNET_HOOKS, gone otherwise). Include it in net.c alone. */

#ifndef NET_RUN_H
#define NET_RUN_H

#include "net_hooks.h"
#include "tl/port.h"

static tl_copy transfers[TL_COPIES_MAX];
static int transfers_in_flight;

/* Core 0 waits until everything that it has started has landed. */
static inline void wait_transfers(void)
{
    if (tl_core_id() == 0) {
        while (transfers_in_flight > 0) {
            tl_copy_wait(transfers[--transfers_in_flight]);
        }
    }
}

/* Start to move `bytes`; core 0 drives the DMA engine. */
static inline void transfer(void *to, const void *from, uint32_t bytes)
{
    if (tl_core_id() == 0) {
        if (transfers_in_flight == TL_COPIES_MAX) {
            wait_transfers();
        }
        transfers[transfers_in_flight++] = tl_copy_1d(to, from, bytes);
    }
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

/* All cores meet; what was computed or moved before is seen by all after. */
static inline void sync(void)
{
    wait_transfers();
    tl_barrier();
}

#ifdef NET_HOOKS
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
        sync();
        if (tl_core_id() == 0) {
            net_step_ends(step);
        }
        tl_barrier();
    }
    net_running[tl_core_id()] = 0;
}
#else
#define begin(step) ((void)0)
#define end(step) ((void)0)
#endif

#endif
