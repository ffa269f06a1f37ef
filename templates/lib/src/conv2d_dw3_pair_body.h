/* Input gradient of a depthwise 3 x 3 convolution whose windows are two columns apart. With two rows
   apart, too, and counted from the padding on, row m of dy reaches rows 2 m (with the window's first
   row), 2 m + 1 (its second) and 2 m + 2 (its third) of dx; columns likewise. A core owns pairs of rows,
   2 m and 2 m + 1, and goes along rows m and m - 1 of dy, where each column ends two elements of both
   rows and begins the next. Other distances of rows: pair_planes. */

/* What a row's elements see of dy; columns before and behind it count as zero. */
typedef struct {
    int32_t column;     /* of dy, where it begins */
    int32_t prior;      /* whether that one only begins the first element */
    int32_t odd;        /* whether the first element has an odd column, and sees one of dy */
    int32_t odd_there;
    int32_t before;     /* pairs of elements in front of what dy has */
    int32_t full;       /* pairs that see a new column */
    int32_t rest;       /* pairs that do not */
    int32_t even;       /* whether the last element has an even column, and sees a new one */
    int32_t even_there;
    int32_t taken;      /* columns in all */
} pair_columns;

static pair_columns pair_see(int32_t start, int32_t extent, int32_t count)
{
    const int32_t odd = start & 1, first = start >> 1, next = first + odd;
    const int32_t pairs = (count - odd) >> 1;
    pair_columns see = {.odd = odd, .even = (count - odd) & 1};

    see.column = largest_of(first - 1, 0);
    see.prior = (uint32_t)(first - 1) < (uint32_t)extent;
    see.odd_there = (uint32_t)first < (uint32_t)extent;
    see.before = smallest_of(largest_of(-next, 0), pairs);
    see.full = largest_of(smallest_of(extent, next + pairs) - largest_of(next, 0), 0);
    see.rest = pairs - see.before - see.full;
    see.even_there = (uint32_t)(next + pairs) < (uint32_t)extent;
    see.taken = see.prior + (odd & see.odd_there) + see.full + (see.even & see.even_there);
    return see;
}

/* Rows of dy and of dx, and how many bytes lie between their elements: 0 in what stands in for a row. */
typedef struct {
    const tl_elem *from[2];
    tl_elem *to[2];
    int32_t from_step[2], to_step[2];
} pair_rows;

static TL_INLINE void pair_take(tl_acc in[2], pair_rows *rows)
{
    in[0] = TL_LOAD_STEP(&rows->from[0], rows->from_step[0]);
    in[1] = TL_LOAD_STEP(&rows->from[1], rows->from_step[1]);
}

static TL_INLINE void pair_put(const int accumulate, pair_rows *rows, const tl_acc sum[2])
{
    for (int r = 0; r < 2; r++) {
        const tl_acc value = accumulate ? TL_LOAD(*rows->to[r]) + sum[r] : sum[r];

        TL_STORE_STEP(&rows->to[r], value, rows->to_step[r]);
    }
}

/* What a column of dy brings to the even elements with tap `tap`; `begin`: they begin with it. */
static TL_INLINE void pair_even(
    const int begin, const int tap, const tl_acc w[DW3][DW3], const tl_acc in[2], tl_acc sum[2])
{
    sum[0] = (begin ? 0 : sum[0]) + w[0][tap] * in[0];
    sum[0] += w[2][tap] * in[1];
    sum[1] = (begin ? 0 : sum[1]) + w[1][tap] * in[0];
}

static TL_INLINE void pair_odd(
    const int accumulate, const tl_acc w[DW3][DW3], const tl_acc in[2], pair_rows *rows)
{
    tl_acc sum[2];

    pair_even(1, 1, w, in, sum);
    pair_put(accumulate, rows, sum);
}

static TL_INLINE void pair_blank(
    const int accumulate, int32_t pairs, pair_rows *rows, tl_acc next[2])
{
    const tl_acc zero[2] = {0, 0};

    for (; pairs > 0; pairs--) {
        pair_put(accumulate, rows, next);
        pair_put(accumulate, rows, zero);
        next[0] = next[1] = 0;
    }
}

static TL_INLINE void pair_make(
    const int accumulate, const pair_columns *see, const tl_acc w[DW3][DW3], pair_rows *rows)
{
    tl_acc next[2] = {0, 0}, in[2];

    if (see->prior) {
        pair_take(in, rows);
        pair_even(1, 2, w, in, next);
    }
    if (see->odd) {
        in[0] = in[1] = 0;
        if (see->odd_there) {
            pair_take(in, rows);
        }
        pair_odd(accumulate, w, in, rows);
        pair_even(1, 2, w, in, next);
    }
    pair_blank(accumulate, see->before, rows, next);
    const int done = TL_DW3_PAIRS(
        accumulate, see->full, rows->to, rows->to_step, next, w, rows->from, rows->from_step);
    for (int32_t i = done ? 0 : see->full; i > 0; i--) {
        pair_take(in, rows);
        pair_even(0, 0, w, in, next);
        pair_put(accumulate, rows, next);
        pair_odd(accumulate, w, in, rows);
        pair_even(1, 2, w, in, next);
    }
    pair_blank(accumulate, see->rest, rows, next);
    if (see->even) {
        if (see->even_there) {
            pair_take(in, rows);
            pair_even(0, 0, w, in, next);
        }
        pair_put(accumulate, rows, next);
    }
}

/* The two rows of dy that pair `part` sees of those whose first rows of dx are row m's, and the pair. Rows
   that are not there are one word; `middle` as of pair_planes. */
static TL_INLINE void pair_at(
    const tl_conv2d *op, int32_t m, int32_t part, int middle, const tl_elem *dy, tl_elem *dx,
    const tl_elem *zero, tl_elem *nowhere, pair_rows *rows)
{
    const int32_t apart = op->stride_h, ho = op->ho, hi = op->hi;
    const int32_t line = m * apart + 2 * part - op->pad_top;
    const int32_t to[2] = {middle ? -1 : line, middle ? line : 2 * part + 1 < apart ? line + 1 : -1};
    int32_t from[2] = {m, m - (apart == 1 ? 2 : 1)};

    if (part > 0) {
        from[0] = -1;
        from[1] = part == 1 ? m : -1;
    } else if (middle) {
        from[0] = m - 1;
        from[1] = -1;
    } else if (apart > 2) {
        from[1] = -1;
    }
    for (int r = 0; r < 2; r++) {
        const int seen = (uint32_t)from[r] < (uint32_t)ho, there = (uint32_t)to[r] < (uint32_t)hi;

        rows->from[r] = seen ? dy + from[r] * op->wo : zero;
        rows->from_step[r] = seen ? (int32_t)sizeof(tl_elem) : 0;
        rows->to[r] = there ? dx + to[r] * op->wi : nowhere;
        rows->to_step[r] = there ? (int32_t)sizeof(tl_elem) : 0;
    }
}

/* With windows `apart` rows from each other, rows of dx from m * apart on, `apart` of them, are in pairs.
   Where they are one apart, `middle` adds what a row gets by the window's second row, for which a pair has
   no room. */
static TL_INLINE void pair_planes(
    const int accumulate, const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w,
    int middle)
{
    const int32_t channels = op->co, hi = op->hi, plane_x = hi * op->wi, plane_y = op->ho * op->wo;
    const int32_t pad = op->pad_top, apart = op->stride_h, parts = (apart + 1) >> 1;
    const int32_t above = floor_div(pad, apart);
    const int32_t pairs = (floor_div(pad + hi - 1, apart) - above + 1) * parts;
    const pair_columns see = pair_see(op->pad_left, op->wo, op->wi);
    /* pairs that lack no row, of windows two rows apart, and from a row's end in dy to the next one */
    const int32_t inner = apart == 2 ? largest_of(1, (pad + 1) >> 1) - above : pairs;
    const int32_t inner_end = smallest_of(op->ho, (hi + pad) >> 1) - above;
    const int32_t skip = op->wo - see.taken;
    const tl_range own = tl_share(op->n * channels * pairs);
    const int32_t first = own.first / pairs;
    const tl_elem zero = TL_STORE(0);
    tl_elem nowhere = zero;
    int32_t channel = first < channels ? first : first % channels;
    int32_t pair = own.first - first * pairs;
    int32_t left = own.last - own.first;

    TL_STORED(zero);
    TL_STORED(nowhere);
    dy += first * plane_y + see.column;
    dx += first * plane_x;
    while (left > 0) {
        const int32_t end = smallest_of(pairs, pair + left);
        const tl_elem *weight = w + channel * DW3 * DW3;
        tl_acc weights[DW3][DW3];

        for (int t = 0; t < DW3 * DW3; t++) {
            weights[t / DW3][t % DW3] = TL_LOAD(weight[t]);
        }
        left -= end - pair;
        while (pair < end) {
            const int32_t m = parts > 1 ? pair / parts : pair, stop = smallest_of(inner_end, end);
            int32_t more = pair >= inner && pair < stop ? stop - pair : 1;
            pair_rows rows;

            pair_at(op, above + m, pair - m * parts, middle, dy, dx, &zero, &nowhere, &rows);
            pair += more;
            for (; more > 0; more--) {
                pair_make(accumulate, &see, weights, &rows);
                for (int r = 0; r < 2; r++) {
                    rows.from[r] += skip;
                    rows.to[r] += op->wi;
                }
            }
        }
        dy += plane_y;
        dx += plane_x;
        channel = channel + 1 < channels ? channel + 1 : 0;
        pair = 0;
    }
}

static TL_NOINLINE void pair_adding(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w, int middle)
{
    pair_planes(1, op, dx, dy, w, middle);
}

static TL_NOINLINE void pair_set(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w, int middle)
{
    pair_planes(0, op, dx, dy, w, middle);
}
