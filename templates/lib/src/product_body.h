/* Products of matrices, summed in registers by blocks of up to 4 x 4. */

enum { PRODUCT_ROWS = 4, PRODUCT_COLUMNS = 4, PRODUCT_MOST = 4 };

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

/* The elements of `right` for a step. `apart`: so many elements from one to the next, and `back`
   leads from the first one on; it is the last one loaded. 0: as `right` says. */
static TL_INLINE tl_acc product_load(const int columns, const int apart, int j, factor *right)
{
    if (apart && j > 0) {
        return TL_LOAD(right->at[j * apart]);
    }
    return TL_LOAD_STEP(&right->at, apart || j == columns - 1 ? right->back : right->each);
}

static TL_INLINE int product_order(const int columns, const int apart, int k)
{
    return apart ? (k + 1) % columns : k;
}

/* One step of the sum. `in` and `weight`, the first one, are there already; `more`: those of the
   next step are loaded, and the weight returned. No two loads follow each other where a product can
   stand between them: so two cores keep the FPU that they share busy. */
static TL_INLINE tl_acc product_step(
    const int rows, const int columns, const int apart, const int more,
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS], tl_acc *in, tl_acc weight, factor *left,
    factor *right)
{
    tl_acc ahead = 0;
    tl_acc next = 0;

    TL_UNROLL
    for (int i = 0; i < rows; i++) {
        TL_UNROLL
        for (int k = 0; k < columns; k++) {
            const int j = product_order(columns, apart, k);

            sum[i][j] += weight * in[j];
            TL_PIN(sum[i][j]);
            if (more && i == rows - 1) {
                in[j] = product_load(columns, apart, j, right);
                TL_PIN(in[j]);
            }
            if (k == 0 && i < rows - 1) {
                ahead = TL_LOAD_STEP(&left->at, i == rows - 2 ? left->back : left->each);
                TL_PIN(ahead);
            }
            if (more && k == (columns > 1) && i == (rows > 1 ? rows - 2 : 0)) {
                next = TL_LOAD_STEP(&left->at, rows > 1 ? left->each : left->back);
                TL_PIN(next);
            }
        }
        weight = ahead;
    }
    return next;
}

/* All steps but the last one, which has none to load for; returns its first weight. `alike`: without
   `apart`, both factors have the same `each`. */
static TL_INLINE tl_acc product_begin(
    const int rows, const int columns, const int apart, const int alike,
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS], tl_acc *in, factor *left, factor *right,
    int32_t depth)
{
    int32_t steps = depth - 1;
    tl_acc weight;

    TL_UNROLL
    for (int k = 0; k < columns; k++) {
        const int j = product_order(columns, apart, k);

        in[j] = product_load(columns, apart, j, right);
    }
    weight = TL_LOAD_STEP(&left->at, rows > 1 ? left->each : left->back);
    if (rows == 4 && columns >= 3 && (apart || alike) &&
        TL_PRODUCT(
            columns, apart, sum, in, &weight, &left->at, left->each, left->back, &right->at,
            right->back, steps)) {
        return weight;
    }
    while (steps >= 2) {
        weight = product_step(rows, columns, apart, 1, sum, in, weight, left, right);
        weight = product_step(rows, columns, apart, 1, sum, in, weight, left, right);
        steps -= 2;
        TL_KEEP(steps);
    }
    while (steps > 0) {
        weight = product_step(rows, columns, apart, 1, sum, in, weight, left, right);
        steps--;
        TL_KEEP(steps);
    }
    return weight;
}

#define PRODUCT_SIZES(define)                                                                      \
    define(4, 4) define(4, 3) define(4, 2) define(4, 1)                                            \
    define(3, 4) define(3, 3) define(3, 2) define(3, 1)                                            \
    define(2, 4) define(2, 3) define(2, 2) define(2, 1)                                            \
    define(1, 4) define(1, 3) define(1, 2) define(1, 1)

/* The function for a size; no switch: its table of addresses would lie far from the cores. */
#define PRODUCT_CHOOSE_COLUMNS(run, rows, columns, ...)                                            \
    do {                                                                                           \
        if (columns == 4) {                                                                        \
            run##rows##x4(__VA_ARGS__);                                                            \
        } else if (columns == 3) {                                                                 \
            run##rows##x3(__VA_ARGS__);                                                            \
        } else if (columns == 2) {                                                                 \
            run##rows##x2(__VA_ARGS__);                                                            \
        } else {                                                                                   \
            run##rows##x1(__VA_ARGS__);                                                            \
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

/* `count` in pieces of nearly equal size. */
typedef struct {
    int32_t pieces, each, wider; /* the first `wider` have one more than `each` */
} product_split;

/* Up to PRODUCT_MOST at a time; no division, which takes as long as 30 other instructions. */
static inline product_split product_split_of(int32_t count)
{
    product_split split = {.pieces = (count + PRODUCT_MOST - 1) / PRODUCT_MOST};
    int32_t lacking = split.pieces * PRODUCT_MOST - count;

    split.each = PRODUCT_MOST;
    for (; lacking > 0; lacking -= split.pieces) {
        split.each--;
    }
    split.wider = -lacking;
    return split;
}

static inline int32_t product_first(const product_split *split, int32_t piece)
{
    return piece * split->each + (piece < split->wider ? piece : split->wider);
}

static inline int32_t product_width(const product_split *split, int32_t piece)
{
    return split->each + (piece < split->wider);
}

/* A product that comes out even in blocks, for TL_BLOCKS: y is (rows, columns), and the factors' rows,
   or columns, lie `each` elements from each other, their steps `next`; but not those of a `right` that
   is (depth, columns). */
typedef struct {
    int32_t rows, columns, depth;
    int32_t each, next;
    const tl_elem *left, *right;
    const tl_elem *bias; /* of rows, or `by_column`; 0: none */
    tl_elem *y;
} product_whole;

/* This core's share, in pieces of rows; `turn` as in tl_share_from, `alike` as in TL_BLOCKS. */
static TL_INLINE void product_whole_run(
    const int alike, const int by_column, const product_whole *p, int32_t *turn)
{
    const int32_t size = (int32_t)sizeof(tl_elem);
    const int32_t down = (int32_t)((uint32_t)p->rows / PRODUCT_ROWS);
    const int32_t across = (int32_t)((uint32_t)p->columns / PRODUCT_COLUMNS);
    const int32_t beside = PRODUCT_COLUMNS * (alike ? p->each : 1);
    const tl_range own = tl_share_from(down * across, turn);
    int32_t row = tl_quotient(own.first, across);
    int32_t column = own.first - row * across;

    for (int32_t rest = own.last - own.first; rest > 0; row++) {
        const int32_t count = across - column < rest ? across - column : rest;
        const int32_t first = row * PRODUCT_ROWS;
        tl_elem start[PRODUCT_ROWS] = {0};

        if (p->bias && !by_column) {
            for (int i = 0; i < PRODUCT_ROWS; i++) {
                start[i] = p->bias[first + i];
            }
        }
        TL_BLOCKS(
            alike, by_column, count, p->depth,
            by_column ? p->bias + column * PRODUCT_COLUMNS : start, p->left + first * p->each,
            p->each * size, p->next * size, p->right + column * beside, beside * size,
            p->y + first * p->columns + column * PRODUCT_COLUMNS, p->columns * size);
        rest -= count;
        column = 0;
    }
}
