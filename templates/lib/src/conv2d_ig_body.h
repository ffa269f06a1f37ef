/* Input gradient: a correlation of dy with w turned by 180 degrees, channels exchanged.

   With a stride s, the elements i of an axis of dx fall into s phases: those with
   (i + pad) mod s = p take the taps p, p + s, ... alone and, with q = (i + pad - p) / s, tap p + t s
   reads dy at q - t. So each pair of phases is a correlation with stride 1, for every s-th element
   of dx. */

static inline axis ig_axis(
    int32_t p, int32_t stride, int32_t pad, int32_t kernel, int32_t extent_x, int32_t extent_y)
{
    const int32_t taps = p < kernel ? (kernel - p + stride - 1) / stride : 0;
    const int32_t first = ceil_div(pad - p, stride);
    const int32_t last = floor_div(extent_x - 1 + pad - p, stride);

    return (axis){
        .outputs = last - first + 1, .start = first - taps + 1, .step = 1, .extent = extent_y,
        .taps = taps, .y_first = first * stride + p - pad, .y_step = stride,
        .w_first = p + (taps - 1) * stride, .w_step = -stride,
    };
}

static inline correlation ig_correlation(const tl_conv2d *op)
{
    const int32_t channels = of_a_group(op->ci, op->groups);
    const int32_t outputs = of_a_group(op->co, op->groups);
    const int32_t window = op->kh * op->kw;

    return (correlation){
        .groups = op->groups,
        .planes = op->n * op->groups,
        .channels = outputs, .x_plane = op->ho * op->wo, .w_channel = channels * window,
        .outputs = channels, .y_plane = op->hi * op->wi, .w_output = window,
        .w_group = outputs * channels * window,
        .accumulate = op->accumulate,
    };
}

static TL_NOINLINE void ig_stride_1(const correlation *c, int32_t *turn)
{
    correlate(CONV2D_TAPS, 1, -1, 1, c, turn);
}

#if CONV2D_STRIDES >= 2
static TL_NOINLINE void ig_even(const correlation *c, int32_t *turn)
{
    correlate((CONV2D_TAPS + 1) / 2, 1, -2, 2, c, turn);
}

static TL_NOINLINE void ig_odd(const correlation *c, int32_t *turn)
{
    correlate(CONV2D_TAPS / 2, 1, -2, 2, c, turn);
}
#endif

/* The elements of dx in phase `p` of the columns. */
static inline void ig_columns(const tl_conv2d *op, int32_t p, correlation *c, int32_t *turn)
{
    c->columns = ig_axis(p, op->stride_w, op->pad_left, op->kw, op->wi, op->wo);
#if CONV2D_STRIDES >= 2
    if (op->stride_w == 2) {
        if (p == 0) {
            ig_even(c, turn);
        } else {
            ig_odd(c, turn);
        }
        return;
    }
#endif
    ig_stride_1(c, turn); /* or, with CONV2D_TAPS 0, any */
}

void CONV2D_NAME(ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    correlation c = ig_correlation(op);
    int32_t turn = 0;

    c.y = dx;
    c.x = dy;
    c.w = w;
    for (int32_t p = 0; p < op->stride_h; p++) {
        c.rows = ig_axis(p, op->stride_h, op->pad_top, op->kh, op->hi, op->ho);
        c.rows.y_first *= op->wi;
        c.rows.y_step *= op->wi;
        c.rows.w_first *= op->kw;
        c.rows.w_step *= op->kw;
        for (int32_t q = 0; q < op->stride_w; q++) {
            ig_columns(op, q, &c, &turn);
        }
    }
}
