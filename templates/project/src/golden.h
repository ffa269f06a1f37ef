/* The golden model's values, as golden.py wrote them to data/. All words are 32-bit little-endian. */

#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdint.h>

#include "tl/data.h"

/* golden.bin begins with this; then come `checked_steps` golden_checked, the NET_BATCH samples of each
   of the `steps` (golden_no_sample behind the last one of a smaller mini-batch), the losses of the
   first `losses` steps, and `evaluations` golden_evaluation, one each `evaluate_every` steps. */
typedef struct golden_header {
    uint32_t magic;
    uint32_t plan_id;
    uint32_t steps;
    uint32_t checked_steps;
    uint32_t losses;
    uint32_t validation_samples;
    uint32_t test_samples;
    uint32_t correct;           /* test samples that the golden model classifies right */
    uint32_t correct_tolerance; /* how many more or fewer agree; golden_any: not compared */
    uint32_t evaluate_every;
    uint32_t evaluations;
} golden_header;

/* Of all validation samples after a number of training steps; of the test samples where the first
   are none. */
typedef struct golden_evaluation {
    float loss;      /* the mean of the samples' */
    float tolerance; /* of the loss; infinite: it is not compared */
    uint32_t correct;
    uint32_t decision; /* with early stopping: some of those below */
} golden_evaluation;

enum { GOLDEN_IMPROVES = 1, GOLDEN_STOPS = 2, GOLDEN_TIE = 4 };

typedef struct golden_checked {
    uint32_t step;
    uint32_t pass; /* of the step */
    uint32_t guided; /* each Step starts from golden values: a kink is too near to start from its own */
} golden_checked;

static const uint32_t golden_no_sample = 0xffffffffu;
static const uint32_t golden_any = 0xffffffffu;

/* 1, or 0 with a message where data/ is missing or made for another plan. */
int golden_open(golden_header *header);

/* Says that a file of data/ ended early; returns the exit status. */
int golden_incomplete(void);

/* Record `index` of a file of equal records; 1 where it is whole. */
int golden_read(tl_data_file file, uint32_t index, void *record, uint32_t bytes);

/* Checked step `index`, and the NET_BATCH samples of a step. */
int golden_checked_step(uint32_t index, golden_checked *checked);
int golden_samples(const golden_header *header, uint32_t step, uint32_t *samples);

/* Remember how far the loss of `step` is from the golden one, for the first `losses` steps. */
int golden_compare_loss(const golden_header *header, uint32_t step, float loss);

/* Print and judge: within 1e-3, relative or absolute, whichever is larger. */
int golden_judge_losses(const golden_header *header);

/* How many samples an evaluation takes. */
uint32_t golden_evaluated_samples(const golden_header *header);

/* What evaluation `index` should find; 1 where data/ has it. */
int golden_read_evaluation(
    const golden_header *header, uint32_t index, golden_evaluation *evaluation);

/* Print evaluation `index`, and judge its loss where it is of the first `losses` steps and has a
   tolerance. */
void golden_evaluated(
    const golden_header *header, uint32_t index, golden_evaluation found,
    golden_evaluation expected, int *agrees);

/* Print and judge the decision after it: the golden one, or nearly a tie. */
int golden_judge_decision(const golden_header *header, uint32_t index, uint32_t found, uint32_t golden);

/* Print and judge by the tolerance, if any. */
int golden_judge_accuracy(const golden_header *header, uint32_t correct);

#endif
