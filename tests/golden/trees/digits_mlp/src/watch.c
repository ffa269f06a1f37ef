#include "watch.h"

#include "net_hooks.h"
#include "tl/math.h"
#include "tl/print.h"

static uint32_t watched_step;
static uint32_t watched_samples;
static int found;

void watch_open(uint32_t step, uint32_t samples)
{
    watched_step = step;
    watched_samples = samples;
    found = 0;
    net_observed = NET_WATCHING;
}

int watch_close(void)
{
    net_observed = 0;
    return found;
}

static int is_finite(const float *tensor, uint32_t count)
{
    enum { CHUNK = 8 };
    static float part[CHUNK]; /* not on the stack of a core: that may be L1 */

    for (uint32_t first = 0; first < count; first += CHUNK) {
        const uint32_t read = count - first < CHUNK ? count - first : CHUNK;

        tl_far_read(part, tensor + first, 4 * read);
        for (uint32_t i = 0; i < read; i++) {
            if (!tl_is_finite(part[i])) {
                return 0;
            }
        }
    }
    return 1;
}

void watch_step(int step)
{
    for (int i = 0; i < net_check_count && !found; i++) {
        const net_check *check = &net_checks[i];

        if (check->step == step && !check->probed
            && !is_finite(check->value, net_checked_count(check, watched_samples))) {
            found = 1;
            tl_print_str("not finite: step ");
            tl_print_int((int32_t)watched_step);
            tl_print_str(", ");
            tl_print_str(net_step_names[step]);
            tl_print_str(": ");
            tl_print_str(check->kind);
            tl_print_str(" ");
            tl_print_str(check->name);
            tl_print_str("\n");
        }
    }
}
