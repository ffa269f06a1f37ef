/* Weight gradient of windows whose width is known: a block is a row of the window for some output
   channels. That row slides along the rows of dy; what it still sees of x stays in registers, as
   do the sums. */

#include "conv2d_wg_row_body.h"

/* Some output channels of a group, the last one repeated where the group has fewer, and one row of
   the window; from some channel on. */
typedef struct {
    const tl_elem *x;                   /* first sample, where the first row begins */
    const tl_elem *dy[WG_TAPS_OUTPUTS];
    tl_elem *dw;                        /* of the first output channel */
    int32_t outputs, rows;
} wg_block;

typedef struct {
    const tl_conv2d *op;
    const tl_elem *x, *dy;
    tl_elem *dw;
    int32_t channels, outputs; /* of a group */
    int32_t x_channel, dw_channel; /* elements from channel to channel, */
    int32_t dw_output;             /* and from an output channel to the next one */
    wg_way way;
} wg_operands;

static TL_NOINLINE void wg_block_of(
    const wg_operands *all, int32_t group, int32_t output, int32_t kh, int32_t channel,
    wg_block *block)
{
    const tl_conv2d *op = all->op;
    const tl_range rows = outputs_inside(op->hi, kh, op->stride_h, op->pad_top, op->ho);
    const int32_t hi = rows.first * op->stride_h + kh - op->pad_top;
    const int32_t plane = group * all->channels + channel;
    const int32_t co = group * all->outputs + output;
    const tl_elem *dy = all->dy + (co * op->ho + rows.first) * op->wo + all->way.first;

    block->x = all->x + (plane * op->hi + hi) * op->wi + all->way.column;
    block->dw =
        all->dw + co * all->dw_output + channel * all->dw_channel + kh * CONV2D_TAPS;
    block->outputs = smallest_of(all->outputs - output, WG_TAPS_OUTPUTS);
    block->rows = rows.last - rows.first;
    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        block->dy[i] = dy;
        dy += i + 1 < block->outputs ? op->ho * op->wo : 0;
    }
}

/* All rows of a sample. */
static TL_INLINE void wg_rows(
    const int step, const int whole, const wg_operands *all, int32_t rows,
    tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS], const tl_elem *x, const tl_elem **dy)
{
    const int32_t dy_skip = all->op->wo - all->way.walked;
    const int32_t x_skip = all->way.x_skip;

#ifdef CONV2D_WG_ROWS
    if (whole && CONV2D_WG_ROWS(
                     step, all->way.left, all->way.tail, sum, x, x_skip, dy, rows, all->op->wo)) {
        return;
    }
#endif
    for (; rows > 0; rows--) {
        wg_row(step, whole, &all->way, sum, &x, dy);
        x += x_skip;
        for (int i = 0; i < WG_TAPS_OUTPUTS && !whole; i++) {
            dy[i] += dy_skip;
        }
    }
}

/* One channel, whose first elements of x and dw these are. */
static TL_INLINE void wg_channel(
    const int step, const int whole, const wg_operands *all, const wg_block *block,
    const tl_elem *x, tl_elem *dw)
{
    const tl_conv2d *op = all->op;
    const float scale = op->scale;
    const tl_elem *dy[WG_TAPS_OUTPUTS];
    tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS];

    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        dy[i] = block->dy[i];
        for (int t = 0; t < CONV2D_TAPS; t++) {
            sum[i][t] = 0;
        }
    }
    for (int32_t n = op->n; n > 0;) {
        wg_rows(step, whole, all, block->rows, sum, x, dy);
        if (--n > 0) {
            x += op->ci * op->hi * op->wi;
            for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
                dy[i] += (op->co * op->ho - block->rows) * op->wo;
            }
        }
    }
    TL_UNROLL /* or the sums lie in memory */
    for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
        if (i >= block->outputs) {
            break;
        }
        TL_UNROLL
        for (int t = 0; t < CONV2D_TAPS; t++) {
            gradient_store(dw + t, sum[i][t], op->accumulate, scale, op->decay);
        }
        dw += all->dw_output;
    }
}

/* `count` channels. */
static TL_INLINE void wg_channels(
    const int step, const int whole, const wg_operands *all, const wg_block *block, int32_t count)
{
    const tl_elem *x = block->x;
    tl_elem *dw = block->dw;

    for (; count > 0; count--) {
        wg_channel(step, whole, all, block, x, dw);
        x += all->x_channel;
        dw += all->dw_channel;
    }
}

/* Functions with the registers for themselves. */
#define WG_STRIDE(step)                                                                            \
    static TL_NOINLINE void wg_stride_##step(                                                      \
        const wg_operands *all, const wg_block *block, int32_t count)                              \
    {                                                                                              \
        if (all->way.whole) {                                                                      \
            wg_channels(step, 1, all, block, count);                                               \
        } else {                                                                                   \
            wg_channels(step, 0, all, block, count);                                               \
        }                                                                                          \
    }
WG_STRIDE(1)
#if CONV2D_STRIDES >= 2
WG_STRIDE(2)
#endif
#undef WG_STRIDE

/* This core's share of db. A block takes as long as as many channels of db as it has sums: where the
   cores from `turn` on have a block less than the others, they do it. */
static tl_range wg_bias_share(int32_t channels, int32_t turn)
{
    const int32_t parts = tl_num_cores() - turn;
    const int32_t part = tl_core_id() - turn;

    if (turn == 0 || channels > parts * WG_TAPS_OUTPUTS * CONV2D_TAPS) {
        return tl_share_from(channels, &turn);
    }
    return part < 0 ? (tl_range){0, 0} : tl_part(channels, parts, part);
}

/* Blocks are dealt out to the cores by (group, output channels, row of the window, channel). */
void CONV2D_NAME(wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t channels = of_a_group(op->ci, op->groups);
    const int32_t dw_channel = op->kh * CONV2D_TAPS;
    const wg_operands all = {
        .op = op, .x = x, .dy = dy, .dw = dw, .channels = channels,
        .outputs = of_a_group(op->co, op->groups), .x_channel = op->hi * op->wi,
        .dw_channel = dw_channel,
        .dw_output = channels * dw_channel, .way = wg_way_of(op),
    };
    const int32_t blocks = (all.outputs + WG_TAPS_OUTPUTS - 1) / WG_TAPS_OUTPUTS;
    int32_t turn = 0;
    const tl_range own =
        tl_share_from(op->groups * blocks * op->kh * channels, &turn);
    int32_t left = own.last - own.first;
    int32_t kh = tl_quotient(own.first, channels);
    int32_t channel = own.first - kh * channels;
    int32_t output = kh / op->kh;
    int32_t group = tl_quotient(output, blocks);

    kh -= output * op->kh;
    output = (output - group * blocks) * WG_TAPS_OUTPUTS;
    while (left > 0) {
        const int32_t count = smallest_of(channels - channel, left);
        wg_block block;

        wg_block_of(&all, group, output, kh, channel, &block);
#if CONV2D_STRIDES >= 2
        if (op->stride_w == 2) {
            wg_stride_2(&all, &block, count);
        } else {
            wg_stride_1(&all, &block, count);
        }
#else
        wg_stride_1(&all, &block, count);
#endif
        left -= count;
        channel = 0;
        if (++kh == op->kh) {
            kh = 0;
            output += WG_TAPS_OUTPUTS;
            if (output >= all.outputs) {
                output = 0;
                group++;
            }
        }
    }
    if (db) {
        wg_bias_of(op, db, dy, wg_bias_share(op->co, turn));
    }
}
