/* One contiguous range of elements a core. */

void TL_NAME(add_fw)(const tl_add *op, tl_elem *y, const tl_elem *a, const tl_elem *b)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        y[i] = TL_STORE(TL_LOAD(a[i]) + TL_LOAD(b[i]));
    }
}

void TL_NAME(pass_ig)(const tl_pass *op, tl_elem *dx, const tl_elem *dy)
{
    const tl_range own = tl_share(op->count);

    if (op->accumulate) {
        for (int32_t i = own.first; i < own.last; i++) {
            dx[i] = TL_STORE(TL_LOAD(dx[i]) + TL_LOAD(dy[i]));
        }
    } else {
        for (int32_t i = own.first; i < own.last; i++) {
            dx[i] = dy[i];
        }
    }
}
