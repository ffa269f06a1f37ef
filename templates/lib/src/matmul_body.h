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

typedef void mm_block_function(
    const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias);

/* The blocks of one way for the operands to lie, each a function of its own: there the compiler
   keeps all sums in registers. MM_ROWS x MM_COLUMNS, 1 x MM_COLUMNS, 1 x 1. */
typedef struct {
    int32_t a_row, b_column; /* from one row (column) to the next */
    mm_block_function *full, *row, *single;
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

/* one block of up to MM_ROWS x MM_COLUMNS, at a border in smaller ones */
static inline void mm_any_block(
    const matmul *m, const mm_blocks *blocks, int32_t rows, int32_t columns, tl_elem *c,
    const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    if (rows == MM_ROWS && columns == MM_COLUMNS) {
        blocks->full(m, c, a, b, bias);
        return;
    }
    for (int32_t i = 0; i < rows; i++) {
        if (columns == MM_COLUMNS) {
            blocks->row(m, c, a, b, bias);
        }
        for (int32_t j = 0; columns < MM_COLUMNS && j < columns; j++) {
            blocks->single(m, c + j, a, b + j * blocks->b_column, bias ? bias + j : 0);
        }
        c += m->columns;
        a += blocks->a_row;
    }
}

static inline void matmul_run(
    const matmul *m, const mm_blocks *blocks, tl_elem *c, const tl_elem *a, const tl_elem *b,
    const tl_elem *bias)
{
    const int32_t row_blocks = (m->rows + MM_ROWS - 1) / MM_ROWS;
    const int32_t cores = tl_num_cores();
    /* narrow where not every core would get a block */
    const int32_t width = row_blocks * m->columns < cores * MM_COLUMNS ? 1 : MM_COLUMNS;
    int32_t column = tl_core_id() * width;
    int32_t row = 0;

    for (;; column += cores * width) {
        while (column >= m->columns) {
            /* the next strip starts with a whole block */
            column -= (m->columns + width - 1) / width * width;
            row += MM_ROWS;
        }
        if (row >= m->rows) {
            break;
        }
        mm_any_block(
            m, blocks, smaller_of(m->rows - row, MM_ROWS), smaller_of(m->columns - column, width),
            c + row * m->columns + column, a + row * blocks->a_row, b + column * blocks->b_column,
            bias ? bias + column : 0);
    }
}

/* The three functions of a way to lie. */
#define MM_BLOCKS(name, a_lies, b_lies)                                                            \
    static TL_NOINLINE void name##_full(                                                           \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(MM_ROWS, MM_COLUMNS, a_lies, b_lies, m, c, a, b, bias);                           \
    }                                                                                              \
    static TL_NOINLINE void name##_row(                                                            \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(1, MM_COLUMNS, a_lies, b_lies, m, c, a, b, bias);                                 \
    }                                                                                              \
    static TL_NOINLINE void name##_single(                                                         \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(1, 1, a_lies, b_lies, m, c, a, b, bias);                                          \
    }
