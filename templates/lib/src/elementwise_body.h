/* One contiguous range of elements a core. */

void TL_NAME(add_fw)(const tl_add *op, tl_elem *y, const tl_elem *a, const tl_elem *b)
{
    const tl_range own = tl_share(op->count);

    for (int32_t i = own.first; i < own.last; i++) {
        y[i] = TL_STORE(TL_LOAD(a[i]) + TL_LOAD(b[i]));
    }
}

static inline void pass(const tl_pass *op, tl_elem *to, const tl_elem *from)
{
    const tl_range own = tl_share(op->count);

    if (op->accumulate) {
        for (int32_t i = own.first; i < own.last; i++) {
            to[i] = TL_STORE(TL_LOAD(to[i]) + TL_LOAD(from[i]));
        }
    } else {
        for (int32_t i = own.first; i < own.last; i++) {
            to[i] = from[i];
        }
    }
}

void TL_NAME(pass_fw)(const tl_pass *op, tl_elem *y, const tl_elem *x)
{
    pass(op, y, x);
}

void TL_NAME(pass_ig)(const tl_pass *op, tl_elem *dx, const tl_elem *dy)
{
    pass(op, dx, dy);
}
