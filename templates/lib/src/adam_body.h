#include "inverse_root.h"

/* The new means of one gradient; returns w's change over -step_size. */
static inline tl_acc adam_direction(
    tl_adam op, tl_elem *m, tl_elem *v, tl_acc g, tl_acc root_scale)
{
    const tl_acc mean = op.beta1 * TL_LOAD(*m) + op.fresh1 * g;
    /* a sum of what is positive: a small square after a large one keeps its digits */
    const tl_acc square = op.beta2 * TL_LOAD(*v) + op.fresh2 * g * g;

    *m = TL_STORE(mean);
    *v = TL_STORE(square);
    return mean * tl_inverse_root(square, root_scale, op.eps);
}

/* One contiguous range of parameters a core. The op is copied: what stores might reach would be
   loaded again for every element. */

void TL_NAME(adam_update)(
    const tl_adam *op, tl_elem *w, tl_elem *m, tl_elem *v, const tl_elem *dw, const float *rate)
{
    const tl_adam fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc step_size = rate[0];
    const tl_acc root_scale = rate[1];

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);
        const tl_acc g = TL_LOAD(dw[i]) + fixed.weight_decay * value;

        w[i] = TL_STORE(value - step_size * adam_direction(fixed, &m[i], &v[i], g, root_scale));
    }
}

void TL_NAME(adamw_update)(
    const tl_adamw *op, tl_elem *w, tl_elem *m, tl_elem *v, const tl_elem *dw, const float *rate)
{
    const tl_adamw fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc step_size = rate[0];
    const tl_acc root_scale = rate[1];
    const tl_acc decay = rate[2];

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc u = adam_direction(fixed, &m[i], &v[i], TL_LOAD(dw[i]), root_scale);

        w[i] = TL_STORE(decay * TL_LOAD(w[i]) - step_size * u);
    }
}
