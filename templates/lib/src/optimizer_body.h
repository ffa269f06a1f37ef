/* One contiguous range of parameters a core. */

void TL_NAME(sgd_update)(const tl_sgd *op, tl_elem *w, const tl_elem *dw)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(w[i]);

        w[i] = TL_STORE(value - op->lr * (TL_LOAD(dw[i]) + op->weight_decay * value));
    }
}
