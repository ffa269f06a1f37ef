/* Input gradient of a depthwise convolution with a 3 x 3 window, from rows of dy. */

/* The rows of dx from `line` on, `step` apart and before `end`, that see the same taps. */
static inline int dw3_ig_rows(
    const tl_conv2d *op, dw3_rows *row, const tl_elem *dy, const tl_elem *w, int32_t line,
    int32_t end)
{
    const int32_t step = op->stride_h, ho = op->ho, wo = op->wo;
    int32_t first_tap = (line + op->pad_top) % step;
    int32_t from;
    int rows = 0;

    first_tap = first_tap < 0 ? first_tap + step : first_tap;
    from = (line + op->pad_top - first_tap) / step;
    row->lines = 1;
    for (int32_t tap = first_tap, t = 0; tap < DW3; tap += step, t++) {
        if ((uint32_t)(from - t) < (uint32_t)ho) {
            rows = dw3_join(row, rows, dy + (from - t) * wo, w + tap * DW3);
        }
    }
    if (first_tap + (rows - 1) * step + step >= DW3 && rows > 0 && from < ho) {
        const int32_t alike = (end - line + step - 1) / step;

        row->lines = smallest_of(alike, ho - from);
    }
    return rows;
}

static TL_NOINLINE void strip_ig(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const dw3_planes planes = {
        .from = dy, .w = w, .to = dx, .n = op->n, .channels = op->co, .lines = op->hi,
        .count = op->wi, .extent_h = op->ho, .extent_w = op->wo, .top = DW3 - 1 - op->pad_top,
        .left = DW3 - 1 - op->pad_left, .flip = 1, .accumulate = op->accumulate};

    strip_planes(&planes);
}

static TL_NOINLINE void rows_ig(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const int32_t channels = op->co, hi = op->hi, wi = op->wi, step = op->stride_h;
    const int32_t plane_y = op->ho * op->wo, near = op->stride_w == 1;
    void (*const *const run)(const dw3_rows *) = near ? dw3_near_of : dw3_spread_of;
    const tl_range own = tl_share(op->n * channels * hi);
    int32_t plane = own.first / hi;
    int32_t line = own.first - plane * hi;
    /* sliding windows take the weights from right to left */
    dw3_rows row = {.w_first = near ? DW3 - 1 : 0, .w_step = near ? -1 : 1, .to_line = step * wi,
                    .from_line = op->wo, .count = wi, .extent = op->wo,
                    .start = near ? op->pad_left - 2 : op->pad_left,
                    .accumulate = op->accumulate};

    for (int32_t item = own.first; item < own.last; plane++) {
        const int32_t end = smallest_of(hi, line + own.last - item);
        const int32_t channel = plane % channels;

        for (int32_t phase = 0; phase < step; phase++) {
            for (int32_t i = line + phase; i < end; i += step * row.lines) {
                const int rows = dw3_ig_rows(
                    op, &row, dy + plane * plane_y, w + channel * DW3 * DW3, i, end);

                row.to = dx + (plane * hi + i) * wi;
                run[rows + (rows == DW3 && row.accumulate)](&row);
            }
        }
        item += end - line;
        line = 0;
    }
}

void TL_NAME(conv2d_dw3_ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    if (op->stride_h == 2 && op->stride_w == 2) {
        (op->accumulate ? pair_adding : pair_ig)(op, dx, dy, w);
    } else if (op->stride_h == 1 && op->stride_w == 1) {
        strip_ig(op, dx, dy, w);
    } else {
        rows_ig(op, dx, dy, w);
    }
}
