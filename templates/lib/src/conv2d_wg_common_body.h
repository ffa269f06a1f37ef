/* What the weight gradients share. */

static TL_NOINLINE void wg_bias(
    const tl_conv2d *op, tl_elem *db, const tl_elem *dy, int32_t *turn)
{
    const tl_range own = tl_share_from(op->co, turn);
    const int32_t plane = op->ho * op->wo;

    for (int32_t co = own.first; co < own.last; co++) {
        tl_acc sum = 0;

        for (int32_t n = 0; n < op->n; n++) {
            const tl_elem *from = dy + (n * op->co + co) * plane;
            int32_t i = 0;

            for (; i + 4 <= plane; i += 4) {
                const tl_acc part = TL_LOAD(from[i]) + TL_LOAD(from[i + 1]);

                sum += part + (TL_LOAD(from[i + 2]) + TL_LOAD(from[i + 3]));
            }
            for (; i < plane; i++) {
                sum += TL_LOAD(from[i]);
            }
        }
        gradient_store(db + co, sum, op->accumulate, op->scale, op->bias_decay);
    }
}
