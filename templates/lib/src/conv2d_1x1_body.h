/* Windows of 1 x 1 without padding, POINTWISE_STRIDE apart in both directions: each phase is a
   product of matrices. */

/* Where an image's channels, lines and pixels lie. */
typedef struct {
    int32_t plane, line, step;
} pointwise_image;

typedef struct {
    int32_t planes, groups;
    int32_t outputs, depth;       /* of a group */
    int32_t lines, pixels;        /* the pixels of a line */
    pointwise_image from, to;
    int32_t w_each, w_next;       /* from an output's weight to the next one's, from a source's */
    int32_t accumulate;
    const tl_elem *x, *w, *b;
    tl_elem *y;
} pointwise;

/* Side by side, with the same outputs. */
typedef struct {
    int32_t count;
    const tl_elem *x, *w, *b; /* b: or 0 */
    tl_elem *y;
} pointwise_blocks;

/* Without a stride, lines follow each other without a gap: all of an image is one, as large as the
   other. */
static TL_INLINE pointwise_image pointwise_image_of(const pointwise *p, const pointwise_image *image)
{
    return POINTWISE_STRIDE > 1 ? *image : (pointwise_image){.plane = p->pixels, .step = 1};
}

/* Outputs x pixels, from `left->at`, `right->at` and `y` on. */
static TL_INLINE void pointwise_block(
    const int rows, const int columns, const int x_step, const pointwise *p,
    const tl_acc *start, factor left, factor right, tl_elem *y)
{
    const pointwise_image to = pointwise_image_of(p, &p->to);
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS];
    tl_acc in[PRODUCT_COLUMNS];
    tl_acc weight;

    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = start[i];
        }
    }
    weight = product_begin(rows, columns, x_step, 0, sum, in, &left, &right, p->depth);
    product_step(rows, columns, x_step, 0, sum, in, weight, &left, &right);
    if (p->accumulate) {
        const tl_elem *there = y;

        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                sum[i][j] += TL_LOAD(there[j * to.step]);
            }
            there += to.plane;
            TL_KEEP(there);
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            y[j * to.step] = TL_STORE(sum[i][j]);
        }
        y += to.plane;
        TL_KEEP(y);
    }
}

static TL_INLINE void pointwise_row(
    const int rows, const int columns, const int x_step, const pointwise *p,
    const pointwise_blocks *blocks)
{
    const pointwise_image from = pointwise_image_of(p, &p->from);
    const pointwise_image to = pointwise_image_of(p, &p->to);
    const factor left = factor_of(blocks->w, p->w_each, p->w_next, rows);
    factor right = factor_of(blocks->x, 0, from.plane, columns);
    const int32_t size = (int32_t)sizeof(tl_elem);
    tl_elem *y = blocks->y;
    tl_acc start[PRODUCT_ROWS] = {0};

    for (int i = 0; i < rows && blocks->b; i++) {
        start[i] = TL_LOAD(blocks->b[i]);
    }
    if (POINTWISE_STRIDE == 1 && rows == 4 && columns == 4 && !p->accumulate &&
        TL_BLOCKS_TAKE(p->depth)) {
        TL_BLOCKS(
            0, 0, blocks->count, p->depth, start, left.at, left.each, p->w_next * size, right.at,
            PRODUCT_COLUMNS * size, y, right.back);
        return;
    }
    for (int32_t count = blocks->count; count > 0; count--) {
        pointwise_block(rows, columns, x_step, p, start, left, right, y);
        right.at += columns * x_step;
        y += columns * to.step;
    }
}

/* One function a size, or the sums of one would be in the others' way. */
#define POINTWISE_SIZE(rows, columns)                                                              \
    static TL_NOINLINE void pointwise_##rows##x##columns(                                          \
        const pointwise *p, const pointwise_blocks *blocks)                                        \
    {                                                                                              \
        if (POINTWISE_STRIDE == 1 || p->from.step == 1) {                                          \
            pointwise_row(rows, columns, 1, p, blocks);                                            \
        } else {                                                                                   \
            pointwise_row(rows, columns, POINTWISE_STRIDE, p, blocks);                             \
        }                                                                                          \
    }
PRODUCT_SIZES(POINTWISE_SIZE)

/* Pixels of one line, from piece `column` on; `blocks` is where that begins. */
static TL_INLINE void pointwise_line(
    const pointwise *p, const product_split *columns, int32_t column, int32_t pieces,
    int32_t rows, pointwise_blocks *blocks)
{
    const pointwise_image from = pointwise_image_of(p, &p->from);
    const pointwise_image to = pointwise_image_of(p, &p->to);

    while (pieces > 0) {
        const int32_t width = product_width(columns, column);
        const int32_t end = column < columns->wider ? columns->wider : columns->pieces;

        blocks->count = smallest_of(end - column, pieces);
        PRODUCT_CHOOSE(pointwise_, rows, width, p, blocks);
        blocks->x += blocks->count * width * from.step;
        blocks->y += blocks->count * width * to.step;
        column += blocks->count;
        pieces -= blocks->count;
    }
}

static TL_INLINE void pointwise_run(const pointwise *p)
{
    const product_split rows = product_split_of(p->outputs);
    const product_split columns = product_split_of(p->pixels);
    const pointwise_image from = pointwise_image_of(p, &p->from);
    const pointwise_image to = pointwise_image_of(p, &p->to);
    const int32_t lines = POINTWISE_STRIDE == 1 ? 1 : p->lines;
    int32_t turn = 0;
    const tl_range own =
        tl_share_from(p->planes * rows.pieces * lines * columns.pieces, &turn);
    int32_t line = tl_quotient(own.first, columns.pieces);
    int32_t column = own.first - line * columns.pieces;
    int32_t row = tl_quotient(line, lines);
    int32_t plane = p->planes == 1 ? 0 : tl_quotient(row, rows.pieces);
    int32_t left = own.last - own.first;

    line -= row * lines;
    row -= plane * rows.pieces;
    while (left > 0) {
        const int32_t group = group_at(plane, p->groups);
        const int32_t first = product_first(&rows, row);
        const int32_t output = group * p->outputs + first;
        const tl_elem *x = p->x + plane * p->depth * from.plane;
        tl_elem *y = p->y + (plane * p->outputs + first) * to.plane;
        pointwise_blocks blocks = {
            .w = p->w + group * p->outputs * p->depth + first * p->w_each,
            .b = p->b ? p->b + output : 0,
        };

        for (; line < lines && left > 0; line++) {
            const int32_t pieces = smallest_of(columns.pieces - column, left);
            const int32_t pixel = product_first(&columns, column);

            blocks.x = x + line * from.line + pixel * from.step;
            blocks.y = y + line * to.line + pixel * to.step;
            pointwise_line(p, &columns, column, pieces, product_width(&rows, row), &blocks);
            left -= pieces;
            column = 0;
        }
        line = 0;
        if (++row == rows.pieces) {
            row = 0;
            plane++;
        }
    }
}

/* The first pixel of x that windows see; a tile may begin with others. */
static inline int32_t pointwise_first(const tl_conv2d *op)
{
    return POINTWISE_STRIDE == 1 ? 0 : -op->pad_top * op->wi - op->pad_left;
}

static inline pointwise_image pointwise_outputs(const tl_conv2d *op)
{
    return (pointwise_image){.plane = op->ho * op->wo, .line = op->wo, .step = 1};
}

/* The pixels of x that windows see. */
static inline pointwise_image pointwise_seen(const tl_conv2d *op)
{
    if (POINTWISE_STRIDE == 1) {
        return pointwise_outputs(op); /* as large, and its members are read already */
    }
    return (pointwise_image){
        .plane = op->hi * op->wi, .line = POINTWISE_STRIDE * op->wi, .step = POINTWISE_STRIDE,
    };
}

/* Without a stride, lines follow each other without a gap: all of an image is one. */
static inline pointwise pointwise_of(const tl_conv2d *op)
{
    const int one = POINTWISE_STRIDE == 1;

    return (pointwise){
        .planes = op->n * op->groups, .groups = op->groups,
        .lines = one ? 1 : op->ho, .pixels = one ? op->ho * op->wo : op->wo,
        .accumulate = op->accumulate,
    };
}

#if POINTWISE_STRIDE == 1
/* Whether all blocks are whole, and their sums alone are stored. */
static inline int pointwise_is_whole(const tl_conv2d *op, int32_t outputs, int32_t depth)
{
    return ((op->ho * op->wo | outputs) & (PRODUCT_MOST - 1)) == 0 && op->groups == 1 &&
           !op->accumulate && TL_BLOCKS_TAKE(depth);
}

/* Then: less of a set-up, while all FPUs wait. `w_each`: from an output's weight to the next one's. */
static TL_NOINLINE void pointwise_whole(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b,
    int32_t outputs, int32_t depth, int32_t w_each)
{
    product_whole all = {
        .rows = outputs, .columns = op->ho * op->wo, .depth = depth, .each = w_each,
        .next = w_each == 1 ? outputs : 1, .left = w, .right = x, .bias = b, .y = y,
    };
    int32_t turn = 0;

    for (int32_t n = op->n; n > 0; n--) {
        product_whole_run(0, 0, &all, &turn);
        all.right += depth * all.columns;
        all.y += outputs * all.columns;
    }
}
#endif

static TL_NOINLINE void pointwise_fw(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    pointwise p = pointwise_of(op);

    p.outputs = of_a_group(op->co, op->groups);
    p.depth = of_a_group(op->ci, op->groups);
    p.from = pointwise_seen(op);
    p.to = pointwise_outputs(op);
    p.w_each = p.depth;
    p.w_next = 1;
    p.x = x + pointwise_first(op);
    p.w = w;
    p.b = b;
    p.y = y;
    pointwise_run(&p);
}

void CONV2D_NAME(fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
#if POINTWISE_STRIDE == 1
    if (pointwise_is_whole(op, op->co, op->ci)) {
        pointwise_whole(op, y, x, w, b, op->co, op->ci, op->ci);
        return;
    }
#endif
    pointwise_fw(op, y, x, w, b);
}

#if POINTWISE_STRIDE > 1
/* Sets this core's share of dx to 0. */
static void pointwise_clear(tl_elem *dx, int32_t count)
{
    const tl_range own = tl_share(count);
    int32_t i = own.first;

    for (; i + 4 <= own.last; i += 4) {
        dx[i] = TL_STORE((tl_acc)0);
        dx[i + 1] = TL_STORE((tl_acc)0);
        dx[i + 2] = TL_STORE((tl_acc)0);
        dx[i + 3] = TL_STORE((tl_acc)0);
    }
    for (; i < own.last; i++) {
        dx[i] = TL_STORE((tl_acc)0);
    }
}
#endif

static TL_NOINLINE void pointwise_ig(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    pointwise p = pointwise_of(op);

    p.outputs = of_a_group(op->ci, op->groups);
    p.depth = of_a_group(op->co, op->groups);
    p.from = pointwise_outputs(op);
    p.to = pointwise_seen(op);
    p.w_each = 1;
    p.w_next = p.outputs;
    p.x = dy;
    p.w = w;
    p.y = dx + pointwise_first(op);
#if POINTWISE_STRIDE > 1
    if (!p.accumulate) {
        pointwise_clear(dx, op->n * op->ci * op->hi * op->wi);
        tl_barrier(); /* pixels are written by other cores than cleared them */
    }
#endif
    pointwise_run(&p);
}

void CONV2D_NAME(ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
#if POINTWISE_STRIDE == 1
    if (pointwise_is_whole(op, op->ci, op->co)) {
        pointwise_whole(op, dx, dy, w, 0, op->ci, op->co, 1);
        return;
    }
#endif
    pointwise_ig(op, dx, dy, w);
}
