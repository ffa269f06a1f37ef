/* Weight gradient of windows of 1 x 1: output channels x input channels, summed over pixels. */

/* What the blocks share: a copy of the operands, which may lie far from the cores. */
typedef struct {
    tl_conv2d op;
    int32_t channels, outputs; /* of a group */
    int32_t lines, pixels;     /* the pixels of a line */
    pointwise_image seen;      /* of x */
    int32_t plane;             /* of dy */
} pointwise_wg;

/* Side by side, with the same outputs; `dw` is (outputs, channels) of a group. */
typedef struct {
    int32_t count;
    const tl_elem *x, *dy;
    tl_elem *dw;
} pointwise_wg_blocks;

static TL_INLINE void pointwise_wg_block(
    const int rows, const int columns, const pointwise_wg *all, const tl_elem *x,
    const tl_elem *dy, tl_elem *dw)
{
    const tl_conv2d *op = &all->op;
    const float scale = op->scale;
    const float decay = op->decay;
    factor left = factor_of(dy, all->plane, 1, rows);
    factor right = factor_of(x, all->seen.plane, POINTWISE_STRIDE, columns);
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS];
    tl_acc in[PRODUCT_COLUMNS];
    tl_acc weight;

    if (POINTWISE_STRIDE == 1) {
        right.each = left.each; /* one register for both */
        if (rows == columns) {
            right.back = left.back;
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = 0;
        }
    }
    for (int32_t n = op->n; n > 0; n--) {
        for (int32_t line = 0; line < all->lines; line++) {
            left.at = dy + line * op->wo;
            right.at = x + line * all->seen.line;
            weight = product_begin(
                rows, columns, 0, POINTWISE_STRIDE == 1, sum, in, &left, &right, all->pixels);
            product_step(rows, columns, 0, 0, sum, in, weight, &left, &right);
        }
        x += op->ci * all->seen.plane;
        dy += op->co * all->plane;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(dw + j, sum[i][j], op->accumulate, scale, decay);
        }
        dw += all->channels;
        TL_KEEP(dw);
    }
}

#define POINTWISE_WG_SIZE(rows, columns)                                                           \
    static TL_NOINLINE void pointwise_wg_##rows##x##columns(                                       \
        const pointwise_wg *all, pointwise_wg_blocks *blocks)                                      \
    {                                                                                              \
        for (int32_t count = blocks->count; count > 0; count--) {                                  \
            pointwise_wg_block(rows, columns, all, blocks->x, blocks->dy, blocks->dw);             \
            blocks->x += columns * all->seen.plane;                                                \
            blocks->dw += columns;                                                                 \
        }                                                                                          \
    }
PRODUCT_SIZES(POINTWISE_WG_SIZE)

void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const pointwise p = pointwise_of(op);
    const pointwise_wg all = {
        .op = *op, .channels = of_a_group(op->ci, op->groups), .outputs = of_a_group(op->co, op->groups),
        .lines = p.lines, .pixels = p.pixels, .seen = pointwise_seen(op),
        .plane = op->ho * op->wo,
    };
    const product_split rows = product_split_of(all.outputs, PRODUCT_ROWS);
    const product_split columns = product_split_of(all.channels, PRODUCT_COLUMNS);
    int32_t turn = 0;
    const tl_range own = tl_share_from(all.op.groups * rows.pieces * columns.pieces, &turn);
    int32_t row = own.first / columns.pieces;
    int32_t column = own.first - row * columns.pieces;
    int32_t group = row / rows.pieces;
    int32_t left = own.last - own.first;

    x += pointwise_first(&all.op);
    row -= group * rows.pieces;
    while (left > 0) {
        const int32_t output = group * all.outputs + product_first(&rows, row);
        const int32_t channel = product_first(&columns, column);
        const int32_t height = product_width(&rows, row);
        const int32_t width = product_width(&columns, column);
        const int32_t end = column < columns.wider ? columns.wider : columns.pieces;
        pointwise_wg_blocks blocks = {
            .count = smallest_of(end - column, left),
            .x = x + (group * all.channels + channel) * all.seen.plane,
            .dy = dy + output * all.plane, .dw = dw + output * all.channels + channel,
        };

        left -= blocks.count;
        column += blocks.count;
        PRODUCT_CHOOSE(pointwise_wg_, height, width, &all, &blocks);
        if (column == columns.pieces) {
            column = 0;
            if (++row == rows.pieces) {
                row = 0;
                group++;
            }
        }
    }
    if (db) {
        wg_bias(&all.op, db, dy, &turn);
    }
}
