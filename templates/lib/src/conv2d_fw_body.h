/* Forward: a core owns rows of y, each of up to 4 output channels; a row is summed 4 channels x
   4 pixels at a time. Pixels whose window leaves x at the sides go one by one. */

typedef struct {
    const tl_conv2d *op;
    const tl_elem *x; /* first input channel of the group, first row of the window (may be outside) */
    const tl_elem *w; /* first output channel */
    const tl_elem *b; /* first output channel, or NULL */
    tl_elem *y;       /* first output channel, this row */
    tl_range taps_h;  /* rows of the window that lie inside x */
    int32_t channels; /* input channels of the group */
} fw_row;

/* `channels` and `pixels` are constants where this is inlined: the sums stay in registers. */
static inline void fw_block(
    const int channels, const int pixels, const fw_row *row, int32_t wo, tl_range taps_w)
{
    const tl_conv2d *op = row->op;
    const int32_t plane_y = op->ho * op->wo;
    const int32_t window = op->kh * op->kw;
    const int32_t filter = row->channels * window;
    const int32_t stride = op->stride_w;
    tl_acc sum[BLOCK][BLOCK];

    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < pixels; j++) {
            sum[i][j] = op->accumulate ? TL_LOAD(row->y[i * plane_y + wo + j])
                        : row->b       ? TL_LOAD(row->b[i])
                                       : 0;
        }
    }
    for (int32_t c = 0; c < row->channels; c++) {
        for (int32_t kh = row->taps_h.first; kh < row->taps_h.last; kh++) {
            const tl_elem *x = row->x + (c * op->hi + kh) * op->wi + wo * stride - op->pad_left;
            const tl_elem *w = row->w + c * window + kh * op->kw;

            for (int32_t kw = taps_w.first; kw < taps_w.last; kw++) {
                tl_acc in[BLOCK];

                for (int j = 0; j < pixels; j++) {
                    in[j] = TL_LOAD(x[kw + j * stride]);
                }
                for (int i = 0; i < channels; i++) {
                    const tl_acc weight = TL_LOAD(w[i * filter + kw]);

                    for (int j = 0; j < pixels; j++) {
                        sum[i][j] += weight * in[j];
                    }
                }
            }
        }
    }
    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < pixels; j++) {
            row->y[i * plane_y + wo + j] = TL_STORE(sum[i][j]);
        }
    }
}

static inline void fw_border(const int channels, const fw_row *row, int32_t first, int32_t last)
{
    const tl_conv2d *op = row->op;

    for (int32_t wo = first; wo < last; wo++) {
        const int32_t start = wo * op->stride_w - op->pad_left;

        fw_block(channels, 1, row, wo, taps_inside(start, op->wi, op->kw));
    }
}

static inline void fw_run_row(const int channels, const fw_row *row)
{
    const tl_conv2d *op = row->op;
    const tl_range all = {0, op->kw};
    const tl_range left = outputs_inside(op->wi, 0, op->stride_w, op->pad_left, op->wo);
    const tl_range right = outputs_inside(op->wi, op->kw - 1, op->stride_w, op->pad_left, op->wo);
    int32_t wo = smallest_of(left.first, op->wo);

    fw_border(channels, row, 0, wo);
    for (; wo + BLOCK <= right.last; wo += BLOCK) {
        fw_block(channels, BLOCK, row, wo, all);
    }
    fw_border(channels, row, wo, op->wo);
}

void TL_NAME(conv2d_fw)(
    const tl_conv2d *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const int32_t channels = op->ci / op->groups;
    const int32_t outputs = op->co / op->groups;
    const int32_t blocks = (outputs + BLOCK - 1) / BLOCK;
    const tl_range own = tl_share(op->n * op->groups * blocks * op->ho);

    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t ho = item % op->ho;
        const int32_t block = item / op->ho % blocks;
        const int32_t group = item / op->ho / blocks % op->groups;
        const int32_t n = item / op->ho / blocks / op->groups;
        const int32_t top = ho * op->stride_h - op->pad_top;
        const int32_t first = group * outputs + block * BLOCK;
        const int32_t count = smallest_of(outputs - block * BLOCK, BLOCK);
        fw_row row = {
            .op = op,
            .x = x + ((n * op->ci + group * channels) * op->hi + top) * op->wi,
            .w = w + first * channels * op->kh * op->kw,
            .b = b ? b + first : 0,
            .y = y + ((n * op->co + first) * op->ho + ho) * op->wo,
            .taps_h = taps_inside(top, op->hi, op->kh),
            .channels = channels,
        };

        if (count == BLOCK) {
            fw_run_row(BLOCK, &row);
            continue;
        }
        for (int32_t i = 0; i < count; i++) {
            fw_run_row(1, &row);
            row.w += channels * op->kh * op->kw;
            row.b = b ? row.b + 1 : 0;
            row.y += op->ho * op->wo;
        }
    }
}
