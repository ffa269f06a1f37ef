/* Weight gradient: a core owns blocks of up to 4 output channels x 4 weights, and sums over all
   samples and pixels. The weights of a block are neighbours: taps of one row of the window, or, in
   a window one wide, input channels. Columns where a tap leaves x are added tap by tap. */

typedef struct {
    const tl_conv2d *op;
    const tl_elem *x;  /* sample 0, the block's first input channel */
    const tl_elem *dy; /* sample 0, first output channel */
    tl_elem *dw;       /* first weight */
    int32_t kh, kw;    /* first tap */
    int32_t x_step;    /* from one weight's input to the next one's */
    int32_t tap_step;  /* 1: the weights are taps of a row; 0: input channels */
    int32_t dw_step;   /* from one weight to the next */
    int32_t dw_channel;
} wg_block;

/* add columns [first, last) of one row to `channels` x `taps` sums, from weight `from` on */
static inline void wg_columns(
    const int channels, const int taps, tl_acc sum[BLOCK][BLOCK], int from, const wg_block *block,
    const tl_elem *x, const tl_elem *dy, tl_range columns)
{
    const tl_conv2d *op = block->op;
    const int32_t plane_y = op->ho * op->wo;

    x += columns.first * op->stride_w + from * block->x_step;
    for (int32_t wo = columns.first; wo < columns.last; wo++) {
        tl_acc in[BLOCK];

        for (int j = 0; j < taps; j++) {
            in[j] = TL_LOAD(x[j * block->x_step]);
        }
        for (int i = 0; i < channels; i++) {
            const tl_acc out = TL_LOAD(dy[i * plane_y + wo]);

            for (int j = 0; j < taps; j++) {
                sum[i][from + j] += out * in[j];
            }
        }
        x += op->stride_w;
    }
}

static inline void wg_row(
    const int channels, const int taps, tl_acc sum[BLOCK][BLOCK], const wg_block *block, int32_t n,
    int32_t ho)
{
    const tl_conv2d *op = block->op;
    const int32_t hi = ho * op->stride_h - op->pad_top + block->kh;
    const tl_elem *x = block->x + (n * op->ci * op->hi + hi) * op->wi + block->kw - op->pad_left;
    const tl_elem *dy = block->dy + (n * op->co * op->ho + ho) * op->wo;
    tl_range inside[BLOCK];
    tl_range common = {0, op->wo};

    for (int j = 0; j < taps; j++) {
        const int32_t tap = block->kw + j * block->tap_step;

        inside[j] = outputs_inside(op->wi, tap, op->stride_w, op->pad_left, op->wo);
        common.first = largest_of(common.first, inside[j].first);
        common.last = smallest_of(common.last, inside[j].last);
    }
    common.last = largest_of(common.last, common.first);
    wg_columns(channels, taps, sum, 0, block, x, dy, common);
    for (int j = 0; j < taps; j++) {
        const tl_range left = {inside[j].first, smallest_of(common.first, inside[j].last)};
        const tl_range right = {largest_of(common.last, inside[j].first), inside[j].last};

        wg_columns(channels, 1, sum, j, block, x, dy, left);
        wg_columns(channels, 1, sum, j, block, x, dy, right);
    }
}

static inline void wg_run_block(const int channels, const int taps, const wg_block *block)
{
    const tl_conv2d *op = block->op;
    const tl_range rows =
        outputs_inside(op->hi, block->kh, op->stride_h, op->pad_top, op->ho);
    tl_acc sum[BLOCK][BLOCK];

    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < taps; j++) {
            sum[i][j] = 0;
        }
    }
    for (int32_t n = 0; n < op->n; n++) {
        for (int32_t ho = rows.first; ho < rows.last; ho++) {
            wg_row(channels, taps, sum, block, n, ho);
        }
    }
    for (int i = 0; i < channels; i++) {
        for (int j = 0; j < taps; j++) {
            gradient_store(
                block->dw + i * block->dw_channel + j * block->dw_step, sum[i][j], op->accumulate,
                op->scale, op->decay);
        }
    }
}

static inline void wg_run_taps(const int channels, int32_t taps, const wg_block *block)
{
    switch (taps) {
    case 4:
        wg_run_block(channels, 4, block);
        break;
    case 3:
        wg_run_block(channels, 3, block);
        break;
    case 2:
        wg_run_block(channels, 2, block);
        break;
    default:
        wg_run_block(channels, 1, block);
        break;
    }
}

static inline void wg_bias(const tl_conv2d *op, tl_elem *db, const tl_elem *dy)
{
    const tl_range own = tl_share(op->co);
    const int32_t plane = op->ho * op->wo;

    for (int32_t co = own.first; co < own.last; co++) {
        tl_acc sum = 0;

        for (int32_t n = 0; n < op->n; n++) {
            const tl_elem *from = dy + (n * op->co + co) * plane;

            for (int32_t i = 0; i < plane; i++) {
                sum += TL_LOAD(from[i]);
            }
        }
        gradient_store(db + co, sum, op->accumulate, op->scale, op->bias_decay);
    }
}

/* The weights of one output channel in pieces: (channel, kh, piece of kw), or, in a window one
   wide, (piece of channels, kh). */
void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t channels = of_a_group(op->ci, op->groups);
    const int32_t outputs = of_a_group(op->co, op->groups);
    const int32_t blocks = (outputs + BLOCK - 1) / BLOCK;
    const int narrow = op->kw == 1;
    const int32_t along = narrow ? channels : op->kw;
    const int32_t pieces = (along + BLOCK - 1) / BLOCK;
    const int32_t lines = narrow ? op->kh : channels * op->kh;
    const int32_t window = op->kh * op->kw;
    const tl_range own = tl_share(op->groups * blocks * lines * pieces);

    if (db) {
        wg_bias(op, db, dy);
    }
    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t piece = item % pieces;
        const int32_t line = item / pieces % lines;
        const int32_t block = item / pieces / lines % blocks;
        const int32_t group = item / pieces / lines / blocks;
        /* pieces of nearly equal width: 5 taps are 3 and 2, not 4 and 1 */
        const int32_t start = piece * along / pieces;
        const int32_t taps = (piece + 1) * along / pieces - start;
        const int32_t channel = narrow ? start : line / op->kh;
        const int32_t first = group * outputs + block * BLOCK;
        const int32_t count = smallest_of(outputs - block * BLOCK, BLOCK);
        const int32_t kh = narrow ? line : line % op->kh;
        const int32_t kw = narrow ? 0 : start;
        wg_block work = {
            .op = op,
            .x = x + (group * channels + channel) * op->hi * op->wi,
            .dy = dy + first * op->ho * op->wo,
            .dw = dw + (first * channels + channel) * window + kh * op->kw + kw,
            .kh = kh,
            .kw = kw,
            .x_step = narrow ? op->hi * op->wi : 1,
            .tap_step = narrow ? 0 : 1,
            .dw_step = narrow ? window : 1,
            .dw_channel = channels * window,
        };

        if (count == BLOCK) {
            wg_run_taps(BLOCK, taps, &work);
            continue;
        }
        for (int32_t i = 0; i < count; i++) {
            wg_run_taps(1, taps, &work);
            work.dy += op->ho * op->wo;
            work.dw += channels * window;
        }
    }
}
