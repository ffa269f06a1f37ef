/* Depthwise convolution with a 3 x 3 window: what the phases share, and forward. A core owns rows of y. */

/* Which outputs of a row bring new columns from where: those before `first` see nothing of the
   source, those from `last` on nothing new. */
static TL_INLINE tl_range dw3_outputs(int32_t start, int32_t step, int32_t extent, int32_t count)
{
    /* step is 1 or 2: a shift divides */
    const int32_t before = start + 2 < 0 ? (step - 3 - start) >> (step - 1) : 0;
    const int32_t room = extent - DW3 - start;
    tl_range range;

    range.first = before < count ? before : count;
    range.last = room < 0 ? 0 : (room >> (step - 1)) + 1;
    range.last = range.last < count ? range.last : count;
    range.last = range.last < range.first ? range.first : range.last;
    return range;
}

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
