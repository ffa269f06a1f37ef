/* Depthwise 3 x 3 with windows two columns apart. A core owns rows of y. Each is a sum over three rows
   of x from left to right: a window's last column is the next one's first, and adds to both. */

/* What a row's windows see; those before and behind them count as zero. */
typedef struct {
    int32_t column; /* the first one that any sees */
    int32_t before; /* windows that see none on their right */
    int32_t first;  /* whether the next one sees its first column */
    int32_t third;  /* whether it sees its third alone */
    int32_t full;   /* windows behind it that see their second and third */
    int32_t second; /* whether the next one sees its second */
    int32_t rest;   /* windows from there on */
} far_windows;

static far_windows far_see(int32_t start, int32_t extent, int32_t count)
{
    const int32_t before = start + 2 < 0 ? (-1 - start) >> 1 : 0;
    far_windows see = {.before = smallest_of(before, count)};
    int32_t at = start + 2 * see.before;
    int32_t left = count - see.before;

    see.column = largest_of(at, 0);
    see.first = (uint32_t)at < (uint32_t)extent;
    see.third = left > 0 && at == -2;
    at += 2 * see.third;
    left -= see.third;
    see.full = smallest_of(largest_of((extent - 1 - at) >> 1, 0), left);
    left -= see.full;
    see.second = left > 0 && at + 2 * see.full + 1 < extent;
    see.rest = left;
    return see;
}

/* A column of the three rows adds to `sum`. */
static TL_INLINE tl_acc far_add(
    tl_acc sum, const int tap, const tl_acc w[DW3][DW3], const tl_acc column[DW3])
{
    for (int r = 0; r < DW3; r++) {
        sum += w[r][tap] * column[r];
    }
    return sum;
}

static TL_INLINE void far_take(tl_acc column[DW3], const tl_elem *from[DW3], const int32_t step[DW3])
{
    for (int r = 0; r < DW3; r++) {
        column[r] = TL_LOAD_STEP(&from[r], step[r]);
    }
}

static TL_INLINE void far_store(const int accumulate, tl_elem *to, tl_acc sum)
{
    *to = TL_STORE(accumulate ? TL_LOAD(*to) + sum : sum);
}

/* A row of y; the rows of x move on by `step` bytes. */
static TL_INLINE tl_elem *far_row(
    const int accumulate, const far_windows *see, const tl_acc w[DW3][DW3], tl_acc bias,
    const tl_elem *from[DW3], const int32_t step[DW3], tl_elem *to)
{
    tl_acc sum = bias;
    tl_acc column[DW3];

    for (int32_t i = see->before; i > 0; i--) {
        far_store(accumulate, to++, bias);
    }
    if (see->first) {
        far_take(column, from, step);
        sum = far_add(bias, 0, w, column);
    }
    if (see->third) {
        far_take(column, from, step);
        far_store(accumulate, to++, far_add(bias, 2, w, column));
        sum = far_add(bias, 0, w, column);
    }
    for (const tl_elem *const end = to + see->full; to != end; to++) {
        far_take(column, from, step);
        sum = far_add(sum, 1, w, column);
        far_take(column, from, step);
        sum = far_add(sum, 2, w, column);
        far_store(accumulate, to, sum);
        sum = far_add(bias, 0, w, column);
    }
    if (see->second) {
        far_take(column, from, step);
        sum = far_add(sum, 1, w, column);
    }
    for (int32_t i = see->rest; i > 0; i--) {
        far_store(accumulate, to++, sum);
        sum = bias;
    }
    return to;
}

static TL_INLINE void far_make(
    const int accumulate, const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w,
    const tl_elem *b)
{
    const int32_t channels = op->co, outputs = op->ho, hi = op->hi, wi = op->wi;
    const int32_t apart = op->stride_h, pad = op->pad_top;
    const far_windows see = far_see(-op->pad_left, wi, op->wo);
    const tl_range own = tl_share(op->n * channels * outputs);
    const int32_t first = own.first / outputs;
    const tl_elem zero = 0;
    int32_t channel = first < channels ? first : first % channels;
    int32_t line = own.first - first * outputs;
    int32_t left = own.last - own.first;

    x += first * hi * wi + see.column;
    y += own.first * op->wo;
    while (left > 0) {
        const int32_t end = smallest_of(outputs, line + left);
        const tl_acc bias = b && !accumulate ? TL_LOAD(b[channel]) : 0;
        const tl_elem *weight = w + channel * DW3 * DW3;
        tl_acc weights[DW3][DW3];

        for (int t = 0; t < DW3 * DW3; t++) {
            weights[t / DW3][t % DW3] = TL_LOAD(weight[t]);
        }
        left -= end - line;
        for (; line < end; line++) {
            const int32_t top = line * apart - pad;
            const tl_elem *from[DW3];
            int32_t step[DW3];

            for (int r = 0; r < DW3; r++) {
                const int there = (uint32_t)(top + r) < (uint32_t)hi;

                from[r] = there ? x + (top + r) * wi : &zero;
                step[r] = there ? (int32_t)sizeof(tl_elem) : 0;
            }
            y = far_row(accumulate, &see, weights, bias, from, step, y);
        }
        x += hi * wi;
        channel = channel + 1 < channels ? channel + 1 : 0;
        line = 0;
    }
}

static TL_NOINLINE void far_adding(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w)
{
    far_make(1, op, y, x, w, 0);
}

static TL_NOINLINE void far_fw(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    far_make(0, op, y, x, w, b);
}
