/* One contiguous range of parameters a core. The op is copied: what stores might reach would be
   loaded again for every element. */

void TL_NAME(sgd_momentum_update)(
    const tl_sgd_momentum *op, tl_elem *w, tl_elem *v, const tl_elem *dw, const float *rate)
{
    const tl_sgd_momentum fixed = *op;
    const tl_range own = tl_share(fixed.count);
    const tl_acc lr = rate ? rate[0] : fixed.lr;
    const tl_acc fresh = rate ? rate[1] : 1;
    /* w -= lr * (of_gradient * g + of_momentum * v) */
    const tl_acc of_gradient = fixed.nesterov;
    const tl_acc of_momentum = fixed.nesterov > 0 ? fixed.momentum : 1;

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);
        const tl_acc g = TL_LOAD(dw[i]) + fixed.weight_decay * value;
        const tl_acc kept = fixed.momentum * TL_LOAD(v[i]) + fresh * g;

        v[i] = TL_STORE(kept);
        w[i] = TL_STORE(value - lr * (of_gradient * g + of_momentum * kept));
    }
}
