/* The samples of data/, and runs of the network on them. Include it in main.c alone. */

#ifndef SAMPLES_H
#define SAMPLES_H

#include "golden.h"
#include "net.h"

static float x[NET_INPUT_COUNT];
static float y[NET_OUTPUT_COUNT];
static uint32_t step_samples[NET_BATCH];
#if NET_TRAINS && NET_TARGET_COUNT > 0
static net_target target[NET_TARGET_COUNT];
#endif

static int load_sample(tl_data_file x_file, tl_data_file y_file, uint32_t index)
{
    int whole = golden_read(x_file, index, x, sizeof x);
    (void)y_file;
#if NET_TRAINS && NET_TARGET_COUNT > 0
    whole = whole && golden_read(y_file, index, target, sizeof target);
#endif
    return whole;
}

#if NET_BATCH > 1
static void put_sample(uint32_t index)
{
#if NET_TARGET_COUNT > 0
    net_put_sample((int32_t)index, x, target);
#else
    net_put_sample((int32_t)index, x);
#endif
}
#endif

/* Read which samples a training step has, for load_pass(); their number, or 0 where a file ends early. */
static uint32_t samples_of(const golden_header *golden, uint32_t step)
{
    uint32_t count = 0;

    if (!golden_samples(golden, step, step_samples)) {
        return 0;
    }
    while (count < NET_BATCH && step_samples[count] != golden_no_sample) {
        count++;
    }
    return count;
}

/* Load the samples that a step of `total` takes at once from its sample `first` on; their number, or 0
   where a file ends early. */
static uint32_t load_pass(uint32_t first, uint32_t total)
{
    const uint32_t left = total - first;
    const uint32_t count = left < NET_PASS ? left : NET_PASS;

    for (uint32_t i = 0; i < count; i++) {
        if (!load_sample(TL_DATA_TRAIN_X, TL_DATA_TRAIN_Y, step_samples[first + i])) {
            return 0;
        }
#if NET_BATCH > 1
        put_sample(i);
#endif
    }
    return count;
}

/* Run on those; the last pass ends the step. Returns what the pass adds to its loss. */
static float run_pass(uint32_t count, uint32_t total, int last)
{
    (void)count;
    (void)total;
    (void)last;
#if !NET_TRAINS
    net_predict(x, y);
    return 0.0f;
#elif NET_PASS < NET_BATCH
    const float loss = net_train_pass((int32_t)count, (int32_t)total);

    if (last) {
        net_train_update();
    }
    return loss;
#elif NET_BATCH > 1
    return net_train_batch((int32_t)count);
#elif NET_TARGET_COUNT > 0
    return net_train_step(x, target);
#else
    return net_train_step(x);
#endif
}

#if NET_TRAINS
/* A whole training step; 0 where a file ends early. */
static int run_step(const golden_header *golden, uint32_t step, float *loss)
{
    const uint32_t total = samples_of(golden, step);

    *loss = 0.0f;
    for (uint32_t first = 0; first < total; first += NET_PASS) {
        const uint32_t count = load_pass(first, total);

        if (count == 0) {
            return 0;
        }
        *loss += run_pass(count, total, first + count == total);
    }
    return total > 0;
}
#endif

#if NET_CLASSES > 0
static uint32_t is_correct(int32_t label)
{
    int32_t best = 0;

    for (int32_t c = 1; c < NET_CLASSES; c++) {
        if (y[c] > y[best]) {
            best = c;
        }
    }
    return best == label;
}

/* How many test samples are classified right, by predictions alone; 0 where a file ends early. */
static int predict_all(const golden_header *golden, uint32_t *correct)
{
    *correct = 0;
    for (uint32_t i = 0; i < golden->test_samples; i++) {
        int32_t label;

        if (!golden_read(TL_DATA_TEST_X, i, x, sizeof x)
            || !golden_read(TL_DATA_TEST_Y, i, &label, sizeof label)) {
            return 0;
        }
        net_predict(x, y);
        *correct += is_correct(label);
    }
    return 1;
}
#endif

#if NET_TRAINS
static float evaluate_sample(void)
{
#if NET_TARGET_COUNT > 0
    return net_evaluate(x, target, y);
#else
    return net_evaluate(x, y);
#endif
}

/* The loss of all validation samples, or where there are none, test samples, and how many are
   classified right; 0 where a file ends early. */
static int evaluate(const golden_header *golden, golden_evaluation *found)
{
    const int validates = golden->validation_samples > 0;
    const tl_data_file x_file = validates ? TL_DATA_VALIDATION_X : TL_DATA_TEST_X;
    const tl_data_file y_file = validates ? TL_DATA_VALIDATION_Y : TL_DATA_TEST_Y;
    const uint32_t samples = golden_evaluated_samples(golden);
    float sum = 0.0f;

    *found = (golden_evaluation){0};
    for (uint32_t i = 0; i < samples; i++) {
        if (!load_sample(x_file, y_file, i)) {
            return 0;
        }
        sum += evaluate_sample();
#if NET_CLASSES > 0
        found->correct += is_correct(target[0]);
#endif
    }
    found->loss = sum / (float)samples;
    return 1;
}
#endif

#endif
