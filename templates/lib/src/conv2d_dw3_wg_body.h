/* Weight gradient of a depthwise convolution with a 3 x 3 window. A core owns rows of windows; those of
   one channel are summed together, as all of them meet each element of dy. */

typedef struct {
    const tl_elem *x, *dy;    /* the first row of a window, and of dy */
    int32_t lines;            /* rows of dy to add */
    int32_t x_line, x_step;   /* from one row of x to the next; to that of the next row of dy */
    int32_t count;            /* columns of dy, next to each other */
    int32_t start, extent;    /* column of x that the first window begins with; columns of x */
    tl_range range;           /* dw3_outputs */
} dw3_sums;

/* The next column of `rows` rows. */
static TL_INLINE void dw3_wg_next(
    const int rows, tl_acc column[DW3], const tl_elem *from[DW3], int there)
{
    for (int r = 0; r < rows; r++) {
        column[r] = 0;
    }
    if (there) {
        for (int r = 0; r < rows; r++) {
            column[r] = TL_LOAD_NEXT(&from[r], sizeof(tl_elem));
        }
    }
}

/* What the next element of dy adds to `rows` rows of sums; a, b and c are the columns under it. */
static TL_INLINE void dw3_wg_add(
    const int rows, tl_acc sum[DW3][DW3], const tl_elem **dy, const tl_acc a[DW3],
    const tl_acc b[DW3], const tl_acc c[DW3])
{
    const tl_acc out = TL_LOAD_NEXT(dy, sizeof(tl_elem));

    for (int r = 0; r < rows; r++) {
        sum[r][0] += a[r] * out;
        sum[r][1] += b[r] * out;
    }
    for (int r = 0; r < rows; r++) {
        sum[r][2] += c[r] * out;
    }
}

static TL_INLINE void dw3_wg_line(
    const int rows, const int step, const dw3_sums *s, const tl_elem *x, const tl_elem *dy,
    tl_acc sum[DW3][DW3])
{
    const int32_t extent = s->extent, first = s->start + s->range.first * step;
    const tl_elem *const end = dy + s->range.last, *const all = dy + s->count;
    const tl_elem *from[DW3] = {0};
    tl_acc a[DW3], b[DW3], c[DW3];
    int32_t at = first + (step == 1 ? 2 : 1); /* column of the next load */

    dy += s->range.first;
    for (int r = 0; r < rows; r++) {
        from[r] = x + r * s->x_line + largest_of(first, 0);
        TL_KEEP(from[r]);
    }
    dw3_wg_next(rows, a, from, (uint32_t)first < (uint32_t)extent);
    if (step == 1) {
        dw3_wg_next(rows, b, from, (uint32_t)(first + 1) < (uint32_t)extent);
        while (end - dy >= DW3) {
            dw3_wg_next(rows, c, from, 1);
            dw3_wg_add(rows, sum, &dy, a, b, c);
            dw3_wg_next(rows, a, from, 1);
            dw3_wg_add(rows, sum, &dy, b, c, a);
            dw3_wg_next(rows, b, from, 1);
            dw3_wg_add(rows, sum, &dy, c, a, b);
            at += DW3;
        }
    }
    while (dy < all) {
        if (step == 2) {
            dw3_wg_next(rows, b, from, (uint32_t)at < (uint32_t)extent);
            at++;
        }
        dw3_wg_next(rows, c, from, (uint32_t)at < (uint32_t)extent);
        at++;
        dw3_wg_add(rows, sum, &dy, a, b, c);
        for (int r = 0; r < rows; r++) {
            a[r] = step == 1 ? b[r] : c[r];
            b[r] = c[r];
        }
    }
}

static TL_INLINE void dw3_wg_lines(
    const int rows, const int step, const dw3_sums *s, tl_acc to[DW3][DW3])
{
    const tl_elem *x = s->x, *dy = s->dy;
    tl_acc sum[DW3][DW3];

    for (int i = 0; i < rows * DW3; i++) {
        sum[i / DW3][i % DW3] = to[i / DW3][i % DW3];
    }
    for (int32_t lines = s->lines; lines > 0; lines--) {
        dw3_wg_line(rows, step, s, x, dy, sum);
        x += s->x_step;
        dy += s->count;
    }
    for (int i = 0; i < rows * DW3; i++) {
        to[i / DW3][i % DW3] = sum[i / DW3][i % DW3];
    }
}

/* Functions with the registers for themselves. */
#define DW3_WG_FUNCTION(rows)                                                                      \
    static TL_NOINLINE void dw3_wg_slide_##rows(const dw3_sums *s, tl_acc to[DW3][DW3])            \
    {                                                                                              \
        dw3_wg_lines(rows, 1, s, to);                                                              \
    }                                                                                              \
    static TL_NOINLINE void dw3_wg_jump_##rows(const dw3_sums *s, tl_acc to[DW3][DW3])             \
    {                                                                                              \
        dw3_wg_lines(rows, 2, s, to);                                                              \
    }

DW3_WG_FUNCTION(1)
DW3_WG_FUNCTION(2)
DW3_WG_FUNCTION(3)

static void dw3_wg_rows(int rows, int near, const dw3_sums *s, tl_acc to[DW3][DW3])
{
    if (rows == 3) {
        (near ? dw3_wg_slide_3 : dw3_wg_jump_3)(s, to);
    } else if (rows == 2) {
        (near ? dw3_wg_slide_2 : dw3_wg_jump_2)(s, to);
    } else if (rows == 1) {
        (near ? dw3_wg_slide_1 : dw3_wg_jump_1)(s, to);
    }
}

/* Rows [taps.first, taps.last) of a channel's windows, of one sample. */
static void dw3_wg_plane(
    const tl_conv2d *op, tl_range taps, dw3_sums *s, tl_acc sum[DW3][DW3], const tl_elem *x,
    const tl_elem *dy)
{
    const int32_t step = op->stride_h, pad = op->pad_top, hi = op->hi, ho = op->ho;
    /* before this row of dy all windows end inside x */
    const int32_t full = smallest_of(floor_div(hi + pad - taps.last, step) + 1, ho);

    for (int32_t line = 0; line < ho; line += s->lines) {
        const int32_t top = line * step - pad;
        const int32_t first = largest_of(taps.first, -top);
        const int32_t last = smallest_of(taps.last, hi - top);

        s->lines = first == taps.first && line < full ? full - line : 1;
        s->x = x + (top + first) * s->x_line;
        s->dy = dy + line * s->count;
        dw3_wg_rows(last - first, op->stride_w == 1, s, sum + first - taps.first);
    }
}

void TL_NAME(conv2d_dw3_wg)(
    const tl_conv2d *far, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    /* what is needed of a shape that may lie far from the cores */
    const tl_conv2d op = {
        .n = far->n, .hi = far->hi, .wi = far->wi, .co = far->co, .ho = far->ho, .wo = far->wo,
        .stride_h = far->stride_h, .stride_w = far->stride_w, .pad_top = far->pad_top,
        .pad_left = far->pad_left, .accumulate = far->accumulate, .scale = far->scale,
        .decay = far->decay, .bias_decay = far->bias_decay,
    };
    const int32_t channels = op.co, plane_x = op.hi * op.wi, plane_y = op.ho * op.wo;
    int32_t turn = 0;
    const tl_range own = tl_share_from(channels * DW3, &turn);
    dw3_sums s = {
        .x_line = op.wi, .x_step = op.stride_h * op.wi, .count = op.wo, .start = -op.pad_left,
        .extent = op.wi, .range = dw3_outputs(-op.pad_left, op.stride_w, op.wi, op.wo),
    };
    tl_range taps;

    for (int32_t item = own.first; item < own.last; item += taps.last - taps.first) {
        const int32_t channel = item / DW3;
        tl_acc sum[DW3][DW3];

        taps.first = item - channel * DW3;
        taps.last = smallest_of(DW3, taps.first + own.last - item);
        for (int i = 0; i < DW3 * DW3; i++) {
            sum[i / DW3][i % DW3] = 0;
        }
        for (int32_t sample = 0; sample < op.n; sample++) {
            const int32_t plane = sample * channels + channel;

            dw3_wg_plane(&op, taps, &s, sum, x + plane * plane_x, dy + plane * plane_y);
        }
        for (int i = 0; i < (taps.last - taps.first) * DW3; i++) {
            gradient_store(
                dw + item * DW3 + i, sum[i / DW3][i % DW3], op.accumulate, op.scale, op.decay);
        }
    }
    if (db) {
        wg_bias(&op, db, dy, &turn);
    }
}
