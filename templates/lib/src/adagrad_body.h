#include "inverse_root.h"

/* One contiguous range of parameters a core. The op is copied: what stores might reach would be
   loaded again for every element. */

void TL_NAME(adagrad_update)(
    const tl_adagrad *op, tl_elem *w, tl_elem *sum, const tl_elem *dw, const float *rate)
{
    const tl_adagrad fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc lr = rate ? rate[0] : fixed.lr;

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);
        const tl_acc g = TL_LOAD(dw[i]) + fixed.weight_decay * value;
        const tl_acc total = TL_LOAD(sum[i]) + g * g;

        sum[i] = TL_STORE(total);
        w[i] = TL_STORE(value - lr * (g * tl_inverse_root(total, 1, fixed.eps)));
    }
}
