/* Depthwise convolution with a 3 x 3 window of any stride. A core owns rows of y (fw) or dx (ig): each
   is a sum over up to three rows of the source, whose columns slide through registers. Columns outside
   the source count as zero. */

/* Rows to make, one below the other, from the same number of rows of the source. */
typedef struct {
    const tl_elem *from[DW3]; /* the source's rows for the first one */
    const tl_elem *w[DW3];    /* their weights: tap t at w_first + t * w_step */
    int w_first, w_step;
    tl_elem *to;
    tl_acc bias;
    int32_t lines;            /* how many */
    int32_t to_line, from_line; /* from one to the next */
    int32_t count;            /* columns to make */
    int32_t start;            /* the first one's first column in the source; may be outside */
    int32_t extent;           /* columns of the source */
    int32_t accumulate;
} dw3_rows;

/* Which outputs of a row bring new columns from where: those before `first` see nothing of the
   source, those from `last` on nothing new. */
static TL_INLINE tl_range dw3_outputs(int32_t start, int32_t step, int32_t extent, int32_t count)
{
    /* step is 1 or 2: a shift divides */
    const int32_t before = start + 2 < 0 ? (step - 3 - start) >> (step - 1) : 0;
    const int32_t room = extent - DW3 - start;
    tl_range range;

    range.first = before < count ? before : count;
    range.last = room < 0 ? 0 : (room >> (step - 1)) + 1;
    range.last = range.last < count ? range.last : count;
    range.last = range.last < range.first ? range.first : range.last;
    return range;
}

static TL_INLINE void dw3_take(
    const int rows, tl_acc column[DW3], const tl_elem *const from[DW3], int k)
{
    for (int r = 0; r < rows; r++) {
        column[r] = TL_LOAD(from[r][k]);
    }
}

static TL_INLINE void dw3_take_checked(
    const int rows, tl_acc column[DW3], const tl_elem *const from[DW3], int k, int32_t at,
    int32_t extent)
{
    for (int r = 0; r < rows; r++) {
        column[r] = 0;
    }
    if ((uint32_t)at < (uint32_t)extent) {
        dw3_take(rows, column, from, k);
    }
}

static TL_INLINE void dw3_weights(const int rows, const dw3_rows *row, tl_acc w[DW3][DW3])
{
    for (int r = 0; r < rows; r++) {
        for (int t = 0; t < DW3; t++) {
            w[r][t] = TL_LOAD(row->w[r][row->w_first + t * row->w_step]);
        }
    }
}

static TL_INLINE void dw3_output(
    const int rows, const int accumulate, tl_acc sum, tl_elem *to, const tl_acc w[DW3][DW3],
    const tl_acc a[DW3], const tl_acc b[DW3], const tl_acc c[DW3])
{
    if (accumulate) {
        sum = TL_LOAD(*to);
    }
    for (int r = 0; r < rows; r++) {
        sum += w[r][0] * a[r];
    }
    for (int r = 0; r < rows; r++) {
        sum += w[r][1] * b[r];
    }
    for (int r = 0; r < rows; r++) {
        sum += w[r][2] * c[r];
    }
    *to = TL_STORE(sum);
}

/* where the rows of the source begin for one line */
static TL_INLINE void dw3_line(
    const int rows, const dw3_rows *row, int32_t line, int32_t column, const tl_elem *from[DW3])
{
    for (int r = 0; r < rows; r++) {
        from[r] = row->from[r] + line * row->from_line + column;
        TL_KEEP(from[r]);
    }
}

/* Windows next to each other: each brings one new column. */
static TL_INLINE void dw3_near(const int rows, const int accumulate, const dw3_rows *row)
{
    const int32_t extent = row->extent;
    const tl_range range = dw3_outputs(row->start, 1, extent, row->count);
    const int32_t first = row->start + range.first;
    const tl_acc bias = row->bias;
    tl_acc w[DW3][DW3];

    dw3_weights(rows, row, w);
    for (int32_t line = 0; line < row->lines; line++) {
        tl_elem *to = row->to + line * row->to_line;
        tl_elem *const start = to + range.first;
        tl_elem *const end = to + range.last;
        tl_elem *const all = to + row->count;
        const tl_elem *from[DW3];
        tl_acc a[DW3], b[DW3], c[DW3];

        dw3_line(rows, row, line, first, from);
        for (; to < start; to++) {
            *to = accumulate ? *to : TL_STORE(bias);
        }
        dw3_take_checked(rows, a, from, 0, first, extent);
        dw3_take_checked(rows, b, from, 1, first + 1, extent);
        for (; to + DW3 <= end; to += DW3) {
            dw3_take(rows, c, from, 2);
            dw3_output(rows, accumulate, bias, to, w, a, b, c);
            dw3_take(rows, a, from, 3);
            dw3_output(rows, accumulate, bias, to + 1, w, b, c, a);
            dw3_take(rows, b, from, 4);
            dw3_output(rows, accumulate, bias, to + 2, w, c, a, b);
            for (int r = 0; r < rows; r++) {
                from[r] += DW3;
            }
        }
        for (; to < all; to++) {
            dw3_take_checked(rows, c, from, 2, to < end ? 0 : extent, extent);
            dw3_output(rows, accumulate, bias, to, w, a, b, c);
            for (int r = 0; r < rows; r++) {
                a[r] = b[r];
                b[r] = c[r];
                from[r]++;
            }
        }
    }
}

/* Backward of that: column q of the source reaches columns 2 q (weight 0), 2 q + 1 (1) and 2 q + 2
   (2), counted from the padding on; the row begins at column `start` of these. */
static TL_INLINE void dw3_half(
    const int rows, const int accumulate, tl_elem *to, const tl_acc w[DW3][DW3],
    const tl_acc now[DW3])
{
    tl_acc sum = accumulate ? TL_LOAD(*to) : 0;

    for (int r = 0; r < rows; r++) {
        sum += w[r][1] * now[r];
    }
    *to = TL_STORE(sum);
}

static TL_INLINE void dw3_whole(
    const int rows, const int accumulate, tl_elem *to, const tl_acc w[DW3][DW3],
    const tl_acc now[DW3], const tl_acc before[DW3])
{
    tl_acc sum = accumulate ? TL_LOAD(*to) : 0;

    for (int r = 0; r < rows; r++) {
        sum += w[r][0] * now[r];
    }
    for (int r = 0; r < rows; r++) {
        sum += w[r][2] * before[r];
    }
    *to = TL_STORE(sum);
}

static TL_INLINE void dw3_next(
    const int rows, const tl_elem *from[DW3], tl_acc before[DW3], const tl_acc now[DW3])
{
    for (int r = 0; r < rows; r++) {
        before[r] = now[r];
        from[r]++;
    }
}

static TL_INLINE void dw3_spread(const int rows, const int accumulate, const dw3_rows *row)
{
    const int32_t extent = row->extent;
    const int odd = row->start & 1;
    const int32_t first = (row->start - odd) / 2;
    /* pairs that are all ours and bring a new column */
    const int32_t pairs = (row->count - odd) / 2;
    const int32_t sure = smallest_of(first + odd + pairs, extent);
    tl_acc w[DW3][DW3];

    dw3_weights(rows, row, w);
    for (int32_t line = 0; line < row->lines; line++) {
        tl_elem *to = row->to + line * row->to_line;
        const tl_elem *from[DW3];
        tl_acc before[DW3], now[DW3];
        int32_t column = first;

        dw3_line(rows, row, line, first, from);
        dw3_take_checked(rows, before, from, -1, first - 1, extent);
        if (odd) {
            dw3_take_checked(rows, now, from, 0, column, extent);
            dw3_half(rows, accumulate, to, w, now);
            dw3_next(rows, from, before, now);
            column++;
            to++;
        }
        /* two pairs at a time while columns are there for sure */
        for (; column >= 0 && column + 2 <= sure; column += 2) {
            dw3_take(rows, now, from, 0);
            dw3_whole(rows, accumulate, to, w, now, before);
            dw3_half(rows, accumulate, to + 1, w, now);
            dw3_take(rows, before, from, 1);
            dw3_whole(rows, accumulate, to + 2, w, before, now);
            dw3_half(rows, accumulate, to + 3, w, before);
            for (int r = 0; r < rows; r++) {
                from[r] += 2;
            }
            to += 4;
        }
        while (column < first + odd + pairs) {
            dw3_take_checked(rows, now, from, 0, column, extent);
            dw3_whole(rows, accumulate, to, w, now, before);
            dw3_half(rows, accumulate, to + 1, w, now);
            dw3_next(rows, from, before, now);
            column++;
            to += 2;
        }
        if ((row->count - odd) & 1) {
            dw3_take_checked(rows, now, from, 0, column, extent);
            dw3_whole(rows, accumulate, to, w, now, before);
        }
    }
}

/* a row of the source and its weights join those of `row` */
static inline int dw3_join(
    dw3_rows *row, int rows, const tl_elem *from, const tl_elem *w)
{
    row->from[rows] = from;
    row->w[rows] = w;
    return rows + 1;
}

/* Functions with the registers for themselves, by the number of rows; three rows that add. */
#define DW3_FUNCTIONS(name)                                                                        \
    static TL_NOINLINE void name##_adding(const dw3_rows *row)                                     \
    {                                                                                              \
        name(3, 1, row);                                                                           \
    }                                                                                              \
    static TL_NOINLINE void name##_of_3(const dw3_rows *row)                                       \
    {                                                                                              \
        name(3, 0, row);                                                                           \
    }                                                                                              \
    static TL_NOINLINE void name##_of_2(const dw3_rows *row)                                       \
    {                                                                                              \
        name(2, row->accumulate, row);                                                             \
    }                                                                                              \
    static TL_NOINLINE void name##_of_1(const dw3_rows *row)                                       \
    {                                                                                              \
        name(1, row->accumulate, row);                                                             \
    }                                                                                              \
    static void (*const name##_of[])(const dw3_rows *row) = {                                      \
        dw3_nothing, name##_of_1, name##_of_2, name##_of_3, name##_adding};

/* rows that no window reaches */
static void dw3_nothing(const dw3_rows *row)
{
    for (int32_t i = 0; i < row->count && !row->accumulate; i++) {
        row->to[i] = TL_STORE(row->bias);
    }
}

DW3_FUNCTIONS(dw3_near)
DW3_FUNCTIONS(dw3_spread)

static TL_NOINLINE void strip_fw(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const dw3_planes planes = {
        .from = x, .w = w, .b = b, .to = y, .n = op->n, .channels = op->co, .lines = op->ho,
        .count = op->wo, .extent_h = op->hi, .extent_w = op->wi, .top = op->pad_top,
        .left = op->pad_left, .accumulate = op->accumulate};

    strip_planes(&planes);
}

static TL_NOINLINE void rows_fw(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const int32_t channels = op->co, outputs = op->ho, hi = op->hi, wi = op->wi;
    const int32_t step = op->stride_h, pad = op->pad_top;
    const int32_t last_full =
        hi + pad < DW3 ? -1 : smallest_of((hi + pad - DW3) / step, outputs - 1);
    const tl_range own = tl_share(op->n * channels * outputs);
    int32_t plane = own.first / outputs;
    int32_t line = own.first - plane * outputs;
    int32_t channel = plane % channels;
    dw3_rows row = {.w_step = 1, .to_line = op->wo, .from_line = step * wi, .count = op->wo,
                    .start = -op->pad_left, .extent = wi, .accumulate = op->accumulate};

    row.to = y + own.first * row.count;
    for (int32_t item = own.first; item < own.last; item += row.lines) {
        const int32_t top = line * step - pad;
        int rows = 0;

        for (int32_t t = 0; t < DW3; t++) {
            if ((uint32_t)(top + t) < (uint32_t)hi) {
                rows = dw3_join(
                    &row, rows, x + (plane * hi + top + t) * wi, w + (channel * DW3 + t) * DW3);
            }
        }
        row.bias = b ? TL_LOAD(b[channel]) : 0;
        row.lines = 1;
        if (rows == DW3) {
            row.lines = smallest_of(last_full + 1, line + own.last - item) - line;
        }
        dw3_near_of[rows + (rows == DW3 && row.accumulate)](&row);
        row.to += row.lines * row.count;
        line += row.lines;
        if (line == outputs) {
            line = 0;
            plane++;
            channel = channel + 1 == channels ? 0 : channel + 1;
        }
    }
}

void TL_NAME(conv2d_dw3_fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    if (op->stride_w == 2) {
        if (op->accumulate) {
            far_adding(op, y, x, w);
        } else {
            far_fw(op, y, x, w, b);
        }
    } else if (op->stride_h == 1) {
        strip_fw(op, y, x, w, b);
    } else {
        rows_fw(op, y, x, w, b);
    }
}
