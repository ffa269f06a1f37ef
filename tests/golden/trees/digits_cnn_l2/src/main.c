/* The verification program: trains the network exactly as the golden model did and compares.

   1. Local checks: from the golden weights before a step, run that step and compare every tensor.
   2. Free run: train from the initial weights; compare the losses and the final accuracy.

   Training ends before a step that makes what is not finite, and the parameters stay as they were.
   With early stopping it ends as the golden one did, and goes back to the best state if asked for.

   Exit status: 0 agrees, 1 differs, 2 data/ is missing or belongs to another project, 4 not finite. */

#include "check.h"
#include "golden.h"
#include "net.h"
#include "samples.h"
#include "states.h"
#include "tl/math.h"
#include "tl/port.h"
#include "tl/print.h"
#include "watch.h"

enum { DIFFERS = 1, UNUSABLE = 2, NOT_FINITE = 4 };

/* Each checked step starts from the golden model's own weights; each pass of it is compared. */
static int local_checks(const golden_header *golden)
{
    for (uint32_t i = 0; i < golden->checked_steps; i++) {
        golden_checked checked;
        uint32_t total;
        uint32_t first;
        uint32_t count;

        if (!golden_checked_step(i, &checked)) {
            return 0;
        }
        total = samples_of(golden, checked.step);
        first = checked.pass * NET_PASS;
        if (total <= first || (first == 0 && !load_state(TL_DATA_STATE, 1 + i))) {
            return 0;
        }
        count = load_pass(first, total);
        if (count == 0) {
            return 0;
        }
        check_open(checked.step, i, count, checked.guided != 0);
        run_pass(count, total, first + count == total);
        if (!check_close()) {
            return 0;
        }
    }
    return 1;
}

#if NET_TRAINS
#if NET_STOPS_EARLY
static uint32_t best_step; /* steps done at the best evaluation; 0: none */

/* The golden decision is followed, so that both trainings stay the same one; the own one is judged. */
static int decide(
    const golden_header *golden, uint32_t index, golden_evaluation found, uint32_t expected,
    int *agrees)
{
    const float samples = (float)golden_evaluated_samples(golden);
    const float value = NET_MONITORS_LOSS ? found.loss : (float)found.correct / samples;
    uint32_t own = net_improves(value) ? GOLDEN_IMPROVES : 0;

    if (net_count_evaluation(value, expected & GOLDEN_IMPROVES ? 1 : 0)) {
        own |= GOLDEN_STOPS;
    }
    if (!agrees) {
        return 1;
    }
    *agrees &= golden_judge_decision(golden, index, own, expected);
    if (expected & GOLDEN_IMPROVES) {
        best_step = (index + 1) * golden->evaluate_every;
        return !NET_RESTORES_BEST || keep_state();
    }
    return 1;
}
#endif

/* Every so many steps. `agrees` is 0 where this was judged before. */
static int evaluate_now(const golden_header *golden, uint32_t done, int *agrees)
{
    const uint32_t index = golden->evaluations > 0 ? done / golden->evaluate_every : 0;
    golden_evaluation found, expected;

    if (index == 0 || index > golden->evaluations || done % golden->evaluate_every > 0) {
        return 1;
    }
    if (!evaluate(golden, &found) || !golden_read_evaluation(golden, index - 1, &expected)) {
        return 0;
    }
    if (agrees) {
        end_losses();
        golden_evaluated(golden, index - 1, found, expected, agrees);
    }
#if NET_STOPS_EARLY
    return decide(golden, index - 1, found, expected.decision, agrees);
#else
    return 1;
#endif
}

/* `finite`: whether all losses and what was learned are. A program that differs already goes on. */
static int free_run(const golden_header *golden, int *agrees, int *finite)
{
    if (!load_state(TL_DATA_STATE, 0)) {
        return 0;
    }
    *finite = 1;
    for (uint32_t step = 0; *finite && step < golden->steps; step++) {
        float loss;

        if (step + 1 == golden->steps) {
            profile_open();
        }
        if (!run_step(golden, step, &loss)) {
            return 0;
        }
        profile_close(); /* an evaluation is not of the step */
        print_loss(step, loss);
        *finite = !*agrees || tl_is_finite(loss);
        if (*finite
            && (!golden_compare_loss(golden, step, loss)
                || !evaluate_now(golden, step + 1, agrees))) {
            return 0;
        }
    }
    end_losses();
    /* an overflow may hide behind a relu: no loss tells */
    *finite = !*agrees || (*finite && net_is_finite());
    *agrees &= golden_judge_losses(golden);
    return 1;
}

/* Train again up to step `end`, whose loss or parameters were not finite, or up to the first one after
   which something is not. No step of a training that is well pays for looking. */
static int train_again(const golden_header *golden, uint32_t end, uint32_t *step)
{
    float loss;

    if (!load_state(TL_DATA_STATE, 0)) {
        return 0;
    }
    for (*step = 0; *step < end; *step += 1) {
        if (!run_step(golden, *step, &loss)) {
            return 0;
        }
        if (!tl_is_finite(loss) || !net_is_finite()) {
            break;
        }
#if NET_STOPS_EARLY
        if (!evaluate_now(golden, *step + 1, 0)) {
            return 0;
        }
#endif
    }
    return 1;
}

/* To before the step that makes what is not finite: there is no room for a copy of each state. */
static int go_back(const golden_header *golden, uint32_t *step)
{
    uint32_t again;

    return train_again(golden, golden->steps, step) && train_again(golden, *step, &again);
}

/* Name what a step makes first that is not finite. */
static int watch(const golden_header *golden, uint32_t step)
{
    const uint32_t total = samples_of(golden, step);

    for (uint32_t first = 0; first < total; first += NET_PASS) {
        const uint32_t count = load_pass(first, total);

        if (count == 0) {
            return 0;
        }
        watch_open(step, count);
        run_pass(count, total, first + count == total);
        if (watch_close()) {
            return 1;
        }
    }
    return 0;
}
#endif

#if NET_CLASSES > 0
static int accuracy(const golden_header *golden, int *agrees)
{
    uint32_t correct;

    if (!predict_all(golden, &correct)) {
        return 0;
    }
    if (golden->test_samples > 0) {
        *agrees &= golden_judge_accuracy(golden, correct);
    }
    return 1;
}
#endif

#if NET_STOPS_EARLY && NET_RESTORES_BEST
static int restore_best(void)
{
    if (best_step == 0) {
        return 1; /* no evaluation was finite */
    }
    if (!load_state(TL_DATA_BEST, 0)) {
        return 0;
    }
    tl_print_str("restored: the state after step ");
    tl_print_int((int32_t)best_step);
    tl_print_str("\n");
    return 1;
}
#endif

static int verify(void)
{
    golden_header golden;
    int agrees;
    int finite = 1;
#if NET_TRAINS
    uint32_t step;
#endif

    print_memory();
    net_init();
    if (!golden_open(&golden)) {
        return UNUSABLE;
    }
    if (!local_checks(&golden)) {
        return golden_incomplete();
    }
    agrees = check_agrees();
#if NET_TRAINS
    if (!free_run(&golden, &agrees, &finite) || (!finite && !go_back(&golden, &step))) {
        return golden_incomplete();
    }
#endif
#if NET_STOPS_EARLY && NET_RESTORES_BEST
    if (finite && !restore_best()) {
        return golden_incomplete();
    }
#endif
#if NET_CLASSES > 0
    if (finite && !accuracy(&golden, &agrees)) {
        return golden_incomplete();
    }
#endif
    if (!keep_state()) {
        return UNUSABLE;
    }
#if NET_TRAINS
    if (!finite && !watch(&golden, step)) {
        tl_print_str("data: what was not finite is, when trained again\n");
        return UNUSABLE;
    }
#endif
    print_stacks();
    if (!agrees) {
        tl_print_str("result mismatch\n");
        return DIFFERS;
    }
    tl_print_str(finite ? "result ok\n" : "result not_finite\n");
    return finite ? 0 : NOT_FINITE;
}

int main(void)
{
    int status;

    tl_team_open(NET_CORES);
    status = verify();
    tl_team_close();
    tl_exit(status);
    return status;
}
