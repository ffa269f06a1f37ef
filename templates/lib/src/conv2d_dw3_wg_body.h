/* Weight gradient of a depthwise convolution with a 3 x 3 window. A core owns rows of windows: three sums
   each, over the rows of dy that see a row of x. Of such a row come first the windows with their second
   column inside x; the first one's first and the last one's third column may lie outside and count as
   zero. Of the others two at most see anything, one column each. */

/* One channel of one sample, from the first row of dy and the row of x that it sees on. */
typedef struct {
    const tl_elem *x, *dy;
    int32_t lines;
    int32_t x_line, dy_line;  /* from one row to the next */
    int32_t extent;           /* columns of x */
    int32_t start;            /* the first window's first column */
    tl_range columns;         /* of dy, whose windows have their second column inside */
} dw3_wg_rows;

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
    const tl_elem *const last = dy + count - 1;
    tl_acc a = TL_LOAD(*left), b = TL_LOAD(*x++), c;

    while (last - dy >= DW3) {
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
    while (dy < last) {
        c = TL_LOAD(*x++);
        dw3_wg_add(sum, a, b, c, dy++);
        a = step == 1 ? b : c;
        b = step == 1 ? c : TL_LOAD(*x++);
    }
    dw3_wg_add(sum, a, b, TL_LOAD(*right), dy);
}

static TL_INLINE void dw3_wg_middle(const int step, const dw3_wg_rows *rows, tl_acc sum[DW3])
{
    const tl_elem nothing = TL_STORE(0);
    const int32_t count = rows->columns.last - rows->columns.first;
    const int32_t first = rows->start + step * rows->columns.first; /* column of x */
    const int32_t last = step * (count - 1) + 1;  /* the last window's second one, from there */
    const int32_t x_line = rows->x_line, dy_line = rows->dy_line;
    const int32_t left_line = first < 0 ? 0 : x_line;
    const int32_t right_line = first + last + 1 < rows->extent ? x_line : 0;
    const tl_elem *x = rows->x + first, *dy = rows->dy + rows->columns.first;
    const tl_elem *left = left_line ? x : &nothing;
    const tl_elem *right = right_line ? x + last + 1 : &nothing;

    if (count <= 0 || TL_ROWS(window)(
            step, sum, rows->lines, count, x + 1, x_line - last, dy, dy_line - count, left,
            left_line, right, right_line)) {
        return;
    }
    for (int32_t lines = rows->lines; lines > 0; lines--) {
        dw3_wg_row(step, sum, count, x + 1, dy, left, right);
        x += x_line;
        dy += dy_line;
        left += left_line;
        right += right_line;
    }
}

/* One column of x and of dy. */
static TL_NOINLINE tl_acc dw3_wg_column(
    const dw3_wg_rows *rows, tl_acc sum, int32_t x_column, int32_t dy_column)
{
    const tl_elem *x = rows->x + x_column, *dy = rows->dy + dy_column;

    for (int32_t lines = rows->lines; lines > 0; lines--) {
        sum += TL_LOAD(*x) * TL_LOAD(*dy);
        x += rows->x_line;
        dy += rows->dy_line;
    }
    return sum;
}

static TL_INLINE void dw3_wg_sums(const int step, const dw3_wg_rows *rows, tl_acc sum[DW3])
{
    const tl_range columns = rows->columns;

    dw3_wg_middle(step, rows, sum);
    if (columns.first > 0 && rows->start + step * (columns.first - 1) == -2) {
        sum[2] = dw3_wg_column(rows, sum[2], 0, columns.first - 1);
    }
    if (columns.last < rows->dy_line && rows->start + step * columns.last == rows->extent - 1) {
        sum[0] = dw3_wg_column(rows, sum[0], rows->extent - 1, columns.last);
    }
}

void TL_NAME(conv2d_dw3_wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t channels = op->co, plane_x = op->hi * op->wi, plane_y = op->ho * op->wo;
    int32_t turn = 0;
    const tl_range own = tl_share_from(channels * DW3, &turn);
    dw3_wg_rows rows = {
        .x_line = op->stride_h * op->wi, .dy_line = op->wo, .extent = op->wi,
        .start = -op->pad_left,
        .columns = outputs_inside(op->wi, 1, op->stride_w, op->pad_left, op->wo),
    };

    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t channel = item / DW3, tap = item - channel * DW3;
        const tl_range lines = outputs_inside(op->hi, tap, op->stride_h, op->pad_top, op->ho);
        const int32_t line = lines.first * op->stride_h + tap - op->pad_top;
        tl_acc sum[DW3] = {0, 0, 0};

        rows.lines = lines.last - lines.first;
        for (int32_t sample = 0; sample < op->n && rows.lines > 0; sample++) {
            const int32_t plane = sample * channels + channel;

            rows.x = x + plane * plane_x + line * op->wi;
            rows.dy = dy + plane * plane_y + lines.first * op->wo;
            if (op->stride_w == 1) {
                dw3_wg_sums(1, &rows, sum);
            } else {
                dw3_wg_sums(2, &rows, sum);
            }
        }
        for (int t = 0; t < DW3; t++) {
            gradient_store(dw + item * DW3 + t, sum[t], op->accumulate, op->scale, op->decay);
        }
    }
    if (db) {
        wg_bias(op, db, dy, &turn);
    }
}
