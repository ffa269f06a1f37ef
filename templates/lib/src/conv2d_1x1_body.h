/* Windows of 1 x 1 without padding, POINTWISE_STRIDE apart in both directions: each phase is a
   product of matrices, summed in registers by blocks of up to 4 x 4. */

enum { PRODUCT_BLOCK = 4 };

/* A factor: elements of one step of the sum lie `each` bytes apart, and behind a block's last one
   it is `back` bytes to the first one of the next step. */
typedef struct {
    const tl_elem *at;
    int32_t each, back;
} factor;

static inline factor factor_of(const tl_elem *at, int32_t each, int32_t next, int32_t count)
{
    const int32_t size = (int32_t)sizeof(tl_elem);

    return (factor){.at = at, .each = each * size, .back = (next - each * (count - 1)) * size};
}

/* One step of the sum; weights are loaded one ahead of their use. `apart`: so many elements from
   one of `right` to the next, and `back` leads from the first one on; 0: as `right` says. */
static TL_INLINE void product_step(
    const int rows, const int columns, const int apart,
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK], factor *left, factor *right)
{
    tl_acc in[PRODUCT_BLOCK];
    tl_acc ahead;

    if (apart) {
        TL_UNROLL
        for (int j = 1; j < columns; j++) {
            in[j] = TL_LOAD(right->at[j * apart]);
        }
        in[0] = TL_LOAD_STEP(&right->at, right->back);
    } else {
        TL_UNROLL
        for (int j = 0; j < columns; j++) {
            in[j] = TL_LOAD_STEP(&right->at, j < columns - 1 ? right->each : right->back);
        }
    }
    ahead = TL_LOAD_STEP(&left->at, rows > 1 ? left->each : left->back);
    TL_UNROLL
    for (int i = 0; i < rows; i++) {
        tl_acc weight = ahead;

        if (i < rows - 1) {
            ahead = TL_LOAD_STEP(&left->at, i < rows - 2 ? left->each : left->back);
            TL_AFTER(weight, ahead);
        }
        TL_UNROLL
        for (int j = 0; j < columns; j++) {
            sum[i][j] += weight * in[j];
        }
    }
}

static TL_INLINE void product_sum(
    const int rows, const int columns, const int apart,
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK], factor left, factor right, int32_t depth)
{
    int32_t pairs = depth / 2;

    if (pairs > 0) {
        do {
            product_step(rows, columns, apart, sum, &left, &right);
            product_step(rows, columns, apart, sum, &left, &right);
            pairs--;
            TL_KEEP(pairs);
        } while (pairs);
    }
    if (depth & 1) {
        product_step(rows, columns, apart, sum, &left, &right);
    }
}

/* Where an image's channels and lines lie. */
typedef struct {
    int32_t plane, line;
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

/* Outputs x pixels. */
static TL_INLINE void pointwise_block(
    const int rows, const int columns, const int x_step, const int y_step, const pointwise *p,
    tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK];

    for (int i = 0; i < rows; i++) {
        const tl_acc start = b ? TL_LOAD(b[i]) : 0;

        for (int j = 0; j < columns; j++) {
            sum[i][j] = start;
        }
    }
    if (p->accumulate) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                sum[i][j] = TL_LOAD(y[i * p->to.plane + j * y_step]);
            }
        }
    }
    product_sum(
        rows, columns, x_step, sum, factor_of(w, p->w_each, p->w_next, rows),
        factor_of(x, 0, p->from.plane, columns), p->depth);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            y[j * y_step] = TL_STORE(sum[i][j]);
        }
        y += p->to.plane;
        TL_KEEP(y);
    }
}

/* The block for a size; no switch: its table of addresses would lie far from the cores. */
#define PRODUCT_CHOOSE_COLUMNS(run, rows, columns, ...)                                            \
    do {                                                                                           \
        if (columns == 4) {                                                                        \
            run(rows, 4, __VA_ARGS__);                                                             \
        } else if (columns == 3) {                                                                 \
            run(rows, 3, __VA_ARGS__);                                                             \
        } else if (columns == 2) {                                                                 \
            run(rows, 2, __VA_ARGS__);                                                             \
        } else {                                                                                   \
            run(rows, 1, __VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)
#define PRODUCT_CHOOSE(run, rows, columns, ...)                                                    \
    do {                                                                                           \
        if (rows == 4) {                                                                           \
            PRODUCT_CHOOSE_COLUMNS(run, 4, columns, __VA_ARGS__);                                  \
        } else if (rows == 3) {                                                                    \
            PRODUCT_CHOOSE_COLUMNS(run, 3, columns, __VA_ARGS__);                                  \
        } else if (rows == 2) {                                                                    \
            PRODUCT_CHOOSE_COLUMNS(run, 2, columns, __VA_ARGS__);                                  \
        } else {                                                                                   \
            PRODUCT_CHOOSE_COLUMNS(run, 1, columns, __VA_ARGS__);                                  \
        }                                                                                          \
    } while (0)

/* `count` in pieces of nearly equal size, at most PRODUCT_BLOCK. */
typedef struct {
    int32_t pieces, each, wider; /* the first `wider` have one more than `each` */
} product_split;

static inline product_split product_split_of(int32_t count)
{
    product_split split = {.pieces = (count + PRODUCT_BLOCK - 1) / PRODUCT_BLOCK};

    split.each = count / split.pieces;
    split.wider = count - split.each * split.pieces;
    return split;
}

static inline int32_t product_first(const product_split *split, int32_t piece)
{
    return piece * split->each + smallest_of(piece, split->wider);
}

static inline int32_t product_width(const product_split *split, int32_t piece)
{
    return split->each + (piece < split->wider);
}

static TL_INLINE void pointwise_run(const int x_step, const int y_step, const pointwise *p)
{
    const product_split rows = product_split_of(p->outputs);
    const product_split columns = product_split_of(p->pixels);
    const tl_range own = tl_share(p->planes * rows.pieces * p->lines * columns.pieces);
    int32_t line = own.first / columns.pieces;
    int32_t column = own.first - line * columns.pieces;
    int32_t row = line / p->lines;
    int32_t plane = row / rows.pieces;
    int32_t left = own.last - own.first;

    line -= row * p->lines;
    row -= plane * rows.pieces;
    while (left > 0) {
        const int32_t group = plane % p->groups;
        const int32_t first = product_first(&rows, row);
        const int32_t count = product_width(&rows, row);
        const tl_elem *w = p->w + group * p->outputs * p->depth + first * p->w_each;
        const tl_elem *b = p->b ? p->b + group * p->outputs + first : 0;

        for (; line < p->lines && left > 0; line++) {
            const tl_elem *x = p->x + plane * p->depth * p->from.plane + line * p->from.line;
            tl_elem *y = p->y + (plane * p->outputs + first) * p->to.plane + line * p->to.line;

            x += product_first(&columns, column) * x_step;
            y += product_first(&columns, column) * y_step;
            for (; column < columns.pieces && left > 0; column++) {
                const int32_t width = product_width(&columns, column);

                PRODUCT_CHOOSE(pointwise_block, count, width, x_step, y_step, p, y, x, w, b);
                x += width * x_step;
                y += width * y_step;
                left--;
            }
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

/* The pixels of x that windows see. */
static inline pointwise_image pointwise_seen(const tl_conv2d *op)
{
    return (pointwise_image){.plane = op->hi * op->wi, .line = POINTWISE_STRIDE * op->wi};
}

static inline pointwise_image pointwise_outputs(const tl_conv2d *op)
{
    return (pointwise_image){.plane = op->ho * op->wo, .line = op->wo};
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

void CONV2D_NAME(fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    pointwise p = pointwise_of(op);

    p.outputs = op->co / op->groups;
    p.depth = op->ci / op->groups;
    p.from = pointwise_seen(op);
    p.to = pointwise_outputs(op);
    p.w_each = p.depth;
    p.w_next = 1;
    p.x = x + pointwise_first(op);
    p.w = w;
    p.b = b;
    p.y = y;
    pointwise_run(POINTWISE_STRIDE, 1, &p);
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

void CONV2D_NAME(ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    pointwise p = pointwise_of(op);

    p.outputs = op->ci / op->groups;
    p.depth = op->co / op->groups;
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
    pointwise_run(1, POINTWISE_STRIDE, &p);
}
