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

/* -log softmax(x)[target]. Where the target has the largest logit the sum of the others' exponentials
   is small beside its own 1: log1p keeps its digits. */
static inline tl_acc negative_log_likelihood(
    const tl_elem *x, int32_t count, int32_t target, tl_acc shift)
{
    const tl_acc truth = TL_LOAD(x[target]) - shift;
    tl_acc others = 0;

    for (int32_t i = 0; i < count; i++) {
        others += i == target ? 0 : tl_expf(TL_LOAD(x[i]) - shift);
    }
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
    const tl_acc smooth = op->label_smoothing;
    tl_acc total = 0;

    if (tl_core_id() != 0) {
        return;
    }
    for (int32_t n = 0; n < op->n; n++, x += op->classes) {
        total += negative_log_likelihood(x, op->classes, target[n], largest(x, op->classes));
        if (smooth > 0) {
            total -= smooth * mean_excess(x, op->classes, target[n]);
        }
    }
    loss[0] = TL_STORE(op->mean ? total / (tl_acc)op->n : total);
}

void TL_NAME(cross_entropy_ig)(
    const tl_cross_entropy *op, tl_elem *dx, const tl_elem *x, const int32_t *target)
{
    const tl_range own = tl_share(op->classes);
    const tl_acc scale = op->mean ? 1 / (tl_acc)op->n : 1;
    const tl_acc smooth = op->label_smoothing;

    for (int32_t n = 0; n < op->n; n++, x += op->classes, dx += op->classes) {
        const tl_acc shift = largest(x, op->classes);
        tl_acc others = 0; /* all but the true class */
        tl_acc factor;

        for (int32_t c = 0; c < op->classes; c++) {
            others += c == target[n] ? 0 : tl_expf(TL_LOAD(x[c]) - shift);
        }
        factor = 1 / (others + tl_expf(TL_LOAD(x[target[n]]) - shift));
        for (int32_t c = own.first; c < own.last; c++) {
            const tl_acc pull = smooth / (tl_acc)op->classes;
            const tl_acc p = c == target[n] ? smooth - others * factor
                                            : tl_expf(TL_LOAD(x[c]) - shift) * factor;

            dx[c] = TL_STORE((p - pull) * scale);
        }
    }
}

void TL_NAME(mse_fw)(const tl_mse *op, tl_elem *loss, const tl_elem *x, const tl_elem *target)
{
    tl_acc sum = 0;

    if (tl_core_id() != 0) {
        return;
    }
    for (int32_t i = 0; i < op->count; i++) {
        const tl_acc difference = TL_LOAD(x[i]) - TL_LOAD(target[i]);

        sum += difference * difference;
    }
    loss[0] = TL_STORE(sum / op->divisor);
}

void TL_NAME(mse_ig)(const tl_mse *op, tl_elem *dx, const tl_elem *x, const tl_elem *target)
{
    const tl_range own = tl_share(op->count);
    const tl_acc scale = 2 / op->divisor;

    for (int32_t i = own.first; i < own.last; i++) {
        dx[i] = TL_STORE(scale * (TL_LOAD(x[i]) - TL_LOAD(target[i])));
    }
}
