/* c(i, j) = bias(j) + sum over k of a(i, k) b(j, k), in register blocks that are dealt out to the
   cores one by one. Each element is one sum in the order of k. */

enum { MM_ROWS = 4, MM_COLUMNS_MAX = 4 };

/* how an operand lies: neighbours in memory differ in k, or in i (j) */
enum { MM_ALONG_K, MM_ACROSS_K };

typedef struct {
    int32_t rows, columns, depth;
    int32_t a_step, b_step; /* along the axis that is not contiguous, in elements */
    int32_t accumulate;
    tl_acc scale, decay; /* of the sum, and of what is there */
} matmul;

static inline int32_t smaller_of(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

typedef void mm_block_function(
    const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias);

/* The blocks of one way for the operands to lie, each a function of its own: there the compiler
   keeps all sums in registers. MM_ROWS x width, 1 x width, 1 x 1. */
typedef struct {
    int32_t a_row, b_column; /* from one row (column) to the next */
    int32_t width;
    mm_block_function *full, *row, *single;
} mm_blocks;

/* An operand's way along k: a pointer for each row of the block, or one for all. */
typedef struct {
    const tl_elem *at[MM_COLUMNS_MAX];
} mm_walk;

static TL_INLINE mm_walk mm_start(
    const int count, const int lies, const tl_elem *first, int32_t step)
{
    mm_walk walk = {{first}};

    for (int i = 0; i < (lies == MM_ALONG_K ? count : 0); i++) {
        walk.at[i] = first + i * step;
        TL_KEEP(walk.at[i]);
    }
    return walk;
}

static TL_INLINE tl_acc mm_load(const int lies, const mm_walk *walk, int i, int k)
{
    return TL_LOAD(lies == MM_ALONG_K ? walk->at[i][k] : walk->at[0][i]);
}

static TL_INLINE void mm_advance(const int count, const int lies, mm_walk *walk, int32_t by)
{
    for (int i = 0; i < (lies == MM_ALONG_K ? count : 1); i++) {
        walk->at[i] += by;
    }
}

/* `steps` of k; what is const int is a constant where this is inlined */
static TL_INLINE void mm_steps(
    const int steps, const int rows, const int columns, const int a_lies, const int b_lies,
    const matmul *m, tl_acc sum[MM_ROWS][MM_COLUMNS_MAX], mm_walk *a, mm_walk *b)
{
    for (int k = 0; k < steps; k++) {
        tl_acc left[MM_ROWS], right[MM_COLUMNS_MAX];

        for (int i = 0; i < rows; i++) {
            left[i] = mm_load(a_lies, a, i, k);
        }
        for (int j = 0; j < columns; j++) {
            right[j] = mm_load(b_lies, b, j, k);
        }
        if (rows == 4 && columns == 4) {
            TL_TOGETHER_4(left);
            TL_TOGETHER_4(right);
        }
        if (a_lies == MM_ACROSS_K) {
            mm_advance(rows, a_lies, a, m->a_step);
        }
        if (b_lies == MM_ACROSS_K) {
            mm_advance(columns, b_lies, b, m->b_step);
        }
        for (int j = 0; j < columns; j++) {
            for (int i = 0; i < rows; i++) {
                sum[i][j] += left[i] * right[j];
            }
        }
    }
    if (a_lies == MM_ALONG_K) {
        mm_advance(rows, a_lies, a, steps);
    }
    if (b_lies == MM_ALONG_K) {
        mm_advance(columns, b_lies, b, steps);
    }
}

static TL_INLINE void mm_block(
    const int rows, const int columns, const int a_lies, const int b_lies, const matmul *m,
    tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    const int steps = a_lies == MM_ACROSS_K ? 1 : 4;
    mm_walk left = mm_start(rows, a_lies, a, m->a_step);
    mm_walk right = mm_start(columns, b_lies, b, m->b_step);
    tl_acc sum[MM_ROWS][MM_COLUMNS_MAX];
    int32_t depth = m->depth;

    for (int j = 0; j < columns; j++) {
        const tl_acc start = bias ? TL_LOAD(bias[j]) : 0;

        for (int i = 0; i < rows; i++) {
            sum[i][j] = start;
        }
    }
    for (; depth >= steps; depth -= steps) {
        mm_steps(steps, rows, columns, a_lies, b_lies, m, sum, &left, &right);
    }
    for (; depth > 0; depth--) {
        mm_steps(1, rows, columns, a_lies, b_lies, m, sum, &left, &right);
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            gradient_store(c + j, sum[i][j], m->accumulate, m->scale, m->decay);
        }
        c += m->columns;
    }
}

/* one block of up to MM_ROWS x width, at a border in smaller ones */
static inline void mm_any_block(
    const matmul *m, const mm_blocks *blocks, int32_t rows, int32_t columns, tl_elem *c,
    const tl_elem *a, const tl_elem *b, const tl_elem *bias)
{
    if (rows == MM_ROWS && columns == blocks->width) {
        blocks->full(m, c, a, b, bias);
        return;
    }
    for (int32_t i = 0; i < rows; i++) {
        if (columns == blocks->width) {
            blocks->row(m, c, a, b, bias);
        }
        for (int32_t j = 0; columns < blocks->width && j < columns; j++) {
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
    const int32_t width = row_blocks * m->columns < cores * blocks->width ? 1 : blocks->width;
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
#define MM_BLOCKS(name, width, a_lies, b_lies)                                                     \
    static TL_NOINLINE void name##_full(                                                           \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(MM_ROWS, width, a_lies, b_lies, m, c, a, b, bias);                                \
    }                                                                                              \
    static TL_NOINLINE void name##_row(                                                            \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(1, width, a_lies, b_lies, m, c, a, b, bias);                                      \
    }                                                                                              \
    static TL_NOINLINE void name##_single(                                                         \
        const matmul *m, tl_elem *c, const tl_elem *a, const tl_elem *b, const tl_elem *bias)      \
    {                                                                                              \
        mm_block(1, 1, a_lies, b_lies, m, c, a, b, bias);                                          \
    }
