#include "inverse_root.h"

/* One contiguous range of parameters a core. The op is copied: what stores might reach would be
   loaded again for every element. */

void TL_NAME(rmsprop_update)(const tl_rmsprop *op, tl_elem *w, tl_elem *v, tl_elem *buffer,
                             tl_elem *mean, const tl_elem *dw, const float *rate)
{
    const tl_rmsprop fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc lr = rate ? rate[0] : fixed.lr;

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);
        const tl_acc g = TL_LOAD(dw[i]) + fixed.weight_decay * value;
        tl_acc square = fixed.alpha * TL_LOAD(v[i]) + fixed.fresh * g * g;
        tl_acc u;

        v[i] = TL_STORE(square);
        if (mean) {
            const tl_acc centre = fixed.alpha * TL_LOAD(mean[i]) + fixed.fresh * g;

            mean[i] = TL_STORE(centre);
            square -= centre * centre;
            /* rounding may leave a variance of 0 a little below it; NaN stays */
            square = square < 0 ? 0 : square;
        }
        u = g * tl_inverse_root(square, 1, fixed.eps);
        if (buffer) {
            u += fixed.momentum * TL_LOAD(buffer[i]);
            buffer[i] = TL_STORE(u);
        }
        w[i] = TL_STORE(value - lr * u);
    }
}
