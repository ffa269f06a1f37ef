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

/* Sums of fixed parts of the elements, added in their order: the result does not depend on the team. */
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

/* each core some parts of the sum of exponentials of all but the target */
static inline void sum_others(const tl_elem *x, int32_t count, int32_t target, tl_acc shift)
{
    const tl_range own = tl_share(PARTS);

    for (int32_t part = own.first; part < own.last; part++) {
        const tl_range range = part_of(part, count);
        tl_acc sum = 0;

        for (int32_t i = range.first; i < range.last; i++) {
            sum += i == target ? 0 : tl_expf(TL_LOAD(x[i]) - shift);
        }
        parts[part] = sum;
    }
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

void TL_NAME(cross_entropy_fw)(
    const tl_cross_entropy *op, tl_elem *loss, const tl_elem *x, const int32_t *target)
{
    const int32_t classes = op->classes;
    const tl_acc smooth = op->label_smoothing;
    tl_acc total = 0;

    for (int32_t n = 0; n < op->n; n++, x += classes) {
        const tl_acc shift = largest(x, classes);

        sum_others(x, classes, target[n], shift);
        tl_barrier();
        if (tl_core_id() == 0) {
            total += negative_log_likelihood(sum_of_parts(), TL_LOAD(x[target[n]]) - shift);
            if (smooth > 0) {
                total -= smooth * mean_excess(x, classes, target[n]);
            }
        }
        if (n + 1 < op->n) {
            tl_barrier(); /* the parts are used again */
        }
    }
    if (tl_core_id() == 0) {
        loss[0] = TL_STORE(total / op->divisor);
    }
}

void TL_NAME(cross_entropy_ig)(
    const tl_cross_entropy *op, tl_elem *dx, const tl_elem *x, const int32_t *target)
{
    const int32_t classes = op->classes;
    const tl_range own = tl_share(classes);
    const tl_acc scale = 1 / op->divisor;
    const tl_acc smooth = op->label_smoothing;
    const tl_acc pull = smooth / (tl_acc)classes;

    for (int32_t n = 0; n < op->n; n++, x += classes, dx += classes) {
        const int32_t truth = target[n];
        const tl_acc shift = largest(x, classes);
        tl_acc others = 0; /* all but the true class */
        tl_acc factor;

        for (int32_t c = own.first; c < own.last; c++) {
            dx[c] = TL_STORE(tl_expf(TL_LOAD(x[c]) - shift));
        }
        tl_barrier();
        for (int32_t c = 0; c < classes; c++) {
            others += c == truth ? 0 : TL_LOAD(dx[c]);
        }
        factor = 1 / (others + TL_LOAD(dx[truth]));
        tl_barrier(); /* all have read them */
        for (int32_t c = own.first; c < own.last; c++) {
            const tl_acc p = c == truth ? smooth - others * factor : TL_LOAD(dx[c]) * factor;

            dx[c] = TL_STORE((p - pull) * scale);
        }
    }
}

void TL_NAME(mse_fw)(const tl_mse *op, tl_elem *loss, const tl_elem *x, const tl_elem *target)
{
    const tl_range own = tl_share(PARTS);

    for (int32_t part = own.first; part < own.last; part++) {
        const tl_range range = part_of(part, op->count);
        tl_acc sum = 0;

        for (int32_t i = range.first; i < range.last; i++) {
            const tl_acc difference = TL_LOAD(x[i]) - TL_LOAD(target[i]);

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
    TL_EACH(op->count, dx, LOAD, scale * (x_i - target_i));
#undef LOAD
}
