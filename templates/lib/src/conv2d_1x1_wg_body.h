/* Weight gradient of windows of 1 x 1: output channels x input channels, summed over pixels. */

/* What the blocks share: a copy of the operands, which may lie far from the cores. */
typedef struct {
    tl_conv2d op;
    int32_t channels, outputs; /* of a group */
    int32_t lines, pixels;     /* the pixels of a line */
    pointwise_image seen;      /* of x */
    int32_t plane;             /* of dy */
    int32_t x_sample, dy_sample; /* from one to the next */
    int32_t plain;             /* dw is the sum alone */
} pointwise_wg;

/* Side by side, with the same outputs; `dw` is (outputs, channels) of a group. */
typedef struct {
    int32_t count;
    const tl_elem *x, *dy;
    tl_elem *dw;
} pointwise_wg_blocks;

/* What one sample adds; `left` and `right` are at its first pixels. */
static TL_INLINE void pointwise_wg_sample(
    const int rows, const int columns, const pointwise_wg *all,
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS], factor left, factor right)
{
    const tl_elem *const x = right.at, *const dy = left.at;
    const int32_t lines = POINTWISE_STRIDE == 1 ? 1 : all->lines;

    for (int32_t line = 0; line < lines; line++) {
        tl_acc in[PRODUCT_COLUMNS];
        tl_acc weight;

        left.at = dy + line * all->op.wo;
        right.at = x + line * all->seen.line;
        weight = product_begin(
            rows, columns, 0, POINTWISE_STRIDE == 1, sum, in, &left, &right, all->pixels);
        product_step(rows, columns, 0, 0, sum, in, weight, &left, &right);
    }
}

static TL_INLINE void pointwise_wg_block(
    const int rows, const int columns, const pointwise_wg *all, factor left, factor right,
    tl_elem *dw)
{
    const tl_conv2d *op = &all->op;
    const int32_t channels = all->channels;
    int32_t samples = op->n;
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS];

    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = 0;
        }
    }
    for (;;) {
        pointwise_wg_sample(rows, columns, all, sum, left, right);
        if (--samples == 0) {
            break;
        }
        left.at += all->dy_sample;
        right.at += all->x_sample;
    }
    if (all->plain) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                dw[j] = TL_STORE(sum[i][j]);
            }
            dw += channels;
            TL_KEEP(dw);
        }
        return;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(dw + j, sum[i][j], op->accumulate, op->scale, op->decay);
        }
        dw += channels;
        TL_KEEP(dw);
    }
}

static TL_INLINE void pointwise_wg_row(
    const int rows, const int columns, const pointwise_wg *all, const pointwise_wg_blocks *blocks)
{
    const int32_t next = columns * all->seen.plane, size = (int32_t)sizeof(tl_elem);
    factor left = factor_of(blocks->dy, all->plane, 1, rows);
    factor right = factor_of(blocks->x, all->seen.plane, POINTWISE_STRIDE, columns);
    tl_elem *dw = blocks->dw;

    if (POINTWISE_STRIDE == 1) {
        right.each = left.each; /* one register for both */
        if (rows == columns) {
            right.back = left.back;
        }
    }
    if (POINTWISE_STRIDE == 1 && rows == 4 && columns == 4 && all->plain && all->op.n == 1 &&
        TL_BLOCKS_TAKE(all->pixels)) {
        const tl_acc start[PRODUCT_ROWS] = {0};

        TL_BLOCKS(
            1, 0, blocks->count, all->pixels, start, left.at, left.each, size, right.at,
            next * size, dw, all->channels * size);
        return;
    }
    for (int32_t count = blocks->count; count > 0; count--) {
        pointwise_wg_block(rows, columns, all, left, right, dw);
        right.at += next;
        dw += columns;
    }
}

#define POINTWISE_WG_SIZE(rows, columns)                                                           \
    static TL_NOINLINE void pointwise_wg_##rows##x##columns(                                       \
        const pointwise_wg *all, const pointwise_wg_blocks *blocks)                                \
    {                                                                                              \
        pointwise_wg_row(rows, columns, all, blocks);                                              \
    }
PRODUCT_SIZES(POINTWISE_WG_SIZE)

/* The shape, member by member: a compiler copies a struct by a call. */
static inline tl_conv2d pointwise_shape(const tl_conv2d *op)
{
    return (tl_conv2d){
        .n = op->n, .ci = op->ci, .hi = op->hi, .wi = op->wi, .co = op->co, .ho = op->ho,
        .wo = op->wo, .kh = op->kh, .kw = op->kw, .stride_h = op->stride_h,
        .stride_w = op->stride_w, .pad_top = op->pad_top, .pad_left = op->pad_left,
        .groups = op->groups, .accumulate = op->accumulate, .scale = op->scale,
        .decay = op->decay, .bias_decay = op->bias_decay,
    };
}

#if POINTWISE_STRIDE == 1
static inline int pointwise_wg_is_whole(const tl_conv2d *op)
{
    return ((op->co | op->ci) & (PRODUCT_MOST - 1)) == 0 && (op->n | op->groups) == 1 &&
           !op->accumulate && op->scale == 1 && TL_BLOCKS_TAKE(op->ho * op->wo);
}

/* Then, as pointwise_whole, this core's share of dw; and of db, where other cores get the items that
   do not come out even. */
static TL_INLINE void pointwise_dw(
    const tl_conv2d *op, tl_elem *dw, const tl_elem *x, const tl_elem *dy)
{
    const int32_t pixels = op->ho * op->wo;
    const product_whole all = {
        .rows = op->co, .columns = op->ci, .depth = pixels, .each = pixels, .next = 1,
        .left = dy, .right = x, .y = dw,
    };
    int32_t turn = 0;

    product_whole_run(1, 0, &all, &turn);
}

static TL_NOINLINE void pointwise_db(const tl_conv2d *op, tl_elem *db, const tl_elem *dy)
{
    const int32_t pixels = op->ho * op->wo, cores = tl_num_cores();
    const tl_range own = tl_part(op->co, cores, cores - 1 - tl_core_id());

    for (int32_t co = own.first; co < own.last; co++) {
        db[co] = TL_STORE(wg_plane_sum(0, dy + co * pixels, pixels));
    }
}

/* One half of the team begins with db: what stands around its sums then goes with the products of the
   other half, which shares its FPUs. */
static TL_NOINLINE void pointwise_wg_whole(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int early = 2 * tl_core_id() < tl_num_cores();

    if (db && early) {
        pointwise_db(op, db, dy);
    }
    pointwise_dw(op, dw, x, dy);
    if (db && !early) {
        pointwise_db(op, db, dy);
    }
}
#endif

static TL_NOINLINE void pointwise_wg_any(
    const tl_conv2d *far, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const tl_conv2d op = pointwise_shape(far);
    const pointwise p = pointwise_of(&op);
    const pointwise_wg all = {
        .op = op, .channels = of_a_group(op.ci, op.groups), .outputs = of_a_group(op.co, op.groups),
        .lines = p.lines, .pixels = p.pixels, .seen = pointwise_seen(&op),
        .plane = op.ho * op.wo,
        .x_sample = op.ci * op.hi * op.wi, .dy_sample = op.co * op.ho * op.wo,
        .plain = op.scale == 1 && !op.accumulate,
    };
    const product_split rows = product_split_of(all.outputs);
    const product_split columns = product_split_of(all.channels);
    int32_t turn = 0;
    const tl_range own = tl_share_from(all.op.groups * rows.pieces * columns.pieces, &turn);
    int32_t row = tl_quotient(own.first, columns.pieces);
    int32_t column = own.first - row * columns.pieces;
    int32_t group = tl_quotient(row, rows.pieces);
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

void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
#if POINTWISE_STRIDE == 1
    if (pointwise_wg_is_whole(op)) {
        pointwise_wg_whole(op, dw, db, x, dy);
        return;
    }
#endif
    pointwise_wg_any(op, dw, db, x, dy);
}
