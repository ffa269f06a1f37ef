void TL_NAME(add_fw)(const tl_add *op, tl_elem *y, const tl_elem *a, const tl_elem *b)
{
#define LOAD(i) const tl_acc a_i = TL_LOAD(a[i]), b_i = TL_LOAD(b[i])
    tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

    own.first += TL_TURNS(add)(
        own.last - own.first, y + own.first, a + own.first, b + own.first, 0);
    TL_EACH_REST(own, y, LOAD, a_i + b_i);
#undef LOAD
}

static inline void pass(const tl_pass *op, tl_elem *to, const tl_elem *from)
{
#define LOAD(i) const tl_acc from_i = TL_LOAD(from[i])
#define LOAD_BOTH(i) LOAD(i), to_i = TL_LOAD(to[i])
    tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

    if (op->accumulate) {
        own.first += TL_TURNS(add)(
            own.last - own.first, to + own.first, to + own.first, from + own.first, 0);
        TL_EACH_REST(own, to, LOAD_BOTH, to_i + from_i);
    } else {
        own.first += TL_TURNS(copy)(
            own.last - own.first, to + own.first, from + own.first, 0, 0);
        TL_EACH_REST(own, to, LOAD, from_i);
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
