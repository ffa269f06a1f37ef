/* Depthwise convolution with a 3 x 3 window, and its input gradient. A core owns rows of y, or of dx: in
   pairs where windows are two columns apart. */

void TL_NAME(conv2d_dw3_fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const dw3_planes planes = {
        .from = x, .w = w, .b = b, .to = y, .n = op->n, .channels = op->co, .lines = op->ho,
        .count = op->wo, .extent_h = op->hi, .extent_w = op->wi, .top = op->pad_top,
        .left = op->pad_left, .down = op->stride_h, .up = 1};

    if (op->stride_w == 1) {
        (op->accumulate ? dw3_near_adding : dw3_near)(&planes);
    } else {
        (op->accumulate ? dw3_far_adding : dw3_far)(&planes);
    }
}

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
    /* a core has the same rows in both: no barrier */
    (op->accumulate ? pair_adding : pair_set)(op, dx, dy, w, 0);
    if (op->stride_h == 1) {
        pair_adding(op, dx, dy, w, 1);
    }
}
