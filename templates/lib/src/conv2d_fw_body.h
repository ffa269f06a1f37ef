/* Forward: a correlation of x with w. */

static inline correlation fw_correlation(const tl_conv2d *op)
{
    const int32_t channels = of_a_group(op->ci, op->groups);
    const int32_t outputs = of_a_group(op->co, op->groups);
    const int32_t window = op->kh * op->kw;

    return (correlation){
        .rows = {
            .outputs = op->ho, .start = -op->pad_top, .step = op->stride_h, .extent = op->hi,
            .taps = op->kh, .y_step = op->wo, .w_step = op->kw,
        },
        .columns = {
            .outputs = op->wo, .start = -op->pad_left, .step = op->stride_w, .extent = op->wi,
            .taps = op->kw, .y_step = 1, .w_step = 1,
        },
        .groups = op->groups,
        .planes = op->n * op->groups,
        .channels = channels, .x_plane = op->hi * op->wi, .w_channel = window,
        .outputs = outputs, .y_plane = op->ho * op->wo, .w_output = channels * window,
        .w_group = outputs * channels * window,
        .accumulate = op->accumulate,
    };
}

static TL_NOINLINE void fw_stride_1(const correlation *c, int32_t *turn)
{
    correlate(CONV2D_TAPS, 1, 1, 1, c, turn);
}

#if CONV2D_STRIDES >= 2
static TL_NOINLINE void fw_stride_2(const correlation *c, int32_t *turn)
{
    correlate(CONV2D_TAPS, 2, 1, 1, c, turn);
}
#endif

void CONV2D_NAME(fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    correlation c = fw_correlation(op);
    int32_t turn = 0;

    c.y = y;
    c.x = x;
    c.w = w;
    c.b = b;
#if CONV2D_STRIDES >= 2
    if (op->stride_w == 2) {
        fw_stride_2(&c, &turn);
        return;
    }
#endif
    fw_stride_1(&c, &turn); /* or, with CONV2D_TAPS 0, any */
}
