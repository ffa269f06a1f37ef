/* Weight gradient of windows of 1 x 1: output channels x input channels, summed over pixels. */

/* `dw` is (outputs, channels) of a group. */
static TL_INLINE void pointwise_wg_block(
    const int rows, const int columns, const tl_conv2d *op, int32_t channels, tl_elem *dw,
    const tl_elem *x, const tl_elem *dy)
{
    const pointwise_image seen = pointwise_seen(op);
    const int32_t plane = op->ho * op->wo;
    const pointwise p = pointwise_of(op);
    const float scale = op->scale;
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK];

    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = 0;
        }
    }
    for (int32_t n = 0; n < op->n; n++) {
        for (int32_t line = 0; line < p.lines; line++) {
            const factor left = factor_of(dy + line * op->wo, plane, 1, rows);
            factor right = factor_of(x + line * seen.line, seen.plane, POINTWISE_STRIDE, columns);

            if (POINTWISE_STRIDE == 1) {
                right.each = left.each; /* one register for both */
                if (rows == columns) {
                    right.back = left.back;
                }
            }
            product_sum(rows, columns, 0, sum, left, right, p.pixels);
        }
        x += op->ci * seen.plane;
        dy += op->co * plane;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(dw + j, sum[i][j], op->accumulate, scale, op->decay);
        }
        dw += channels;
    }
}

void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const tl_conv2d here = *op; /* the original may lie far from the cores */
    const int32_t channels = here.ci / here.groups;
    const int32_t outputs = here.co / here.groups;
    const product_split rows = product_split_of(outputs);
    const product_split columns = product_split_of(channels);
    int32_t turn = 0;
    const tl_range own = tl_share_from(here.groups * rows.pieces * columns.pieces, &turn);
    int32_t row = own.first / columns.pieces;
    int32_t column = own.first - row * columns.pieces;
    int32_t group = row / rows.pieces;

    x += pointwise_first(&here);
    row -= group * rows.pieces;
    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t output = group * outputs + product_first(&rows, row);
        const int32_t channel = product_first(&columns, column);
        const int32_t height = product_width(&rows, row);
        const int32_t width = product_width(&columns, column);

        PRODUCT_CHOOSE(
            pointwise_wg_block, height, width, &here, channels, dw + output * channels + channel,
            x + (group * channels + channel) * here.hi * here.wi, dy + output * here.ho * here.wo);
        if (++column == columns.pieces) {
            column = 0;
            if (++row == rows.pieces) {
                row = 0;
                group++;
            }
        }
    }
    if (db) {
        wg_bias(&here, db, dy, &turn);
    }
}
