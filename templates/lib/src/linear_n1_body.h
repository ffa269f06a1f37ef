/* One row of x: nothing is used twice but x or dy. Forward, a core streams rows of w; backward, it
   owns columns, and their x or dx stay in registers while the rows pass by. */

enum { N1_ROWS = 4, N1_STEPS = 4, N1_COLUMNS = 16, N1_NARROW = 4 };

/* Sizes named `rows` and `columns` are constants where these are inlined. */

/* N1_STEPS columns from `k` on, a load or two before each product: see TL_PIN */
static TL_INLINE void n1_fw_steps(
    const int rows, const int k, tl_acc sum[N1_ROWS], const tl_elem *x,
    const tl_elem *const from[N1_ROWS])
{
    tl_acc in = TL_LOAD(x[k]), weight = TL_LOAD(from[0][k]);

    for (int j = k; j < k + N1_STEPS; j++) {
        const int last = j + 1 == k + N1_STEPS;
        tl_acc next_in = in;

        for (int i = 0; i < rows; i++) {
            tl_acc next = weight;

            if (i + 1 < rows || !last) {
                next = TL_LOAD(i + 1 < rows ? from[i + 1][j] : from[0][j + 1]);
                TL_PIN(next);
            }
            if (i + 1 == rows && !last) {
                next_in = TL_LOAD(x[j + 1]);
                TL_PIN(next_in);
            }
            sum[i] += in * weight;
            TL_PIN(sum[i]);
            weight = next;
        }
        in = next_in;
    }
}

static TL_INLINE void n1_fw_rows(
    const int rows, int32_t depth, int32_t accumulate, tl_elem *y, const tl_elem *x,
    const tl_elem *w, const tl_elem *b)
{
    const tl_elem *from[N1_ROWS];
    const tl_elem *const end = x + depth;
    const tl_elem *const whole = end - depth % (2 * N1_STEPS);
    tl_acc sum[N1_ROWS];

    for (int i = 0; i < rows; i++) {
        from[i] = w + i * depth;
        TL_KEEP(from[i]);
        sum[i] = b ? TL_LOAD(b[i]) : 0;
    }
    while (x < whole) {
        n1_fw_steps(rows, 0, sum, x, from);
        n1_fw_steps(rows, N1_STEPS, sum, x, from);
        for (int i = 0; i < rows; i++) {
            from[i] += 2 * N1_STEPS;
        }
        x += 2 * N1_STEPS;
    }
    for (; x < end; x++) {
        for (int i = 0; i < rows; i++) {
            sum[i] += TL_LOAD(*x) * TL_LOAD(*from[i]);
            from[i]++;
        }
    }
    for (int i = 0; i < rows; i++) {
        y[i] = TL_STORE(accumulate ? TL_LOAD(y[i]) + sum[i] : sum[i]);
    }
}

void TL_NAME(linear_n1_fw)(
    const tl_linear *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const int32_t depth = op->ci;
    const int32_t accumulate = op->accumulate;
    const tl_range own = tl_share(op->co);
    int32_t row = own.first;

    for (; row + N1_ROWS <= own.last; row += N1_ROWS) {
        n1_fw_rows(N1_ROWS, depth, accumulate, y + row, x, w + row * depth, b ? b + row : 0);
    }
    if (row + 2 <= own.last) {
        n1_fw_rows(2, depth, accumulate, y + row, x, w + row * depth, b ? b + row : 0);
        row += 2;
    }
    if (row < own.last) {
        n1_fw_rows(1, depth, accumulate, y + row, x, w + row * depth, b ? b + row : 0);
    }
}

typedef struct {
    int32_t rows;
    int32_t stride;
    tl_acc scale, decay; /* wg: of the sum, and of what is there */
} n1_columns;

static TL_INLINE void n1_ig_columns(
    const int columns, const n1_columns *op, int32_t accumulate, tl_elem *dx, const tl_elem *dy,
    const tl_elem *w)
{
    const tl_elem *const end = dy + op->rows;
    const int32_t stride = op->stride;
    tl_acc sum[N1_COLUMNS];

    for (int i = 0; i < columns; i++) {
        sum[i] = 0;
    }
    for (; dy < end; dy++) {
        const tl_acc out = TL_LOAD(*dy);

        for (int i = 0; i < columns; i++) {
            sum[i] += out * TL_LOAD(w[i]);
        }
        w += stride;
    }
    for (int i = 0; i < columns; i++) {
        dx[i] = TL_STORE(accumulate ? TL_LOAD(dx[i]) + sum[i] : sum[i]);
    }
}

/* this core's columns: in fours where there are enough of them */
static TL_INLINE tl_range n1_own_columns(int32_t columns)
{
    return tl_share_blocks(columns, columns < N1_NARROW * tl_num_cores() ? 1 : N1_NARROW);
}

void TL_NAME(linear_n1_ig)(const tl_linear *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const n1_columns all = {.rows = op->co, .stride = op->ci};
    const int32_t accumulate = op->accumulate;
    const tl_range own = n1_own_columns(all.stride);
    int32_t column = own.first;

    for (; column + N1_COLUMNS <= own.last; column += N1_COLUMNS) {
        n1_ig_columns(N1_COLUMNS, &all, accumulate, dx + column, dy, w + column);
    }
    for (; column + N1_NARROW <= own.last; column += N1_NARROW) {
        n1_ig_columns(N1_NARROW, &all, accumulate, dx + column, dy, w + column);
    }
    for (; column < own.last; column++) {
        n1_ig_columns(1, &all, accumulate, dx + column, dy, w + column);
    }
}

/* how a weight gradient ends */
enum { N1_WRITES, N1_ADDS, N1_DECAYS };

static TL_INLINE void n1_wg_columns(
    const int columns, const int ending, const n1_columns *op, tl_elem *dw, const tl_elem *x,
    const tl_elem *dy)
{
    const tl_elem *const end = dy + op->rows;
    const int32_t stride = op->stride;
    const tl_acc scale = op->scale, decay = op->decay;
    tl_acc in[N1_COLUMNS];

    for (int i = 0; i < columns; i++) {
        in[i] = TL_LOAD(x[i]);
    }
    for (; dy < end; dy++) {
        const tl_acc factor = scale * TL_LOAD(*dy);

        for (int i = 0; i < columns; i++) {
            const tl_acc old = ending == N1_WRITES ? 0 : TL_LOAD(dw[i]);
            const tl_acc kept = ending == N1_DECAYS ? decay * old : old;

            dw[i] = TL_STORE(ending == N1_WRITES ? factor * in[i] : kept + factor * in[i]);
        }
        dw += stride;
    }
}

static TL_INLINE void n1_wg_range(
    const int ending, const n1_columns *op, tl_range own, tl_elem *dw, const tl_elem *x,
    const tl_elem *dy)
{
    int32_t column = own.first;

    for (; column + N1_COLUMNS <= own.last; column += N1_COLUMNS) {
        n1_wg_columns(N1_COLUMNS, ending, op, dw + column, x + column, dy);
    }
    for (; column + N1_NARROW <= own.last; column += N1_NARROW) {
        n1_wg_columns(N1_NARROW, ending, op, dw + column, x + column, dy);
    }
    for (; column < own.last; column++) {
        n1_wg_columns(1, ending, op, dw + column, x + column, dy);
    }
}

void TL_NAME(linear_n1_wg)(
    const tl_linear *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const n1_columns all = {.rows = op->co, .stride = op->ci,
                            .scale = op->scale, .decay = op->decay};
    const int32_t accumulate = op->accumulate;
    const tl_range own = n1_own_columns(all.stride);

    if (!accumulate) {
        n1_wg_range(N1_WRITES, &all, own, dw, x, dy);
    } else if (all.decay == 1) {
        n1_wg_range(N1_ADDS, &all, own, dw, x, dy);
    } else {
        n1_wg_range(N1_DECAYS, &all, own, dw, x, dy);
    }
    if (db) {
        const tl_range rows = tl_share(all.rows);

        for (int32_t i = rows.first; i < rows.last; i++) {
            gradient_store(db + i, TL_LOAD(dy[i]), accumulate, all.scale, op->bias_decay);
        }
    }
}
