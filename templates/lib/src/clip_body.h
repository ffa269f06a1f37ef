void TL_NAME(clip_value_update)(const tl_clip_value *op, tl_elem *dw)
{
    const tl_acc most = op->limit;
    const tl_acc least = -most;

#define LOAD(i) const tl_acc dw_i = TL_LOAD(dw[i])
    TL_EACH(op->count, dw, LOAD, dw_i > most ? most : dw_i < least ? least : dw_i);
#undef LOAD
}

/* four sums, so that no product waits for the one before it */
static inline tl_acc squares_of(const tl_elem *x, int32_t count)
{
    tl_acc a = 0;
    tl_acc b = 0;
    tl_acc c = 0;
    tl_acc d = 0;
    int32_t i = 0;

    for (; i + 4 <= count; i += 4) {
        const tl_acc x0 = TL_LOAD(x[i]);
        const tl_acc x1 = TL_LOAD(x[i + 1]);
        const tl_acc x2 = TL_LOAD(x[i + 2]);
        const tl_acc x3 = TL_LOAD(x[i + 3]);

        a += x0 * x0;
        b += x1 * x1;
        c += x2 * x2;
        d += x3 * x3;
    }
    for (; i < count; i++) {
        const tl_acc x0 = TL_LOAD(x[i]);

        a += x0 * x0;
    }
    return (a + b) + (c + d);
}

void TL_NAME(square_sums_update)(const tl_square_sums *op, tl_acc *sums, const tl_elem *dw)
{
    const tl_range own = tl_share(TL_SQUARES);

    for (int32_t part = own.first; part < own.last; part++) {
        const tl_range range = tl_part(op->count, TL_SQUARES, part);
        const tl_acc sum = squares_of(dw + range.first, range.last - range.first);

        sums[part] = op->accumulate ? sums[part] + sum : sum;
    }
}

void TL_NAME(clip_factor_update)(const tl_clip_factor *op, tl_acc *factor, const tl_acc *sums)
{
    tl_acc sum = 0;
    tl_acc found;

    if (tl_core_id() != 0) {
        return;
    }
    for (int32_t i = 0; i < op->count; i++) {
        sum += sums[i];
    }
    found = op->max_norm / (tl_sqrtf(sum) + 1e-6f);
    factor[0] = found > 1 ? 1 : found;
}

void TL_NAME(clip_norm_update)(const tl_clip_norm *op, tl_elem *dw, const float *factor)
{
    const tl_acc by = factor[0];

#define LOAD(i) const tl_acc dw_i = TL_LOAD(dw[i])
    TL_EACH(op->count, dw, LOAD, by * dw_i);
#undef LOAD
}
