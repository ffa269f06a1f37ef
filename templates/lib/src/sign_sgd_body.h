/* One contiguous range of parameters a core. The op is copied: what stores might reach would be
   loaded again for every element. */

void TL_NAME(sign_sgd_update)(
    const tl_sign_sgd *op, tl_elem *w, const tl_elem *dw, const float *rate)
{
    const tl_sign_sgd fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc lr = rate ? rate[0] : fixed.lr;

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);
        const tl_acc g = TL_LOAD(dw[i]);
        /* NaN stays */
        const tl_acc sign = g > 0 ? 1 : g < 0 ? -1 : g;

        w[i] = TL_STORE(value - lr * (sign + fixed.weight_decay * value));
    }
}
