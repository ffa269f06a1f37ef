/* One contiguous range of elements a core. */

void TL_NAME(relu_fw)(const tl_relu *op, tl_elem *y, const tl_elem *x)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(x[i]);

        y[i] = TL_STORE(value <= 0 ? 0 : value);
    }
}

void TL_NAME(relu_ig)(const tl_relu *op, tl_elem *dx, const tl_elem *dy, const tl_elem *y)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc part = TL_LOAD(y[i]) > 0 ? TL_LOAD(dy[i]) : 0;

        dx[i] = TL_STORE(op->accumulate ? TL_LOAD(dx[i]) + part : part);
    }
}

void TL_NAME(leaky_relu_fw)(const tl_leaky_relu *op, tl_elem *y, const tl_elem *x)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(x[i]);

        y[i] = TL_STORE(value > 0 ? value : value * op->negative_slope);
    }
}

void TL_NAME(leaky_relu_ig)(
    const tl_leaky_relu *op, tl_elem *dx, const tl_elem *dy, const tl_elem *s)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        const tl_acc value = TL_LOAD(dy[i]);
        const tl_acc part = TL_LOAD(s[i]) > 0 ? value : value * op->negative_slope;

        dx[i] = TL_STORE(op->accumulate ? TL_LOAD(dx[i]) + part : part);
    }
}
