/* Input gradient, gathered: a core owns rows of dx, each of up to 4 input channels.

   With a stride s, the columns of dx fall into s phases: column wi of phase p = (wi + pad) mod s
   takes the taps kw = p, p + s, ... and, with q = (wi + pad - p) / s, tap kw = p + t s reads dy at
   column q - t. Within a phase, neighbours in q read neighbours in dy, so that a row is summed
   4 channels x 4 pixels of one phase at a time. */

typedef struct {
    const tl_conv2d *op;
    const tl_elem *dy; /* first output channel of the group */
    const tl_elem *w;  /* first output channel of the group, first input channel */
    tl_elem *dx;       /* first input channel, this row */
    int32_t hi;
    int32_t outputs;   /* output channels of the group */
    int32_t channels;  /* input channels of the group */
} ig_row;

typedef struct {
    int32_t phase;
    int32_t taps;  /* of this phase */
    int32_t first; /* column of dx where q = 0; may be outside */
} ig_phase;

static inline void ig_block(
    const int channels, const int pixels, const ig_row *row, const ig_phase *phase, int32_t q,
    tl_range taps)
{
    const tl_conv2d *op = row->op;
    const int32_t window = op->kh * op->kw;
    const int32_t plane_x = op->hi * op->wi;
    const int32_t stride = op->stride_w;
    tl_elem *dx = row->dx + phase->first + q * stride;
    tl_acc sum[BLOCK][BLOCK];

    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < pixels; j++) {
            sum[i][j] = op->accumulate ? TL_LOAD(dx[i * plane_x + j * stride]) : 0;
        }
    }
    for (int32_t co = 0; co < row->outputs; co++) {
        const int32_t from_top = row->hi + op->pad_top;

        for (int32_t kh = from_top - floor_div(from_top, op->stride_h) * op->stride_h; kh < op->kh; kh += op->stride_h) {
            const int32_t ho = (from_top - kh) / op->stride_h;
            const tl_elem *dy = row->dy + (co * op->ho + ho) * op->wo + q;
            const tl_elem *w = row->w + co * row->channels * window + kh * op->kw + phase->phase;

            if (from_top < kh || ho >= op->ho) {
                continue;
            }
            for (int32_t t = taps.first; t < taps.last; t++) {
                tl_acc in[BLOCK];

                for (int j = 0; j < pixels; j++) {
                    in[j] = TL_LOAD(dy[j - t]);
                }
                for (int i = 0; i < channels; i++) {
                    const tl_acc weight = TL_LOAD(w[i * window + t * stride]);

                    for (int j = 0; j < pixels; j++) {
                        sum[i][j] += weight * in[j];
                    }
                }
            }
        }
    }
    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < pixels; j++) {
            dx[i * plane_x + j * stride] = TL_STORE(sum[i][j]);
        }
    }
}

static inline void ig_border(
    const int channels, const ig_row *row, const ig_phase *phase, int32_t first, int32_t last)
{
    for (int32_t q = first; q < last; q++) {
        /* 0 <= q - t < wo */
        tl_range taps;

        taps.first = largest_of(q - row->op->wo + 1, 0);
        taps.last = smallest_of(q + 1, phase->taps);
        ig_block(channels, 1, row, phase, q, taps);
    }
}

static inline void ig_run_row(const int channels, const ig_row *row)
{
    const tl_conv2d *op = row->op;

    for (int32_t p = 0; p < op->stride_w; p++) {
        const ig_phase phase = {
            .phase = p,
            .taps = p < op->kw ? (op->kw - p + op->stride_w - 1) / op->stride_w : 0,
            .first = p - op->pad_left,
        };
        const tl_range all = {0, phase.taps};
        int32_t q = largest_of(ceil_div(op->pad_left - p, op->stride_w), 0);
        const int32_t last = floor_div(op->wi - 1 + op->pad_left - p, op->stride_w) + 1;
        const int32_t whole = smallest_of(largest_of(phase.taps - 1, q), last);

        ig_border(channels, row, &phase, q, whole);
        for (q = whole; q + BLOCK <= smallest_of(last, op->wo); q += BLOCK) {
            ig_block(channels, BLOCK, row, &phase, q, all);
        }
        ig_border(channels, row, &phase, q, last);
    }
}

void TL_NAME(conv2d_ig)(const tl_conv2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const int32_t channels = op->ci / op->groups;
    const int32_t outputs = op->co / op->groups;
    const int32_t blocks = (channels + BLOCK - 1) / BLOCK;
    const tl_range own = tl_share(op->n * op->groups * blocks * op->hi);

    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t hi = item % op->hi;
        const int32_t block = item / op->hi % blocks;
        const int32_t group = item / op->hi / blocks % op->groups;
        const int32_t n = item / op->hi / blocks / op->groups;
        const int32_t first = block * BLOCK;
        const int32_t count = smallest_of(channels - first, BLOCK);
        ig_row row = {
            .op = op,
            .dy = dy + (n * op->co + group * outputs) * op->ho * op->wo,
            .w = w + (group * outputs * channels + first) * op->kh * op->kw,
            .dx = dx + ((n * op->ci + group * channels + first) * op->hi + hi) * op->wi,
            .hi = hi,
            .outputs = outputs,
            .channels = channels,
        };

        if (count == BLOCK) {
            ig_run_row(BLOCK, &row);
            continue;
        }
        for (int32_t i = 0; i < count; i++) {
            ig_run_row(1, &row);
            row.w += op->kh * op->kw;
            row.dx += op->hi * op->wi;
        }
    }
}
