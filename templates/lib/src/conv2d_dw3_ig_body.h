/* Input gradient of a depthwise convolution with a 3 x 3 window. A core owns rows of dx. */

static TL_NOINLINE void rows_ig(
    const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const dw3_planes planes = {
        .from = dy, .w = w, .to = dx, .n = op->n, .channels = op->co, .lines = op->hi,
        .count = op->wi, .extent_h = op->ho, .extent_w = op->wo, .top = DW3 - 1 - op->pad_top,
        .left = DW3 - 1 - op->pad_left, .down = 1, .up = op->stride_h, .flip = 1};

    (op->accumulate ? dw3_near_adding : dw3_near)(&planes);
}

void TL_NAME(conv2d_dw3_ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    if (op->stride_w == 1) {
        rows_ig(op, dx, dy, w);
        return;
    }
    (op->accumulate ? pair_adding : pair_set)(op, dx, dy, w, 0);
    if (op->stride_h == 1) {
        pair_adding(op, dx, dy, w, 1);
    }
}
