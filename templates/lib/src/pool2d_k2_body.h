/* Windows of 2 x 2, side by side from the first row and column on. A core owns rows of y; in dx, the
   two rows below each, and what no window reaches: a last column, a last row. */

typedef struct {
    int32_t wi, wo;
    int32_t rows, odd_row; /* of y in a plane; whether x has a row more */
    int32_t accumulate;
} k2_pool;

static TL_INLINE k2_pool k2_of(const tl_pool2d *op)
{
    return (k2_pool){.wi = op->wi, .wo = op->wo, .rows = op->ho, .odd_row = op->hi & 1,
                     .accumulate = op->accumulate};
}

/* Whether windows cover x. Then all of a core's rows are one run, and PULP's loops are tried over it at
   once, not again later. */
static TL_INLINE int k2_covers(const tl_pool2d *op)
{
    return ((op->hi | op->wi) & 1) == 0;
}

/* Rows of y whose windows lie below each other in x: up to the end of a plane, or all where planes
   follow each other without a row more. */
typedef struct {
    int32_t rows;
    int32_t start;   /* where they begin in x */
    int32_t is_last; /* the end of a plane */
} k2_run;

/* the run of this core's rows from `first` on */
static TL_INLINE k2_run k2_run_at(const k2_pool *p, tl_range own, int32_t first)
{
    const int32_t plane = p->odd_row ? first / p->rows : 0;
    const int32_t left = p->odd_row ? (plane + 1) * p->rows - first : own.last;
    k2_run run = {.rows = own.last - first, .start = (2 * first + plane * p->odd_row) * p->wi};

    run.is_last = run.rows >= left;
    run.rows = run.is_last ? left : run.rows;
    return run;
}

/* NaN is larger than a number, and the last one stays; of equal numbers the first one stays */
static TL_INLINE int k2_larger(tl_acc value, tl_acc best)
{
    return !(value <= best) && (best == best || value != value);
}

static TL_NOINLINE void k2_max_row(tl_elem *y, const tl_elem *x, int32_t wi, int32_t wo)
{
    const tl_elem *below = x + wi;
    const tl_elem *const end = y + wo;

    for (; y < end; y++) {
        tl_acc best = TL_LOAD(x[0]);
        const tl_acc others[] = {TL_LOAD(x[1]), TL_LOAD(below[0]), TL_LOAD(below[1])};

        for (int i = 0; i < 3; i++) {
            if (k2_larger(others[i], best)) {
                best = others[i];
            }
        }
        *y = TL_STORE(best);
        x += 2;
        below += 2;
    }
}

/* Forward, by a function of rows for PULP and one for a row. */
#define K2_FORWARD(name, rows_of, row_of)                                                          \
    static TL_NOINLINE void row_of##_runs(const tl_pool2d *op, tl_elem *y, const tl_elem *x)       \
    {                                                                                              \
        const k2_pool p = k2_of(op);                                                               \
        const tl_range own = tl_share(op->n * op->c * p.rows);                                     \
        k2_run run;                                                                                \
                                                                                                   \
        for (int32_t first = own.first; first < own.last; first += run.rows) {                     \
            run = k2_run_at(&p, own, first);                                                       \
            if (!k2_covers(op) &&                                                                  \
                TL_ROWS(rows_of)(run.rows, p.wo, y + first * p.wo, x + run.start, p.wi)) {         \
                continue;                                                                          \
            }                                                                                      \
            for (int32_t i = 0; i < run.rows; i++) {                                               \
                row_of(y + (first + i) * p.wo, x + run.start + 2 * i * p.wi, p.wi, p.wo);          \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    void TL_NAME(name)(const tl_pool2d *op, tl_elem *y, const tl_elem *x)                          \
    {                                                                                              \
        const tl_range own = tl_share(op->n * op->c * op->ho);                                     \
                                                                                                   \
        if (!k2_covers(op) ||                                                                      \
            !TL_ROWS(rows_of)(                                                                     \
                own.last - own.first, op->wo, y + own.first * op->wo, x + 2 * own.first * op->wi,  \
                op->wi)) {                                                                         \
            row_of##_runs(op, y, x);                                                               \
        }                                                                                          \
    }

K2_FORWARD(max_pool2d_k2_fw, max_pool, k2_max_row)

/* what no window reaches of the rows below a run: clear it */
static TL_INLINE void k2_clear_rest(const k2_pool *p, tl_elem *dx, const k2_run *run)
{
    if (p->accumulate) {
        return;
    }
    for (int32_t i = 1; (p->wi & 1) && i <= 2 * run->rows; i++) {
        dx[i * p->wi - 1] = TL_STORE(0);
    }
    for (int32_t i = 0; p->odd_row && run->is_last && i < p->wi; i++) {
        dx[2 * run->rows * p->wi + i] = TL_STORE(0);
    }
}

static TL_NOINLINE void k2_max_row_ig(
    tl_elem *dx, const tl_elem *dy, const tl_elem *x, const k2_pool *p)
{
    const int32_t wi = p->wi, accumulate = p->accumulate;
    const tl_elem *const end = dy + p->wo;

    for (; dy < end; dy++) {
        tl_acc best = TL_LOAD(x[0]);
        const tl_acc others[] = {TL_LOAD(x[1]), TL_LOAD(x[wi]), TL_LOAD(x[wi + 1])};
        const tl_acc part = TL_LOAD(*dy);
        tl_elem *const place[] = {dx + 1, dx + wi, dx + wi + 1};
        tl_elem *to = dx;

        for (int i = 0; i < 3; i++) {
            if (k2_larger(others[i], best)) {
                best = others[i];
                to = place[i];
            }
        }
        if (!accumulate) {
            dx[0] = TL_STORE(0);
            dx[1] = TL_STORE(0);
            dx[wi] = TL_STORE(0);
            dx[wi + 1] = TL_STORE(0);
        }
        *to = TL_STORE(accumulate ? TL_LOAD(*to) + part : part);
        x += 2;
        dx += 2;
    }
}

static TL_NOINLINE void k2_max_runs_ig(
    const tl_pool2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *x)
{
    const k2_pool p = k2_of(op);
    const tl_range own = tl_share(op->n * op->c * p.rows);
    k2_run run;

    for (int32_t first = own.first; first < own.last; first += run.rows) {
        run = k2_run_at(&p, own, first);
        if (p.accumulate || k2_covers(op)
            || !TL_ROWS(max_pool_back)(
                run.rows, p.wo, dx + run.start, dy + first * p.wo, x + run.start, p.wi)) {
            for (int32_t i = 0; i < run.rows; i++) {
                const int32_t start = run.start + 2 * i * p.wi;

                k2_max_row_ig(dx + start, dy + (first + i) * p.wo, x + start, &p);
            }
        }
        k2_clear_rest(&p, dx + run.start, &run);
    }
}

void TL_NAME(max_pool2d_k2_ig)(
    const tl_pool2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *x)
{
    const tl_range own = tl_share(op->n * op->c * op->ho);
    const int32_t start = 2 * own.first * op->wi;

    if (op->accumulate || !k2_covers(op)
        || !TL_ROWS(max_pool_back)(
            own.last - own.first, op->wo, dx + start, dy + own.first * op->wo, x + start,
            op->wi)) {
        k2_max_runs_ig(op, dx, dy, x);
    }
}

static TL_NOINLINE void k2_avg_row(tl_elem *y, const tl_elem *x, int32_t wi, int32_t wo)
{
    const tl_elem *below = x + wi;
    const tl_elem *const end = y + wo;

    for (; y + 2 <= end; y += 2) {
        for (int i = 0; i < 2; i++) {
            const tl_acc sum = TL_LOAD(x[2 * i]) + TL_LOAD(x[2 * i + 1]);

            y[i] = TL_STORE((sum + TL_LOAD(below[2 * i]) + TL_LOAD(below[2 * i + 1]))
                            * (tl_acc)0.25f);
        }
        x += 4;
        below += 4;
    }
    if (y < end) {
        const tl_acc sum = TL_LOAD(x[0]) + TL_LOAD(x[1]);

        *y = TL_STORE((sum + TL_LOAD(below[0]) + TL_LOAD(below[1])) * (tl_acc)0.25f);
    }
}

K2_FORWARD(avg_pool2d_k2_fw, avg_pool, k2_avg_row)
#undef K2_FORWARD

static TL_NOINLINE void k2_avg_row_ig(tl_elem *dx, const tl_elem *dy, const k2_pool *p)
{
    const tl_elem *const end = dy + p->wo;
    const int32_t accumulate = p->accumulate;
    tl_elem *below = dx + p->wi;

    for (; dy < end; dy++) {
        const tl_acc part = TL_LOAD(*dy) * (tl_acc)0.25f;

        if (accumulate) {
            dx[0] = TL_STORE(TL_LOAD(dx[0]) + part);
            dx[1] = TL_STORE(TL_LOAD(dx[1]) + part);
            below[0] = TL_STORE(TL_LOAD(below[0]) + part);
            below[1] = TL_STORE(TL_LOAD(below[1]) + part);
        } else {
            dx[0] = dx[1] = below[0] = below[1] = TL_STORE(part);
        }
        dx += 2;
        below += 2;
    }
}

static TL_NOINLINE void k2_avg_runs_ig(const tl_pool2d *op, tl_elem *dx, const tl_elem *dy)
{
    const k2_pool p = k2_of(op);
    const tl_range own = tl_share(op->n * op->c * p.rows);
    k2_run run;

    for (int32_t first = own.first; first < own.last; first += run.rows) {
        run = k2_run_at(&p, own, first);
        if (p.accumulate || k2_covers(op)
            || !TL_ROWS(avg_pool_back)(
                run.rows, p.wo, dx + run.start, dy + first * p.wo, p.wi)) {
            for (int32_t i = 0; i < run.rows; i++) {
                const int32_t start = run.start + 2 * i * p.wi;

                k2_avg_row_ig(dx + start, dy + (first + i) * p.wo, &p);
            }
        }
        k2_clear_rest(&p, dx + run.start, &run);
    }
}

void TL_NAME(avg_pool2d_k2_ig)(const tl_pool2d *op, tl_elem *dx, const tl_elem *dy)
{
    const tl_range own = tl_share(op->n * op->c * op->ho);

    if (op->accumulate || !k2_covers(op)
        || !TL_ROWS(avg_pool_back)(
            own.last - own.first, op->wo, dx + 2 * own.first * op->wi, dy + own.first * op->wo,
            op->wi)) {
        k2_avg_runs_ig(op, dx, dy);
    }
}
