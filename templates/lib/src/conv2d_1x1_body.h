/* Windows of 1 x 1 without padding: each phase is a product of matrices, summed in registers by
   blocks of up to 4 x 4. */

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

/* One step of the sum; weights are loaded one ahead of their use. `neighbours`: the elements of
   `right` are, and `back` leads from the first one on. */
static TL_INLINE void product_step(
    const int rows, const int columns, const int neighbours,
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK], factor *left, factor *right)
{
    tl_acc in[PRODUCT_BLOCK];
    tl_acc ahead;

    if (neighbours) {
        TL_UNROLL
        for (int j = 1; j < columns; j++) {
            in[j] = TL_LOAD(right->at[j]);
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
    const int rows, const int columns, const int neighbours,
    tl_acc sum[PRODUCT_BLOCK][PRODUCT_BLOCK], factor left, factor right, int32_t depth)
{
    int32_t pairs = depth / 2;

    if (pairs > 0) {
        do {
            product_step(rows, columns, neighbours, sum, &left, &right);
            product_step(rows, columns, neighbours, sum, &left, &right);
            pairs--;
            TL_KEEP(pairs);
        } while (pairs);
    }
    if (depth & 1) {
        product_step(rows, columns, neighbours, sum, &left, &right);
    }
}

typedef struct {
    int32_t planes, groups;
    int32_t outputs, depth;       /* of a group */
    int32_t pixels;
    int32_t w_each, w_next;       /* from an output's weight to the next one's, from a source's */
    int32_t accumulate;
    const tl_elem *x, *w, *b;
    tl_elem *y;
} pointwise;

/* Outputs x pixels. */
static TL_INLINE void pointwise_block(
    const int rows, const int columns, const pointwise *p, tl_elem *y, const tl_elem *x,
    const tl_elem *w, const tl_elem *b)
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
                sum[i][j] = TL_LOAD(y[i * p->pixels + j]);
            }
        }
    }
    product_sum(
        rows, columns, 1, sum, factor_of(w, p->w_each, p->w_next, rows),
        factor_of(x, 0, p->pixels, columns), p->depth);
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            y[j] = TL_STORE(sum[i][j]);
        }
        y += p->pixels;
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

static void pointwise_run(const pointwise *p)
{
    const product_split rows = product_split_of(p->outputs);
    const product_split columns = product_split_of(p->pixels);
    const tl_range own = tl_share(p->planes * rows.pieces * columns.pieces);
    int32_t row = own.first / columns.pieces;
    int32_t column = own.first - row * columns.pieces;
    int32_t plane = row / rows.pieces;
    int32_t left = own.last - own.first;

    row -= plane * rows.pieces;
    while (left > 0) {
        const int32_t group = plane % p->groups;
        const int32_t first = product_first(&rows, row);
        const int32_t count = product_width(&rows, row);
        const tl_elem *x = p->x + plane * p->depth * p->pixels;
        const tl_elem *w = p->w + group * p->outputs * p->depth + first * p->w_each;
        const tl_elem *b = p->b ? p->b + group * p->outputs + first : 0;
        tl_elem *y = p->y + (plane * p->outputs + first) * p->pixels;

        x += product_first(&columns, column);
        y += product_first(&columns, column);
        for (; column < columns.pieces && left > 0; column++) {
            const int32_t width = product_width(&columns, column);

            PRODUCT_CHOOSE(pointwise_block, count, width, p, y, x, w, b);
            x += width;
            y += width;
            left--;
        }
        column = 0;
        if (++row == rows.pieces) {
            row = 0;
            plane++;
        }
    }
}

void CONV2D_NAME(fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const int32_t channels = op->ci / op->groups;
    const pointwise p = {
        .planes = op->n * op->groups, .groups = op->groups,
        .outputs = op->co / op->groups, .depth = channels, .pixels = op->ho * op->wo,
        .w_each = channels, .w_next = 1, .accumulate = op->accumulate,
        .x = x, .w = w, .b = b, .y = y,
    };

    pointwise_run(&p);
}

void CONV2D_NAME(ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const int32_t channels = op->ci / op->groups;
    const pointwise p = {
        .planes = op->n * op->groups, .groups = op->groups,
        .outputs = channels, .depth = op->co / op->groups, .pixels = op->ho * op->wo,
        .w_each = 1, .w_next = channels, .accumulate = op->accumulate,
        .x = dy, .w = w, .y = dx,
    };

    pointwise_run(&p);
}
