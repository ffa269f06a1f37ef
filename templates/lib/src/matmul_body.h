/* c(i, j) = start(i, j) + sum over k of a(i, k) b(j, k), each operand with its own strides, in
   register blocks of up to 4 x 4. Blocks are dealt out to the cores. */

typedef struct {
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t a_row, a_depth; /* strides in elements */
    int32_t b_column, b_depth;
    int32_t accumulate;
    float scale; /* as in tl_linear */
    float decay;
} matmul;

/* `rows` and `columns` are constants where this is inlined: the sums stay in registers. */
static inline void matmul_block(
    const int rows, const int columns, const matmul *m, tl_elem *c, const tl_elem *a,
    const tl_elem *b, const tl_elem *bias)
{
    tl_acc sum[4][4];

    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            sum[i][j] = bias ? TL_LOAD(bias[j]) : 0;
        }
    }
    for (int32_t k = 0; k < m->depth; k++) {
        tl_acc left[4];

        for (int i = 0; i < rows; i++) {
            left[i] = TL_LOAD(a[i * m->a_row]);
        }
        for (int j = 0; j < columns; j++) {
            const tl_acc right = TL_LOAD(b[j * m->b_column]);

            for (int i = 0; i < rows; i++) {
                sum[i][j] += left[i] * right;
            }
        }
        a += m->a_depth;
        b += m->b_depth;
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(
                c + i * m->columns + j, sum[i][j], m->accumulate, m->scale, m->decay);
        }
    }
}

/* One block of full height or one row, at most `width` columns wide. */
static inline void matmul_columns(
    const int rows, const matmul *m, int32_t row, int32_t column, int32_t width, tl_elem *c,
    const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    c += row * m->columns + column;
    a += row * m->a_row;
    b += column * m->b_column;
    bias = bias ? bias + column : 0;
    switch (m->columns - column < width ? m->columns - column : width) {
    case 4:
        matmul_block(rows, 4, m, c, a, b, bias);
        break;
    case 3:
        matmul_block(rows, 3, m, c, a, b, bias);
        break;
    case 2:
        matmul_block(rows, 2, m, c, a, b, bias);
        break;
    default:
        matmul_block(rows, 1, m, c, a, b, bias);
        break;
    }
}

/* Widest blocks that still give every core some; narrow ones load more but leave nobody idle. */
static inline int32_t matmul_width(const matmul *m, int32_t row_blocks)
{
    int32_t width = 4;

    while (width > 1 && row_blocks * ((m->columns + width - 1) / width) < tl_num_cores()) {
        width /= 2;
    }
    return width;
}

static inline void matmul_run(
    const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    const int32_t row_blocks = (m->rows + 3) / 4;
    const int32_t width = matmul_width(m, row_blocks);
    const int32_t column_blocks = (m->columns + width - 1) / width;
    const tl_range own = tl_share(row_blocks * column_blocks);

    for (int32_t block = own.first; block < own.last; block++) {
        const int32_t row = block / column_blocks * 4;
        const int32_t column = block % column_blocks * width;

        if (row + 4 <= m->rows) {
            matmul_columns(4, m, row, column, width, c, a, b, bias);
        } else {
            for (int32_t i = row; i < m->rows; i++) {
                matmul_columns(1, m, i, column, width, c, a, b, bias);
            }
        }
    }
}
