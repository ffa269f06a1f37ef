/* c(i, j) = bias(j) + sum over k of a(i, k) b(j, k), in register blocks: a core does a run of whole
   ones, and what is left is dealt out one by one. Each element is one sum in the order of k. */

enum { MM_ROWS = 4, MM_COLUMNS = 4 };

/* how an operand lies: neighbours in memory differ in k, or in i (j) */
enum { MM_ALONG_K, MM_ACROSS_K };

typedef struct {
    int32_t rows, columns, depth;
    int32_t a_step; /* from one row or step of a to the next, and of b where both lie along k */
    int32_t accumulate;
    tl_acc scale, decay; /* of the sum, and of what is there */
    int32_t plain;       /* c is the sum alone */
} matmul;

/* Columns from `column` to `last`, `step` apart, while whole blocks are left; returns the one behind. */
typedef int32_t mm_function(
    const matmul *m, int32_t column, int32_t last, int32_t step, tl_elem *c, const tl_elem *a,
    const tl_elem *b, const tl_elem *bias);

/* All blocks of MM_ROWS x MM_COLUMNS, with sums alone, for TL_BLOCKS; `turn` as in tl_share_from. */
typedef void mm_whole_function(
    const matmul *m, int32_t *turn, tl_elem *c, const tl_elem *a, const tl_elem *b,
    const tl_elem *bias);

/* What does the blocks of one way for the operands to lie, each a function of its own: there the
   compiler keeps all sums in registers. MM_ROWS x MM_COLUMNS, 1 x MM_COLUMNS, 1 x 1. */
typedef struct {
    int32_t a_row; /* from one row to the next */
    mm_whole_function *whole;
    mm_function *full, *row, *single;
} mm_blocks;

/* A factor of a block of `count` rows or columns. */
static TL_INLINE factor mm_factor(
    const int count, const int lies, const tl_elem *first, int32_t step)
{
    return lies == MM_ALONG_K ? factor_of(first, step, 1, count) : factor_of(first, 1, step, count);
}

static TL_INLINE void mm_block(
    const int rows, const int columns, const int a_lies, const int b_lies, const matmul *m,
    tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    const int apart = b_lies == MM_ACROSS_K;
    factor left = mm_factor(rows, a_lies, a, m->a_step);
    factor right = mm_factor(columns, b_lies, b, m->a_step);
    tl_acc sum[PRODUCT_ROWS][PRODUCT_COLUMNS];
    tl_acc in[PRODUCT_COLUMNS];
    tl_acc weight;

    if (apart) {
        right.back = m->columns * (int32_t)sizeof(tl_elem);
    }
    for (int j = 0; j < columns; j++) {
        const tl_acc start = bias ? TL_LOAD(bias[j]) : 0;

        for (int i = 0; i < rows; i++) {
            sum[i][j] = start;
        }
    }
    weight = product_begin(rows, columns, apart, 1, sum, in, &left, &right, m->depth);
    product_step(rows, columns, apart, 0, sum, in, weight, &left, &right);
    if (m->plain) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                c[j] = TL_STORE(sum[i][j]);
            }
            c += m->columns;
            TL_KEEP(c);
        }
        return;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(c + j, sum[i][j], m->accumulate, m->scale, m->decay);
        }
        c += m->columns;
        TL_KEEP(c);
    }
}

static TL_INLINE void mm_whole(
    const int a_lies, const int b_lies, const matmul *m, int32_t *turn, tl_elem *c,
    const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    const int alike = b_lies == MM_ALONG_K;
    const product_whole all = {
        .rows = m->rows & -MM_ROWS, .columns = m->columns, .depth = m->depth,
        .each = a_lies == MM_ALONG_K ? m->a_step : 1,
        .next = a_lies == MM_ALONG_K ? 1 : m->a_step, .left = a, .right = b, .bias = bias, .y = c,
    };

    if (alike && bias) {
        product_whole_run(alike, alike, &all, turn);
    } else {
        product_whole_run(alike, 0, &all, turn);
    }
}

static TL_INLINE int32_t mm_strip(
    const int rows, const int columns, const int a_lies, const int b_lies, const matmul *m,
    int32_t column, int32_t last, int32_t step, tl_elem *c, const tl_elem *a, const tl_elem *b,
    const tl_elem *bias)
{
    const int32_t b_column = b_lies == MM_ALONG_K ? m->a_step : 1;

    for (; column + columns <= last; column += step) {
        mm_block(
            rows, columns, a_lies, b_lies, m, c + column, a, b + column * b_column,
            bias ? bias + column : 0);
    }
    return column;
}

/* What is left of a strip with `rows` rows: blocks of one row each, and single columns. */
static TL_NOINLINE int32_t mm_border(
    const matmul *m, const mm_blocks *blocks, int32_t rows, int32_t column, int32_t width,
    int32_t step, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    int32_t next = column;

    for (int32_t i = 0; i < rows; i++) {
        next = (width == 1 ? blocks->single : blocks->row)(
            m, column, m->columns, step, c, a, b, bias);
        if (next < m->columns) {
            blocks->single(m, next, m->columns, 1, c, a, b, bias);
            next += step;
        }
        c += m->columns;
        a += blocks->a_row;
    }
    return next;
}

/* All blocks of MM_ROWS x MM_COLUMNS without TL_BLOCKS, or on top of what is there. */
static inline void mm_full(
    const matmul *m, const mm_blocks *blocks, int32_t *turn, tl_elem *c, const tl_elem *a,
    const tl_elem *b, const tl_elem *bias)
{
    const int32_t across = m->columns / MM_COLUMNS;
    const tl_range own = tl_share_from(m->rows / MM_ROWS * across, turn);
    int32_t row = tl_quotient(own.first, across);
    int32_t column = own.first - row * across;

    for (int32_t left = own.last - own.first; left > 0; row++) {
        const int32_t count = tl_smaller(across - column, left);

        blocks->full(
            m, column * MM_COLUMNS, (column + count) * MM_COLUMNS, MM_COLUMNS,
            c + row * MM_ROWS * m->columns, a + row * MM_ROWS * blocks->a_row, b, bias);
        left -= count;
        column = 0;
    }
}

/* Whole blocks, then what is left of strips: one goes on with the core where the last one ended. */
static inline void matmul_run(
    const matmul *m, const mm_blocks *blocks, tl_elem *c, const tl_elem *a, const tl_elem *b,
    const tl_elem *bias)
{
    const int32_t row_blocks = (m->rows + MM_ROWS - 1) / MM_ROWS;
    const int32_t cores = tl_num_cores();
    /* narrow where not every core would get a block */
    const int32_t width = row_blocks * m->columns < cores * MM_COLUMNS ? 1 : MM_COLUMNS;
    const int32_t behind = (m->columns + width - 1) & -width;
    const int32_t whole = width > 1 ? m->columns & -MM_COLUMNS : 0;
    const int32_t done = whole == m->columns ? m->rows & -MM_ROWS : 0;
    int32_t turn = 0, column;

    if (whole > 0) {
        if (m->plain && TL_BLOCKS_TAKE(m->depth)) {
            blocks->whole(m, &turn, c, a, b, bias);
        } else {
            mm_full(m, blocks, &turn, c, a, b, bias);
        }
    }
    column = tl_core_id() - turn;
    column = (column < 0 ? column + cores : column) * width;
    c += done * m->columns;
    a += done * blocks->a_row;
    for (int32_t left = m->rows - done; left > 0; left -= MM_ROWS) {
        const int32_t rows = tl_smaller(left, MM_ROWS);
        int32_t next = column + (rows == MM_ROWS ? whole : 0);

        if (next < m->columns) {
            next = mm_border(m, blocks, rows, next, width, cores * width, c, a, b, bias);
        }
        column = next - behind;
        c += MM_ROWS * m->columns;
        a += MM_ROWS * blocks->a_row;
    }
}

/* The functions of a way to lie. */
#define MM_FUNCTION(name, rows, columns, a_lies, b_lies)                                           \
    static TL_NOINLINE int32_t name(                                                               \
        const matmul *m, int32_t column, int32_t last, int32_t step, tl_elem *c,                   \
        const tl_elem *a, const tl_elem *b, const tl_elem *bias)                                   \
    {                                                                                              \
        return mm_strip(rows, columns, a_lies, b_lies, m, column, last, step, c, a, b, bias);      \
    }
#define MM_BLOCKS(name, a_lies, b_lies)                                                            \
    static TL_NOINLINE void name##_whole(                                                          \
        const matmul *m, int32_t *turn, tl_elem *c, const tl_elem *a, const tl_elem *b,            \
        const tl_elem *bias)                                                                       \
    {                                                                                              \
        mm_whole(a_lies, b_lies, m, turn, c, a, b, bias);                                          \
    }                                                                                              \
    MM_FUNCTION(name##_full, MM_ROWS, MM_COLUMNS, a_lies, b_lies)                                  \
    MM_FUNCTION(name##_row, 1, MM_COLUMNS, a_lies, b_lies)                                         \
    MM_FUNCTION(name##_single, 1, 1, a_lies, b_lies)
