/* What the weight gradients share. */

/* The sum on top of a plane's elements. */
static TL_INLINE tl_acc wg_plane_sum(tl_acc sum, const tl_elem *from, int32_t plane)
{
    int32_t i = TL_TURNS(sum)(&sum, from, (int32_t)((uint32_t)plane / TL_SUM_TURN));

    for (; i + TL_SUM_TURN <= plane; i += TL_SUM_TURN) {
        const tl_acc part = TL_LOAD(from[i]) + TL_LOAD(from[i + 1]);

        sum += part + (TL_LOAD(from[i + 2]) + TL_LOAD(from[i + 3]));
    }
    for (; i < plane; i++) {
        sum += TL_LOAD(from[i]);
    }
    return sum;
}

static TL_NOINLINE void wg_bias_of(
    const tl_conv2d *op, tl_elem *db, const tl_elem *dy, tl_range own)
{
    const int32_t plane = op->ho * op->wo;

    for (int32_t co = own.first; co < own.last; co++) {
        tl_acc sum = 0;

        for (int32_t n = 0; n < op->n; n++) {
            sum = wg_plane_sum(sum, dy + (n * op->co + co) * plane, plane);
        }
        gradient_store(db + co, sum, op->accumulate, op->scale, op->bias_decay);
    }
}

static inline void wg_bias(const tl_conv2d *op, tl_elem *db, const tl_elem *dy, int32_t *turn)
{
    wg_bias_of(op, db, dy, tl_share_from(op->co, turn));
}
