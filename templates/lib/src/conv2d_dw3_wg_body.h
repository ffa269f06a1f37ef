/* Weight gradient of a depthwise convolution with a 3 x 3 window. A core owns rows of windows: three sums
   each, over the rows of dy that see a row of x. Of such a row come first the windows with their second
   column inside x; the first one's first and the last one's third column may lie outside and count as
   zero. Of the others two at most see anything, one column each. */

/* How rows of dy lie over rows of x. */
typedef struct {
    int32_t step;                  /* columns of x from one window to the next */
    int32_t x_line, dy_line;       /* from one row to the next */
    int32_t first, count;          /* columns of dy whose windows have their second column inside */
    int32_t column;                /* of x: the first one's second column */
    int32_t last;                  /* the last one's, from there */
    int32_t left_line, right_line; /* 0: the first one's first, the last one's third is outside */
    int32_t before, behind;        /* whether the windows before and behind see a column */
} dw3_wg_shape;

static inline dw3_wg_shape dw3_wg_shape_of(const tl_conv2d *op)
{
    const int32_t step = op->stride_w, extent = op->wi, outputs = op->wo, pad = op->pad_left;
    const tl_range range = outputs_inside(extent, 1, step, pad, outputs);
    const int32_t count = range.last - range.first, column = step * range.first - pad + 1;
    const int32_t last = step * (count - 1), x_line = op->stride_h * extent;

    return (dw3_wg_shape){
        .step = step, .x_line = x_line, .dy_line = outputs, .first = range.first, .count = count,
        .column = column, .last = last, .left_line = column > 0 ? x_line : 0,
        .right_line = column + last + 1 < extent ? x_line : 0,
        .before = range.first > 0 && column == step - 1,
        .behind = range.last < outputs && column + last + step == extent,
    };
}

static TL_INLINE void dw3_wg_add(
    tl_acc sum[DW3], tl_acc a, tl_acc b, tl_acc c, const tl_elem *dy)
{
    const tl_acc out = TL_LOAD(*dy);

    sum[0] += a * out;
    sum[1] += b * out;
    sum[2] += c * out;
}

/* One row of `count` windows: `x` is the first one's second column. */
static TL_INLINE void dw3_wg_row(
    const int step, tl_acc sum[DW3], int32_t count, const tl_elem *x, const tl_elem *dy,
    const tl_elem *left, const tl_elem *right)
{
    int32_t more = count - 1; /* behind which the last one comes */
    tl_acc a = TL_LOAD(*left), b = TL_LOAD(*x++), c;

    for (; more >= DW3; more -= DW3) {
        c = TL_LOAD(x[0]);
        dw3_wg_add(sum, a, b, c, dy);
        if (step == 1) {
            a = TL_LOAD(x[1]);
            dw3_wg_add(sum, b, c, a, dy + 1);
            b = TL_LOAD(x[2]);
            dw3_wg_add(sum, c, a, b, dy + 2);
        } else {
            b = TL_LOAD(x[1]);
            a = TL_LOAD(x[2]);
            dw3_wg_add(sum, c, b, a, dy + 1);
            b = TL_LOAD(x[3]);
            c = TL_LOAD(x[4]);
            dw3_wg_add(sum, a, b, c, dy + 2);
            a = c;
            b = TL_LOAD(x[5]);
        }
        x += step * DW3;
        dy += DW3;
    }
    for (; more > 0; more--) {
        c = TL_LOAD(*x++);
        dw3_wg_add(sum, a, b, c, dy++);
        a = step == 1 ? b : c;
        b = step == 1 ? c : TL_LOAD(*x++);
    }
    dw3_wg_add(sum, a, b, TL_LOAD(*right), dy);
}

/* One column of x and of dy. */
static TL_NOINLINE tl_acc dw3_wg_column(
    const dw3_wg_shape *shape, tl_acc sum, int32_t lines, const tl_elem *x, const tl_elem *dy)
{
    for (; lines > 0; lines--) {
        sum += TL_LOAD(*x) * TL_LOAD(*dy);
        x += shape->x_line;
        dy += shape->dy_line;
    }
    return sum;
}

static TL_INLINE void dw3_wg_middle(
    const int step, const dw3_wg_shape *shape, tl_acc sum[DW3], int32_t lines, const tl_elem *x,
    const tl_elem *dy)
{
    const tl_elem nothing = TL_STORE(0);
    const int32_t count = shape->count, last = shape->last;
    const int32_t x_line = shape->x_line, dy_line = shape->dy_line;
    const int32_t left_line = shape->left_line, right_line = shape->right_line;
    const tl_elem *left = left_line ? x - 1 : &nothing;
    const tl_elem *right = right_line ? x + last + 1 : &nothing;

    if (TL_ROWS(window)(
            step, sum, lines, count, x, x_line - last - 1, dy, dy_line - count, left, left_line,
            right, right_line)) {
        return;
    }
    for (; lines > 0; lines--) {
        dw3_wg_row(step, sum, count, x, dy, left, right);
        x += x_line;
        dy += dy_line;
        left += left_line;
        right += right_line;
    }
}

static TL_INLINE void dw3_wg_rows(
    const dw3_wg_shape *shape, tl_acc sum[DW3], int32_t lines, const tl_elem *x, const tl_elem *dy)
{
    const int32_t first = shape->first, count = shape->count;
    const tl_elem *const middle = x + shape->column;

    if (count > 0) {
        if (shape->step == 1) {
            dw3_wg_middle(1, shape, sum, lines, middle, dy + first);
        } else {
            dw3_wg_middle(2, shape, sum, lines, middle, dy + first);
        }
    }
    if (shape->before) {
        sum[2] = dw3_wg_column(shape, sum[2], lines, x, dy + first - 1);
    }
    if (shape->behind) {
        sum[0] = dw3_wg_column(
            shape, sum[0], lines, middle + shape->last + shape->step - 1, dy + first + count);
    }
}

/* The rows of dy whose windows have row `tap` inside x; the first one's distance from the plane's
   begin, and that of the row of x. */
typedef struct {
    int32_t lines, x, dy;
} dw3_wg_tap;

static inline void dw3_wg_taps(const tl_conv2d *op, dw3_wg_tap taps[DW3])
{
    const int32_t step = op->stride_h, pad = op->pad_top;
    int32_t count = DW3;

    TL_KEEP(count); /* or the code, needed once, is three times as long */
    for (int32_t tap = 0; tap < count; tap++) {
        const tl_range rows = outputs_inside(op->hi, tap, step, pad, op->ho);

        taps[tap].lines = rows.last - rows.first;
        taps[tap].x = (rows.first * step + tap - pad) * op->wi;
        taps[tap].dy = rows.first * op->wo;
    }
}

void TL_NAME(conv2d_dw3_wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t channels = op->co, x_plane = op->hi * op->wi, dy_plane = op->ho * op->wo;
    const dw3_wg_shape shape = dw3_wg_shape_of(op);
    int32_t turn = 0;
    const tl_range own = tl_share_from(channels * DW3, &turn);
    const int32_t channel = own.first / DW3;
    const tl_elem *x_from = x + channel * x_plane, *dy_from = dy + channel * dy_plane;
    dw3_wg_tap taps[DW3];
    int32_t tap = own.first - channel * DW3;

    dw3_wg_taps(op, taps);
    for (int32_t item = own.first; item < own.last; item++) {
        const tl_elem *x_at = x_from + taps[tap].x, *dy_at = dy_from + taps[tap].dy;
        tl_acc sum[DW3] = {0, 0, 0};

        for (int32_t n = taps[tap].lines > 0 ? op->n : 0; n > 0; n--) {
            dw3_wg_rows(&shape, sum, taps[tap].lines, x_at, dy_at);
            x_at += channels * x_plane;
            dy_at += channels * dy_plane;
        }
        for (int t = 0; t < DW3; t++) {
            gradient_store(dw + item * DW3 + t, sum[t], op->accumulate, op->scale, op->decay);
        }
        if (++tap == DW3) {
            tap = 0;
            x_from += x_plane;
            dy_from += dy_plane;
        }
    }
    if (db) {
        wg_bias(op, db, dy, &turn);
    }
}
