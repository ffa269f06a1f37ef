/* Depthwise 3 x 3 with windows next to each other, in strips of up to three columns from top to
   bottom: a row of the source adds to three rows of the result, whose sums wait in registers.
   Columns outside the source count as zero. */

enum { DW3 = 3 };
enum { STRIP = 3 }; /* columns: with more, sums and weights do not fit the registers */

typedef struct {
    const tl_elem *from;      /* the source's plane, at the column that the first tap of the first
                                 column sees */
    const tl_elem *w;         /* the first tap; from one to the next: */
    int32_t w_step;
    tl_elem *to;              /* the result's plane, at the first column */
    int32_t from_line, to_line;
    int32_t first, last;      /* rows to make */
    int32_t pad, extent;      /* rows above the source; its rows */
    int32_t begin;            /* the first row of the source that counts */
    int32_t above;            /* rows of the result that it comes too late for */
    int32_t early, rows;      /* rows of the source that complete none of ours, and others */
    int32_t behind;           /* the first row of the result that the source does not complete */
    uint32_t outside;         /* bit j: whether the source lacks column j of those that taps see */
    int32_t accumulate;
    tl_acc bias;
} dw3_strip;

/* Which of the source's `extent` rows make rows [first, last): mostly as for the strip before. */
static void strip_lines(dw3_strip *s, int32_t first, int32_t last, int32_t extent)
{
    const int32_t end = smallest_of(last - s->pad + DW3 - 1, extent);
    int32_t line; /* of the result: what the next row completes */

    s->first = first;
    s->last = last;
    s->extent = extent;
    s->begin = largest_of(first - s->pad, 0);
    line = s->begin + s->pad - (DW3 - 1);
    s->above = smallest_of(line, last) - first;
    s->rows = largest_of(end - s->begin, 0);
    s->behind = line + s->rows;
    s->early = largest_of(smallest_of(first - line, s->rows), 0);
    s->rows -= s->early;
}

static TL_INLINE void strip_store(
    const int cols, const int accumulate, tl_elem *to, const tl_acc sum[STRIP])
{
    for (int i = 0; i < cols; i++) {
        to[i] = TL_STORE(accumulate ? TL_LOAD(to[i]) + sum[i] : sum[i]);
    }
}

static TL_INLINE void strip_take(
    const uint32_t outside, const int j, const tl_elem *from, tl_acc *v)
{
    if (!(outside >> j & 1)) {
        v[j] = TL_LOAD(from[j]);
        TL_PIN(v[j]);
    }
}

/* A row of the source: sums move up, and the uppermost become complete. Its column j meets tap j - i
   of the strip's column i; the next one is loaded among the products, where cores that share an FPU
   take turns. `outside`: columns that the source does not have. */
static TL_INLINE void strip_row(
    const int cols, const uint32_t outside, const tl_elem *from, const tl_acc w[DW3][DW3],
    tl_acc bias, tl_acc sum[DW3][STRIP])
{
    tl_acc v[STRIP + 2];

    TL_UNROLL
    for (int r = 0; r < DW3; r++) {
        TL_UNROLL
        for (int i = 0; i < cols; i++) {
            sum[r][i] = r + 1 < DW3 ? sum[r + 1][i] : bias;
        }
    }
    strip_take(outside, 0, from, v);
    TL_UNROLL
    for (int j = 0; j < cols + 2; j++) {
        if (outside >> j & 1) {
            if (j + 1 < cols + 2) {
                strip_take(outside, j + 1, from, v);
            }
            continue;
        }
        TL_UNROLL
        for (int r = 0; r < DW3; r++) {
            TL_UNROLL
            for (int i = 0; i < cols; i++) {
                if (j >= i && j - i < DW3) {
                    sum[r][i] += v[j] * w[DW3 - 1 - r][j - i];
                    TL_PIN(sum[r][i]);
                    if (r == 0 && j + 1 < cols + 2 && i == (j < cols ? j : cols - 1)) {
                        strip_take(outside, j + 1, from, v);
                    }
                }
            }
        }
    }
}

/* `rows` rows of the source */
static TL_INLINE const tl_elem *strip_rows(
    const int cols, const int accumulate, const uint32_t outside, const dw3_strip *s, int32_t rows,
    const tl_elem *from, tl_elem *to, int32_t to_line, const tl_acc w[DW3][DW3],
    tl_acc sum[DW3][STRIP])
{
    const int32_t from_line = s->from_line;
    const tl_acc bias = accumulate ? 0 : s->bias;
    const tl_elem *const end = from + rows * from_line;

    while (from != end) {
        strip_row(cols, outside, from, w, bias, sum);
        /* early rows may leave anything: the next one is there in time */
        if (!accumulate || to_line) {
            strip_store(cols, accumulate, to, sum[0]);
        }
        from += from_line;
        to += to_line;
    }
    return from;
}

static TL_INLINE const tl_elem *strip_rows_of(
    const int cols, const int accumulate, const dw3_strip *s, int32_t rows, const tl_elem *from,
    tl_elem *to, int32_t to_line, const tl_acc w[DW3][DW3], tl_acc sum[DW3][STRIP])
{
    const uint32_t left = 1, right = 1u << (cols + 1), outside = s->outside;

#define STRIP_ROWS(outside)                                                                        \
    strip_rows(cols, accumulate, outside, s, rows, from, to, to_line, w, sum)
    if (outside == 0) {
        return STRIP_ROWS(0);
    }
    if (outside == left) {
        return STRIP_ROWS(left);
    }
    if (outside == right) {
        return STRIP_ROWS(right);
    }
    if (outside == (left | right)) {
        return STRIP_ROWS(left | right);
    }
    /* one column alone */
    if (cols == 1 && outside == (left | 2)) {
        return STRIP_ROWS(left | 2);
    }
    if (cols == 1 && outside == (right | 2)) {
        return STRIP_ROWS(right | 2);
    }
#undef STRIP_ROWS
    return from + rows * s->from_line;
}

static TL_INLINE void strip_make(const int cols, const int accumulate, const dw3_strip *s)
{
    const int32_t rows = s->rows, to_line = s->to_line;
    const int32_t w_bytes = s->w_step * (int32_t)sizeof(tl_elem);
    const tl_acc bias = accumulate ? 0 : s->bias;
    const tl_elem *from = s->from + s->begin * s->from_line;
    const tl_elem *weight = s->w;
    tl_elem *to = s->to + s->first * to_line;
    tl_acc w[DW3][DW3], sum[DW3][STRIP];

    for (int t = 0; t < DW3 * DW3; t++) {
        w[t / DW3][t % DW3] = TL_LOAD_STEP(&weight, w_bytes);
    }
    for (int i = 0; i < DW3 * STRIP; i++) {
        sum[i / STRIP][i % STRIP] = bias;
    }
    for (int32_t i = s->above; i > 0; i--, to += to_line) {
        strip_store(cols, accumulate, to, sum[0]);
    }
    for (int part = s->early > 0 ? 0 : 1; part < 2; part++) {
        const int32_t count = part ? rows : s->early;
        int32_t step = part ? to_line : 0;

        TL_KEEP(step);
        from = strip_rows_of(cols, accumulate, s, count, from, to, step, w, sum);
    }
    to += rows * to_line;
    for (int32_t line = s->behind; line < s->last; line++) {
        for (int i = 0; i < cols; i++) {
            sum[0][i] = sum[1][i];
            sum[1][i] = sum[2][i];
            sum[2][i] = bias;
        }
        if (line >= s->first) {
            strip_store(cols, accumulate, to, sum[0]);
            to += to_line;
        }
    }
}

/* Functions with the registers for themselves. */
#define STRIP_FUNCTION(cols)                                                                       \
    static TL_NOINLINE void strip_of_##cols(const dw3_strip *s)                                    \
    {                                                                                              \
        strip_make(cols, 0, s);                                                                    \
    }                                                                                              \
    static TL_NOINLINE void strip_adding_##cols(const dw3_strip *s)                                \
    {                                                                                              \
        strip_make(cols, 1, s);                                                                    \
    }

STRIP_FUNCTION(1)
STRIP_FUNCTION(2)
STRIP_FUNCTION(3)

/* No table of functions: it would lie far from the cores. */
static TL_INLINE void strip_run(int32_t width, int32_t accumulate, const dw3_strip *s)
{
    if (accumulate) {
        (width == 3 ? strip_adding_3 : width == 2 ? strip_adding_2 : strip_adding_1)(s);
    } else if (width == 3) {
        strip_of_3(s);
    } else if (width == 2) {
        strip_of_2(s);
    } else {
        strip_of_1(s);
    }
}
