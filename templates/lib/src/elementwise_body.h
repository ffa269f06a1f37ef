void TL_NAME(add_fw)(const tl_add *op, tl_elem *y, const tl_elem *a, const tl_elem *b)
{
#define LOAD(i) const tl_acc a_i = TL_LOAD(a[i]), b_i = TL_LOAD(b[i])
    TL_EACH(op->count, y, LOAD, a_i + b_i);
#undef LOAD
}

static inline void pass(const tl_pass *op, tl_elem *to, const tl_elem *from)
{
#define LOAD(i) const tl_acc from_i = TL_LOAD(from[i])
#define LOAD_BOTH(i) LOAD(i), to_i = TL_LOAD(to[i])
    if (op->accumulate) {
        TL_EACH(op->count, to, LOAD_BOTH, to_i + from_i);
    } else {
        TL_EACH(op->count, to, LOAD, from_i);
    }
#undef LOAD_BOTH
#undef LOAD
}

void TL_NAME(pass_fw)(const tl_pass *op, tl_elem *y, const tl_elem *x)
{
    pass(op, y, x);
}

void TL_NAME(pass_ig)(const tl_pass *op, tl_elem *dx, const tl_elem *dy)
{
    pass(op, dx, dy);
}
