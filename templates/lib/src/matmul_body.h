/* c(i, j) = bias(j) + sum over k of a(i, k) b(j, k), in register blocks that are dealt out to the
   cores one by one. Each element is one sum in the order of k. */

enum { MM_ROWS = 4, MM_COLUMNS = 4 };

/* how an operand lies: neighbours in memory differ in k, or in i (j) */
enum { MM_ALONG_K, MM_ACROSS_K };

typedef struct {
    int32_t rows, columns, depth;
    int32_t a_step, b_step; /* along the axis that is not contiguous, in elements */
    int32_t accumulate;
    tl_acc scale, decay; /* of the sum, and of what is there */
    int32_t plain;       /* c is the sum alone */
} matmul;

static inline int32_t smaller_of(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Columns from `column` to `last`, `step` apart, while whole blocks are left; returns the one behind. */
typedef int32_t mm_function(
    const matmul *m, int32_t column, int32_t last, int32_t step, tl_elem *c, const tl_elem *a,
    const tl_elem *b, const tl_elem *bias);

/* What does the blocks of one way for the operands to lie, each a function of its own: there the
   compiler keeps all sums in registers. MM_ROWS x MM_COLUMNS, 1 x MM_COLUMNS, 1 x 1. */
typedef struct {
    int32_t a_row; /* from one row to the next */
    mm_function *full, *row, *single;
} mm_blocks;

/* A factor of a block of `count` rows or columns. */
static TL_INLINE factor mm_factor(
    const int count, const int lies, const tl_elem *first, int32_t step)
{
    return lies == MM_ALONG_K ? factor_of(first, step, 1, count) : factor_of(first, 1, step, count);
}

/* Where both operands lie along k, a_step and b_step are the same. */
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
        right.back = m->b_step * (int32_t)sizeof(tl_elem);
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

/* All blocks side by side: 1, or 0 where that has not been done. */
static TL_INLINE int mm_side_by_side(
    const int a_lies, const int b_lies, const matmul *m, int32_t count, tl_elem *c,
    const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    const int alike = b_lies == MM_ALONG_K;
    const int32_t size = (int32_t)sizeof(tl_elem), plane = m->columns * size;
    const int32_t next = (alike ? MM_COLUMNS * m->a_step : MM_COLUMNS) * size;
    const factor left = mm_factor(MM_ROWS, a_lies, a, m->a_step);
    const tl_elem start[MM_ROWS] = {0};

    if (!m->plain) {
        return 0;
    }
    if (alike && bias) {
        return TL_BLOCKS(
            alike, alike, count, m->depth, bias, left.at, left.each, left.back, b, next, c, plane);
    }
    return !bias && TL_BLOCKS(
        alike, 0, count, m->depth, start, left.at, left.each, left.back, b, next, c, plane);
}

static TL_INLINE int32_t mm_strip(
    const int rows, const int columns, const int a_lies, const int b_lies, const matmul *m,
    int32_t column, int32_t last, int32_t step, tl_elem *c, const tl_elem *a, const tl_elem *b,
    const tl_elem *bias)
{
    const int32_t b_column = b_lies == MM_ALONG_K ? m->a_step : 1;

    if (rows == MM_ROWS && columns == MM_COLUMNS &&
        mm_side_by_side(
            a_lies, b_lies, m, (last - column) / MM_COLUMNS, c + column, a, b + column * b_column,
            bias ? bias + column : 0)) {
        return last;
    }
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

/* The blocks of MM_ROWS x MM_COLUMNS, in pieces of strips; `turn` as in tl_share_from. */
static inline void mm_whole(
    const matmul *m, const mm_blocks *blocks, int32_t *turn, tl_elem *c, const tl_elem *a,
    const tl_elem *b, const tl_elem *bias)
{
    const int32_t across = m->columns / MM_COLUMNS;
    const tl_range own = tl_share_from(m->rows / MM_ROWS * across, turn);
    int32_t row = own.first < own.last ? tl_quotient(own.first, across) : 0;
    int32_t column = own.first - row * across;

    for (int32_t left = own.last - own.first; left > 0; row++) {
        const int32_t count = smaller_of(across - column, left);

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

    if (width > 1) {
        mm_whole(m, blocks, &turn, c, a, b, bias);
    }
    column = tl_core_id() - turn;
    column = (column < 0 ? column + cores : column) * width;
    c += done * m->columns;
    a += done * blocks->a_row;
    for (int32_t left = m->rows - done; left > 0; left -= MM_ROWS) {
        const int32_t rows = smaller_of(left, MM_ROWS);
        int32_t next = column + (rows == MM_ROWS ? whole : 0);

        if (next < m->columns) {
            next = mm_border(m, blocks, rows, next, width, cores * width, c, a, b, bias);
        }
        column = next - behind;
        c += MM_ROWS * m->columns;
        a += MM_ROWS * blocks->a_row;
    }
}

/* The three functions of a way to lie. */
#define MM_FUNCTION(name, rows, columns, a_lies, b_lies)                                           \
    static TL_NOINLINE int32_t name(                                                               \
        const matmul *m, int32_t column, int32_t last, int32_t step, tl_elem *c,                   \
        const tl_elem *a, const tl_elem *b, const tl_elem *bias)                                   \
    {                                                                                              \
        return mm_strip(rows, columns, a_lies, b_lies, m, column, last, step, c, a, b, bias);      \
    }
#define MM_BLOCKS(name, a_lies, b_lies)                                                            \
    MM_FUNCTION(name##_full, MM_ROWS, MM_COLUMNS, a_lies, b_lies)                                  \
    MM_FUNCTION(name##_row, 1, MM_COLUMNS, a_lies, b_lies)                                         \
    MM_FUNCTION(name##_single, 1, 1, a_lies, b_lies)
