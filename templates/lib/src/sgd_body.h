void TL_NAME(sgd_update)(const tl_sgd *op, tl_elem *w, const tl_elem *dw, const float *rate)
{
    const tl_acc lr = rate ? rate[0] : op->lr;
    const tl_acc decay = op->weight_decay;

#define LOAD(i) const tl_acc w_i = TL_LOAD(w[i]), dw_i = TL_LOAD(dw[i])
    if (decay == 0) {
        TL_EACH(op->count, w, LOAD, w_i - lr * dw_i);
    } else {
        TL_EACH(op->count, w, LOAD, w_i - lr * (dw_i + decay * w_i));
    }
#undef LOAD
}
