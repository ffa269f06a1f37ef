/* Weight gradient of windows whose width is known: a block is a row of the window for some output
   channels. It sums columns of dy, a few at a time, from top to bottom; each element of x in such a
   strip is loaded once for all taps. */

/* 4 x 3, 2 x 5 or 2 x 7 sums: as many as fit the registers */
enum { WG_TAPS_OUTPUTS = CONV2D_TAPS <= 3 ? 4 : 2 };

/* A strip: rows of dy, and where its windows begin in a row of x. */
typedef struct {
    int32_t rows;
    int32_t x_pitch, dy_pitch;
    int32_t column, extent;
} wg_strip;

/* `pixels` and what follows are constants where this is inlined, as in correlate_run. */
static TL_INLINE void wg_run(
    const int pixels, const int x_step, const int left, const int right, const wg_strip *strip,
    wg_block *block, int32_t first)
{
    const int seen = (pixels - 1) * x_step + CONV2D_TAPS;
    uint32_t inside =
        left == ANYWHERE ? bits_inside(strip->column + first * x_step, strip->extent) : 0;
    const tl_elem *x = block->x[0] + strip->column + first * x_step;
    const tl_elem *dy[WG_TAPS_OUTPUTS];
    tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS];
    int32_t rows = strip->rows;

    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        dy[i] = block->dy[i] + first;
        for (int t = 0; t < CONV2D_TAPS; t++) {
            sum[i][t] = block->sum[i][t];
        }
    }
    do {
        tl_acc in[WINDOW_MAX];

        TL_KEEP(x);
        for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
            TL_KEEP(dy[i]);
        }
        TL_KEEP(inside);
        TL_UNROLL
        for (int p = 0; p < pixels; p++) {
            TL_UNROLL
            for (int t = p && x_step < CONV2D_TAPS ? CONV2D_TAPS - x_step : 0; t < CONV2D_TAPS; t++) {
                const int k = p * x_step + t;

                if (left == ANYWHERE) {
                    in[k] = inside >> k & 1 ? TL_LOAD(x[k]) : 0;
                } else if (k >= left && k < seen - right) {
                    in[k] = TL_LOAD(x[k]);
                }
            }
            TL_UNROLL
            for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
                const tl_acc out = TL_LOAD(dy[i][p]);

                TL_UNROLL
                for (int t = 0; t < CONV2D_TAPS; t++) {
                    const int k = p * x_step + t;

                    if (left == ANYWHERE || (k >= left && k < seen - right)) {
                        sum[i][t] += out * in[k];
                    }
                }
            }
        }
        x += strip->x_pitch;
        for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
            dy[i] += strip->dy_pitch;
        }
        rows--;
        TL_KEEP(rows);
    } while (rows > 0);
    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        for (int t = 0; t < CONV2D_TAPS; t++) {
            block->sum[i][t] = sum[i][t];
        }
    }
}

/* As correlate_choose. */
static TL_INLINE void wg_choose(
    const int x_step, const wg_strip *strip, wg_block *block, int32_t pixels, int32_t left,
    int32_t right)
{
    enum { SAME = CONV2D_TAPS / 2 };

#define RUN(pixels, left, right, first) wg_run(pixels, x_step, left, right, strip, block, first)
#define RUN_WIDE(left, right)                                                                      \
    if (pixels == 6) {                                                                             \
        RUN(6, left, right, 0);                                                                    \
    } else if (pixels == 5) {                                                                      \
        RUN(5, left, right, 0);                                                                    \
    } else {                                                                                       \
        RUN(4, left, right, 0);                                                                    \
    }                                                                                              \
    return
    if (pixels > 3) {
        if ((left | right) == 0) {
            RUN_WIDE(0, 0);
        }
        if (left == SAME && right == 0) {
            RUN_WIDE(SAME, 0);
        }
        if (left == 0 && right == SAME) {
            RUN_WIDE(0, SAME);
        }
        if (left == SAME && right == SAME) {
            RUN_WIDE(SAME, SAME);
        }
    }
    for (int32_t first = 0; first < pixels; first += 3) {
        if (pixels - first == 1) {
            RUN(1, ANYWHERE, 0, first);
        } else if (pixels - first == 2) {
            RUN(2, ANYWHERE, 0, first);
        } else {
            RUN(3, ANYWHERE, 0, first);
        }
    }
#undef RUN_WIDE
#undef RUN
}

/* The sums of one sample: strips of nearly equal width, `pieces` of them. */
static TL_INLINE void wg_sample(
    const int x_step, const tl_conv2d *op, wg_block *block, int32_t rows, int32_t pieces, int32_t each)
{
    const int32_t wider = op->wo - pieces * each;
    wg_strip strip = {
        .rows = rows, .x_pitch = op->stride_h * op->wi, .dy_pitch = op->wo,
        .column = -op->pad_left, .extent = op->wi,
    };

    for (int32_t piece = 0; piece < pieces; piece++) {
        const int32_t pixels = each + (piece < wider);
        const int32_t end = strip.column + (pixels - 1) * x_step + CONV2D_TAPS;

        wg_choose(
            x_step, &strip, block, pixels, largest_of(-strip.column, 0),
            largest_of(end - op->wi, 0));
        strip.column += pixels * x_step;
        for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
            block->dy[i] += pixels;
        }
    }
}

typedef struct {
    tl_conv2d op; /* a copy: the original may lie far from the cores */
    const tl_elem *x, *dy;
    tl_elem *dw;
    int32_t channels, outputs; /* of a group */
    int32_t pieces, each;      /* strips of a row of dy, their width or 1 less */
} wg_operands;

/* Some output channels of a group; the last one repeats where the group has fewer. */
typedef struct {
    const tl_elem *x;                   /* first channel of the group */
    const tl_elem *dy[WG_TAPS_OUTPUTS]; /* first sample */
    tl_elem *dw[WG_TAPS_OUTPUTS];       /* first channel */
    int32_t count;
} wg_outputs;

static TL_NOINLINE void wg_outputs_of(
    const wg_operands *all, int32_t group, int32_t first, wg_outputs *outputs)
{
    const tl_conv2d *op = &all->op;

    outputs->x = all->x + group * all->channels * op->hi * op->wi;
    outputs->count = smallest_of(all->outputs - first, WG_TAPS_OUTPUTS);
    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        const int32_t output = group * all->outputs + first + smallest_of(i, outputs->count - 1);

        outputs->dy[i] = all->dy + output * op->ho * op->wo;
        outputs->dw[i] = all->dw + output * all->channels * op->kh * CONV2D_TAPS;
    }
}

/* Row `kh` of the window, of one channel. */
static TL_INLINE void wg_window_row(
    const int x_step, const wg_operands *all, const wg_outputs *outputs, int32_t channel, int32_t kh)
{
    const tl_conv2d *op = &all->op;
    const float scale = op->scale;
    const tl_range rows = outputs_inside(op->hi, kh, op->stride_h, op->pad_top, op->ho);
    const int32_t hi = rows.first * op->stride_h + kh - op->pad_top;
    const int32_t weights = (channel * op->kh + kh) * CONV2D_TAPS;
    int32_t x_offset = (channel * op->hi + hi) * op->wi;
    int32_t dy_offset = rows.first * op->wo;
    wg_block block;

    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        for (int t = 0; t < CONV2D_TAPS; t++) {
            block.sum[i][t] = 0;
        }
    }
    for (int32_t n = 0; n < op->n && rows.first < rows.last; n++) {
        block.x[0] = outputs->x + x_offset;
        for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
            block.dy[i] = outputs->dy[i] + dy_offset;
        }
        wg_sample(x_step, op, &block, rows.last - rows.first, all->pieces, all->each);
        x_offset += op->ci * op->hi * op->wi;
        dy_offset += op->co * op->ho * op->wo;
    }
    for (int i = 0; i < outputs->count; i++) {
        tl_elem *dw = outputs->dw[i] + weights;

        for (int t = 0; t < CONV2D_TAPS; t++) {
            gradient_store(dw + t, block.sum[i][t], op->accumulate, scale, op->decay);
        }
    }
}

static TL_INLINE void wg_all(const int x_step, const wg_operands *all, int32_t *turn)
{
    const int32_t taps_h = all->op.kh;
    const int32_t channels = all->channels;
    const int32_t blocks = (all->outputs + WG_TAPS_OUTPUTS - 1) / WG_TAPS_OUTPUTS;
    const tl_range own = tl_share_from(all->op.groups * blocks * channels * taps_h, turn);
    int32_t left = own.last - own.first;
    int32_t channel = own.first / taps_h;
    int32_t kh = own.first - channel * taps_h;
    int32_t block = channel / channels;
    int32_t group = block / blocks;

    channel -= block * channels;
    block -= group * blocks;
    while (left > 0) {
        wg_outputs outputs;

        wg_outputs_of(all, group, block * WG_TAPS_OUTPUTS, &outputs);
        for (; channel < channels && left > 0; channel++) {
            for (; kh < taps_h && left > 0; kh++) {
                wg_window_row(x_step, all, &outputs, channel, kh);
                left--;
            }
            kh = 0;
        }
        channel = 0;
        if (++block == blocks) {
            block = 0;
            group++;
        }
    }
}

static TL_NOINLINE void wg_stride_1(const wg_operands *all, int32_t *turn)
{
    wg_all(1, all, turn);
}

#if CONV2D_STRIDES >= 2
static TL_NOINLINE void wg_stride_2(const wg_operands *all, int32_t *turn)
{
    wg_all(2, all, turn);
}
#endif

void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t pieces = (op->wo + WG_PIXELS - 1) / WG_PIXELS;
    const wg_operands all = {
        .op = *op, .x = x, .dy = dy, .dw = dw,
        .channels = op->ci / op->groups, .outputs = op->co / op->groups,
        .pieces = pieces, .each = pieces ? op->wo / pieces : 0,
    };
    int32_t turn = 0;

#if CONV2D_STRIDES >= 2
    if (op->stride_w == 2) {
        wg_stride_2(&all, &turn);
    } else {
        wg_stride_1(&all, &turn);
    }
#else
    wg_stride_1(&all, &turn);
#endif
    if (db) {
        wg_bias(&all.op, db, dy, &turn);
    }
}
