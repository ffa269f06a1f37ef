#include "golden.h"

#include "net.h"
#include "tl/math.h"
#include "tl/print.h"

enum { MAGIC = 0x32474c54, UNUSABLE = 2 }; /* "TLG2" */

static const float loss_tolerance = 1e-3f;

static float worst_loss;
static uint32_t worst_step;

int golden_open(golden_header *header)
{
    if (tl_data_read(TL_DATA_GOLDEN, 0, header, sizeof *header) != sizeof *header) {
        tl_print_str("data: golden.bin is missing: run `make golden` first\n");
        return 0;
    }
    if (header->magic != MAGIC || header->plan_id != NET_PLAN_ID) {
        tl_print_str("data: made for another plan of this network: run `make golden` again\n");
        return 0;
    }
    return 1;
}

int golden_incomplete(void)
{
    tl_print_str("data: a file is missing, ends early or is of another network: run `make golden`\n");
    return UNUSABLE;
}

int golden_read(tl_data_file file, uint32_t index, void *record, uint32_t bytes)
{
    return tl_data_read(file, index * bytes, record, bytes) == bytes;
}

static int read_at(uint32_t offset, void *to, uint32_t bytes)
{
    return tl_data_read(TL_DATA_GOLDEN, offset, to, bytes) == bytes;
}

int golden_checked_step(uint32_t index, golden_checked *checked)
{
    const uint32_t size = sizeof *checked;

    return read_at((uint32_t)sizeof(golden_header) + index * size, checked, size);
}

static uint32_t samples_at(const golden_header *header)
{
    return (uint32_t)(sizeof(golden_header) + header->checked_steps * sizeof(golden_checked));
}

static uint32_t losses_at(const golden_header *header)
{
    return samples_at(header) + 4 * header->steps * NET_BATCH;
}

int golden_samples(const golden_header *header, uint32_t step, uint32_t *samples)
{
    return read_at(samples_at(header) + 4 * step * NET_BATCH, samples, 4 * NET_BATCH);
}

static float magnitude(float value)
{
    return value < 0.0f ? -value : value;
}

/* relative where it is large */
static float apart(float value, float expected)
{
    const float difference = magnitude(value - expected);

    return magnitude(expected) > 1.0f ? difference / magnitude(expected) : difference;
}

/* infinity and NaN agree with each other alone */
static int is_within(float value, float expected, float tolerance)
{
    if (tl_is_finite(value) && tl_is_finite(expected)) {
        return magnitude(value - expected) <= tolerance;
    }
    return !tl_is_finite(value) && !tl_is_finite(expected);
}

int golden_compare_loss(const golden_header *header, uint32_t step, float loss)
{
    float expected;
    float difference;

    if (step >= header->losses) {
        return 1;
    }
    if (!read_at(losses_at(header) + 4 * step, &expected, 4)) {
        return 0;
    }
    difference = apart(loss, expected);
    /* a NaN is worst, and stays */
    if (step == 0 || (worst_loss == worst_loss && !(difference <= worst_loss))) {
        worst_loss = difference;
        worst_step = step;
    }
    return 1;
}

int golden_judge_losses(const golden_header *header)
{
    const int agrees = worst_loss <= loss_tolerance;

    tl_print_str("free run: largest difference of ");
    tl_print_int((int32_t)header->losses);
    tl_print_str(" losses ");
    tl_print_float(worst_loss);
    tl_print_str(" at step ");
    tl_print_int((int32_t)worst_step);
    tl_print_str(", tolerance ");
    tl_print_float(loss_tolerance);
    tl_print_str(agrees ? ", ok\n" : ", MISMATCH\n");
    return agrees;
}

uint32_t golden_evaluated_samples(const golden_header *header)
{
    return header->validation_samples > 0 ? header->validation_samples : header->test_samples;
}

int golden_read_evaluation(
    const golden_header *header, uint32_t index, golden_evaluation *evaluation)
{
    const uint32_t first = losses_at(header) + 4 * header->losses;

    return read_at(first + index * (uint32_t)sizeof *evaluation, evaluation, sizeof *evaluation);
}

void golden_evaluated(
    const golden_header *header, uint32_t index, golden_evaluation found,
    golden_evaluation expected, int *agrees)
{
    const uint32_t step = (index + 1) * header->evaluate_every;

    tl_print_str("evaluation ");
    tl_print_int((int32_t)step);
    tl_print_str(": loss ");
    tl_print_float(found.loss);
    tl_print_str(", golden ");
    tl_print_float(expected.loss);
    tl_print_str(", correct ");
    tl_print_int((int32_t)found.correct);
    tl_print_str(" of ");
    tl_print_int((int32_t)golden_evaluated_samples(header));
    tl_print_str(", golden ");
    tl_print_int((int32_t)expected.correct);
    if (step > header->losses || !tl_is_finite(expected.tolerance)) {
        tl_print_str("\n");
    } else if (is_within(found.loss, expected.loss, expected.tolerance)) {
        tl_print_str(", ok\n");
    } else {
        tl_print_str(", MISMATCH\n");
        *agrees = 0;
    }
}

static const char *decision_word(uint32_t decision)
{
    if (decision & GOLDEN_IMPROVES) {
        return "improves";
    }
    return decision & GOLDEN_STOPS ? "stops" : "waits";
}

int golden_judge_decision(
    const golden_header *header, uint32_t index, uint32_t found, uint32_t golden)
{
    const uint32_t differs = (found ^ golden) & (GOLDEN_IMPROVES | GOLDEN_STOPS);
    const int is_tie = differs == GOLDEN_IMPROVES && (golden & GOLDEN_TIE);

    tl_print_str("decision ");
    tl_print_int((int32_t)((index + 1) * header->evaluate_every));
    tl_print_str(": ");
    tl_print_str(decision_word(found));
    tl_print_str(", golden ");
    tl_print_str(decision_word(golden));
    tl_print_str(!differs ? ", ok\n" : is_tie ? ", near tie\n" : ", MISMATCH\n");
    return !differs || is_tie;
}

int golden_judge_accuracy(const golden_header *header, uint32_t correct)
{
    const uint32_t golden = header->correct;
    const uint32_t apart = correct > golden ? correct - golden : golden - correct;
    const int is_judged = header->correct_tolerance != golden_any;
    const int agrees = !is_judged || apart <= header->correct_tolerance;

    tl_print_str("accuracy ");
    tl_print_int((int32_t)correct);
    tl_print_str(" of ");
    tl_print_int((int32_t)header->test_samples);
    tl_print_str(", golden ");
    tl_print_int((int32_t)golden);
    tl_print_str(!is_judged ? "\n" : agrees ? ", ok\n" : ", MISMATCH\n");
    return agrees;
}
