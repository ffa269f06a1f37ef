#include "tl/math.h"

static inline tl_acc largest(const tl_elem *x, int32_t count)
{
    tl_acc best = TL_LOAD(x[0]);

    for (int32_t i = 1; i < count; i++) {
        if (TL_LOAD(x[i]) > best) {
            best = TL_LOAD(x[i]);
        }
    }
    return best;
}

/* Sums of fixed parts of elements or samples, added in their order: the result does not depend on the
   team. Core i makes the parts i, i + cores, ... */
enum { PARTS = 16 };

static tl_acc parts[PARTS];

static inline tl_range part_of(int32_t part, int32_t count)
{
    const int32_t each = (count + PARTS - 1) / PARTS;
    const int32_t first = part * each < count ? part * each : count;

    return (tl_range){first, first + each < count ? first + each : count};
}

/* after a barrier */
static inline tl_acc sum_of_parts(void)
{
    tl_acc sum = 0;

    for (int i = 0; i < PARTS; i++) {
        sum += parts[i];
    }
    return sum;
}

/* Whether each core takes samples of its own: where there are too few of them, all work on one. */
static inline int shares_samples(const tl_cross_entropy *op)
{
    return op->n > 1 && (2 * op->n >= tl_num_cores() || op->classes <= PARTS);
}

/* a part of the sum of exponentials of all but the target */
static TL_NOINLINE tl_acc sum_others(
    const tl_elem *x, int32_t count, int32_t target, tl_acc shift, int32_t part)
{
    const tl_range range = part_of(part, count);
    tl_acc sum = 0;

    for (int32_t i = range.first; i < range.last; i++) {
        sum += i == target ? 0 : tl_expf(TL_LOAD(x[i]) - shift);
    }
    return sum;
}

/* -log softmax(x)[target]. Where the target has the largest logit the sum of the others' exponentials
   is small beside its own 1: log1p keeps its digits. */
static inline tl_acc negative_log_likelihood(tl_acc others, tl_acc truth)
{
    return truth == 0 ? tl_log1pf(others) : tl_logf(others + tl_expf(truth)) - truth;
}

/* how far the logits are above the target's on average: what label smoothing adds */
static inline tl_acc mean_excess(const tl_elem *x, int32_t count, int32_t target)
{
    tl_acc sum = 0;

    for (int32_t i = 0; i < count; i++) {
        sum += TL_LOAD(x[i]) - TL_LOAD(x[target]);
    }
    return sum / (tl_acc)count;
}

/* of one sample, with the sum that sum_others makes */
static TL_NOINLINE tl_acc sample_loss(
    const tl_cross_entropy *op, const tl_elem *x, int32_t target, tl_acc shift, tl_acc others)
{
    const tl_acc loss = negative_log_likelihood(others, TL_LOAD(x[target]) - shift);
    const tl_acc smooth = op->label_smoothing;

    return smooth > 0 ? loss - smooth * mean_excess(x, op->classes, target) : loss;
}

/* the sum over some samples, by one core */
static inline tl_acc loss_of_samples(
    const tl_cross_entropy *op, const tl_elem *x, const int32_t *target, tl_range samples)
{
    tl_acc sum = 0;

    for (int32_t n = samples.first; n < samples.last; n++) {
        const tl_elem *own = x + n * op->classes;
        const tl_acc shift = largest(own, op->classes);
        tl_acc others = 0;

        for (int part = 0; part < PARTS; part++) {
            others += sum_others(own, op->classes, target[n], shift, part);
        }
        sum += sample_loss(op, own, target[n], shift, others);
    }
    return sum;
}

void TL_NAME(cross_entropy_fw)(
    const tl_cross_entropy *op, tl_elem *loss, const tl_elem *x, const int32_t *target)
{
    const int32_t classes = op->classes;
    const int together = !shares_samples(op);
    tl_acc total = 0;

    if (!together) {
        for (int32_t part = tl_core_id(); part < PARTS; part += tl_num_cores()) {
            parts[part] = loss_of_samples(op, x, target, part_of(part, op->n));
        }
        tl_barrier();
        total = tl_core_id() == 0 ? sum_of_parts() : 0;
    }
    for (int32_t n = 0; together && n < op->n; n++, x += classes) {
        const tl_acc shift = largest(x, classes);

        for (int32_t part = tl_core_id(); part < PARTS; part += tl_num_cores()) {
            parts[part] = sum_others(x, classes, target[n], shift, part);
        }
        tl_barrier();
        if (tl_core_id() == 0) {
            total += sample_loss(op, x, target[n], shift, sum_of_parts());
        }
        if (n + 1 < op->n) {
            tl_barrier(); /* the parts are used again */
        }
    }
    if (tl_core_id() == 0) {
        loss[0] = TL_STORE(total / op->divisor);
    }
}

/* what core 0 found of a sample for all: the sum of the exponentials of all but the true class, and
   1 / the sum of all */
static tl_acc others_of_team, factor_of_team;

void TL_NAME(cross_entropy_ig)(
    const tl_cross_entropy *op, tl_elem *dx, const tl_elem *x, const int32_t *target)
{
    const int32_t classes = op->classes;
    const int together = !shares_samples(op);
    const tl_range samples = together ? (tl_range){0, op->n} : tl_share(op->n);
    const tl_range own = together ? tl_share(classes) : (tl_range){0, classes};
    const tl_acc scale = 1 / op->divisor;
    const tl_acc smooth = op->label_smoothing;
    const tl_acc pull = smooth > 0 ? smooth / (tl_acc)classes : 0;

    x += samples.first * classes;
    dx += samples.first * classes;
    for (int32_t n = samples.first; n < samples.last; n++, x += classes, dx += classes) {
        const int32_t truth = target[n];
        const tl_acc shift = largest(x, classes);
        tl_acc others = 0, factor = 0;

        for (int32_t c = own.first; c < own.last; c++) {
            dx[c] = TL_STORE(tl_expf(TL_LOAD(x[c]) - shift));
        }
        if (together) {
            tl_barrier();
        }
        /* cores that all add and divide would wait for each other's reads and divisions */
        if (!together || tl_core_id() == 0) {
            for (int32_t c = 0; c < classes; c++) {
                others += c == truth ? 0 : TL_LOAD(dx[c]);
            }
            factor = 1 / (others + TL_LOAD(dx[truth]));
        }
        if (together) {
            if (tl_core_id() == 0) {
                others_of_team = others;
                factor_of_team = factor;
            }
            tl_barrier();
            others = others_of_team;
            factor = factor_of_team;
        }
        for (int32_t c = own.first; c < own.last; c++) {
            const tl_acc p = c == truth ? smooth - others * factor : TL_LOAD(dx[c]) * factor;

            dx[c] = TL_STORE((p - pull) * scale);
        }
    }
}

void TL_NAME(mse_fw)(const tl_mse *op, tl_elem *loss, const tl_elem *x, const tl_elem *target)
{
    for (int32_t part = tl_core_id(); part < PARTS; part += tl_num_cores()) {
        const tl_range range = part_of(part, op->count);
        const tl_elem *a = x + range.first;
        const tl_elem *b = target + range.first;
        const tl_elem *const end = x + range.last;
        tl_acc sum = 0;

        for (; a + 4 <= end; a += 4, b += 4) {
            for (int i = 0; i < 4; i++) {
                const tl_acc difference = TL_LOAD(a[i]) - TL_LOAD(b[i]);

                sum += difference * difference;
            }
        }
        for (; a < end; a++, b++) {
            const tl_acc difference = TL_LOAD(*a) - TL_LOAD(*b);

            sum += difference * difference;
        }
        parts[part] = sum;
    }
    tl_barrier();
    if (tl_core_id() == 0) {
        loss[0] = TL_STORE(sum_of_parts() / op->divisor);
    }
}

void TL_NAME(mse_ig)(const tl_mse *op, tl_elem *dx, const tl_elem *x, const tl_elem *target)
{
    const tl_acc scale = 2 / op->divisor;

#define LOAD(i) const tl_acc x_i = TL_LOAD(x[i]), target_i = TL_LOAD(target[i])
    tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

    own.first += TL_TURNS(scaled_difference)(
        own.last - own.first, dx + own.first, x + own.first, target + own.first, scale);
    TL_EACH_REST(own, dx, LOAD, scale * (x_i - target_i));
#undef LOAD
}
