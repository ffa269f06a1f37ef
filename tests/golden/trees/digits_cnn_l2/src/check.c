#include "check.h"

#include "compare.h"
#include "guard.h"
#include "net.h"
#include "net_hooks.h"
#include "tl/data.h"
#include "tl/port.h"
#include "tl/print.h"
#include "watch.h"

int net_observed;

static uint32_t checked_step;
static uint32_t checked_index;
static uint32_t checked_samples;
static int checked_guided;
static int data_whole;
static int all_agree = 1;
static uint32_t step_start;

void check_open(uint32_t step, uint32_t index, uint32_t samples, int guided)
{
    checked_step = step;
    checked_index = index;
    checked_samples = samples;
    checked_guided = guided;
    data_whole = 1;
    guard_open();
    net_observed = NET_CHECKING;
}

int check_close(void)
{
    net_observed = 0;
    guard_close();
    return data_whole;
}

int check_agrees(void)
{
    return all_agree;
}

static void print_place(int step)
{
    tl_print_str("check step ");
    tl_print_int((int32_t)checked_step);
    tl_print_str(", ");
    tl_print_str(net_step_names[step]);
    tl_print_str(": ");
}

static void print_comparison(const net_check *check, const comparison *found)
{
    print_place(check->step);
    tl_print_str(check->kind);
    tl_print_str(" ");
    tl_print_str(check->name);
    tl_print_str(": error ");
    tl_print_float(found->error);
    tl_print_str(", tolerance ");
    tl_print_float(found->tolerance);
    if (found->agrees) {
        tl_print_str(", ok\n");
        return;
    }
    tl_print_str(", MISMATCH");
    if (found->has_worst) {
        tl_print_str(" at ");
        tl_print_int((int32_t)found->worst);
        tl_print_str(": ");
        tl_print_float(found->got);
        tl_print_str(", expected ");
        tl_print_float(found->expected);
    }
    tl_print_str("\n");
}

static void check_step(int step, int probed)
{
    uint32_t before = 0;

    for (int i = 0; i < net_check_count; i++) {
        const net_check *check = &net_checks[i];
        comparison found;

        if (check->step == step && (check->probed > 0) == probed) {
            const uint32_t count = net_checked_count(check, checked_samples);

            if (!compare(check, count, checked_index, before, &found)
                || ((check->imposed || checked_guided)
                    && !impose(check, count, checked_index, before))) {
                data_whole = 0;
                return;
            }
            all_agree &= found.agrees;
            print_comparison(check, &found);
        }
        before += expected_bytes(check);
    }
}

static void check_guards(int step)
{
    guard_damage damage;

    if (guard_check(step, &damage)) {
        all_agree = 0;
        print_place(step);
        tl_print_str("MEMORY ");
        tl_print_str(damage.level);
        tl_print_str(" offset ");
        tl_print_int(damage.offset);
        tl_print_str(" changed outside the step's outputs");
        if (damage.buffer) {
            tl_print_str(", in ");
            tl_print_str(damage.buffer);
        }
        tl_print_str("\n");
    }
}

void net_step_begins(int step)
{
    if (net_observed & NET_CHECKING) {
        guard_begin(step);
    }
    for (int core = 0; core < tl_num_cores(); core++) {
        net_computed[core] = 0;
    }
    net_waited = 0;
    step_start = tl_counter();
}

/* By the slowest core; 0: all of the Step was. */
static uint32_t computed(uint32_t count)
{
    uint32_t most = 0;

    for (int core = 0; core < tl_num_cores(); core++) {
        most = net_computed[core] > most ? net_computed[core] : most;
    }
    return most == 0 && net_waited > 0 ? count - net_waited : most;
}

void net_step_ends(int step)
{
    const uint32_t count = tl_counter() - step_start;

    if (net_observed & NET_CHECKING) {
        check_guards(step);
        check_step(step, 0);
    }
    if (net_observed & NET_WATCHING) {
        watch_step(step);
    }
    if (net_observed & NET_PROFILING) {
        tl_print_str("profile ");
        tl_print_str(net_step_names[step]);
        tl_print_str(" ");
        tl_print_int((int32_t)count);
        tl_print_str(" " TL_COUNTER_UNIT);
        if (computed(count) > 0) {
            tl_print_str(", kernels ");
            tl_print_int((int32_t)computed(count));
        }
        tl_print_str("\n");
    }
}

void net_gradients_made(int step)
{
    const uint32_t state = (1 + checked_index) * NET_STATE_BYTES;

    check_step(step, 1);
    for (int i = 0; i < net_check_count; i++) {
        const net_check *check = &net_checks[i];

        /* the parameter, as it was before the checked step */
        if (check->step == step && check->probed > 0
            && !put_file(check, check->count, TL_DATA_STATE, state + check->probed)) {
            data_whole = 0;
        }
    }
}

int net_running[TL_CORES_MAX];
uint32_t net_computed[TL_CORES_MAX];
uint32_t net_waited;

const char *tl_doing(int core)
{
    return net_running[core] > 0 ? net_step_names[net_running[core] - 1] : 0;
}

void profile_open(void)
{
    end_losses();
    net_observed = NET_PROFILING;
}

void profile_close(void)
{
    net_observed = 0;
}

void print_memory(void)
{
    tl_print_str("network ");
    tl_print_str(net_name);
    tl_print_str(": target " TL_TARGET_NAME ", ");
    tl_print_int(tl_num_cores());
    tl_print_str(" cores\n");
    for (int i = 0; i < net_level_count; i++) {
        tl_print_str("memory ");
        tl_print_str(net_levels[i].name);
        tl_print_str(" ");
        tl_print_int((int32_t)net_levels[i].bytes);
        tl_print_str(" of ");
        tl_print_int((int32_t)net_levels[i].capacity);
        tl_print_str(" bytes\n");
    }
}

void print_stacks(void)
{
#ifdef TL_STACK_BYTES
    for (int core = 0; core < tl_num_cores(); core++) {
        tl_print_str("stack core ");
        tl_print_int(core);
        tl_print_str(" ");
        tl_print_int((int32_t)tl_stack_peak(core));
        tl_print_str(" of ");
        tl_print_int(TL_STACK_BYTES);
        tl_print_str(" bytes\n");
    }
#endif
}

enum { LOSSES_A_LINE = 10 };

static int losses_on_line;

void print_loss(uint32_t step, float loss)
{
    if (losses_on_line == 0) {
        tl_print_str("loss ");
        tl_print_int((int32_t)step);
        tl_print_str(":");
    }
    tl_print_str(" ");
    tl_print_float(loss);
    if (++losses_on_line == LOSSES_A_LINE) {
        end_losses();
    }
}

void end_losses(void)
{
    if (losses_on_line > 0) {
        tl_print_str("\n");
        losses_on_line = 0;
    }
}
