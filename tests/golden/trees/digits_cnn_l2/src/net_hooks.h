/* What the verification program sees of the network: hooks around every Step, and tables of the
   plan. A firmware does not need any of it. */

#ifndef NET_HOOKS_H
#define NET_HOOKS_H

#include <stdint.h>

#include "tl/port.h"

enum { NET_CHECKING = 1, NET_PROFILING = 2, NET_WATCHING = 4 };

/* Non-zero: the hooks are called, with a barrier on both sides. Set it between runs. */
extern int net_observed;

/* Called by core 0 while all others wait. */
void net_step_begins(int step);
void net_step_ends(int step);

/* The same when a Step that updates at once has made its gradients in the parameters' place; it
   brings the parameters back. */
void net_gradients_made(int step);

/* What each core's kernels have taken of the running Step, where it has transfers too. */
extern uint32_t net_computed[TL_CORES_MAX];

/* What core 0 has waited for L3 in the running Step. */
extern uint32_t net_waited;

/* One plus the Step that each core is in; 0: in none. */
extern int net_running[TL_CORES_MAX];

/* A range of bytes that a Step may read (and, where `written`, write). */
typedef struct net_span {
    int step;
    int level; /* index into net_levels */
    uint32_t offset;
    uint32_t bytes;
    int written;
    int must_write; /* holds nothing of use before the Step */
} net_span;

/* A buffer of the plan, alive over the Steps [first, last). */
typedef struct net_buffer {
    const char *name;
    int level;
    uint32_t offset;
    uint32_t bytes;
    int first;
    int last;
} net_buffer;

/* A tensor to compare right after `step`, where it is then; `home` is where it lives. */
typedef struct net_check {
    int step;
    const char *kind;
    const char *name;
    float *value;
    float *home;
    uint32_t count;
    uint32_t per_sample; /* elements of each sample of the mini-batch; 0: it has no batch axis */
    uint32_t first_sample; /* of the mini-batch, where it is for some of it */
    float tolerance;
    int imposed; /* a gradient whose rounding its update would amplify */
    uint32_t probed; /* not 0: a gradient that net_gradients_made is called for; where the parameter
                        in whose place it stands lies in a saved state, in bytes */
} net_check;

/* How many elements of it a run on so many samples makes. */
static inline uint32_t net_checked_count(const net_check *check, uint32_t samples)
{
    const uint32_t from = check->first_sample;
    const uint32_t count = samples > from ? (samples - from) * check->per_sample : 0;

    return check->per_sample == 0 || check->count < count ? check->count : count;
}

typedef struct net_level {
    const char *name;
    unsigned char *arena; /* behind its guard zone */
    uint32_t bytes;
    uint32_t capacity;
} net_level;

extern const char *const net_step_names[];
extern const int net_step_count;
extern const net_level net_levels[];
extern const int net_level_count;
extern const net_buffer net_buffers[];
extern const int net_buffer_count;
extern const net_span net_spans[];
extern const int net_span_count;
extern const net_check net_checks[];
extern const int net_check_count;
extern const char net_name[];

#endif
