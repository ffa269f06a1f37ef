/* What forward and input gradient have in common: each output is a sum over the channels and the
   window of a source, with windows that may leave it. Outputs are summed in registers,
   CORRELATE_OUTPUTS channels x up to CORRELATE_PIXELS neighbours of a row; such blocks are dealt out
   to the cores. */

#include "conv2d_correlate_run_body.h"

/* Blocks below each other: some output channels and pixels, rows [row, row + count). */
typedef struct {
    const tl_elem *x; /* row 0 of the source, column of the first pixel's window; may be outside */
    const tl_elem *w[CORRELATE_OUTPUTS];
    int32_t row, count;
    int32_t pixels;
    int32_t left, right; /* elements of the windows that lie outside, at each side */
} correlate_strip;

static TL_NOINLINE correlate_loops correlate_loops_of(const correlation *c, int32_t rows)
{
    correlate_loops loops = {.rows = rows};

    if (rows <= c->channels) {
        loops.inner = c->channels;
        loops.x_inner = c->x_plane;
        loops.w_inner = c->w_channel;
        loops.outer = rows;
        loops.x_outer = c->columns.extent;
        loops.w_outer = c->rows.w_step;
    } else {
        loops.inner = rows;
        loops.x_inner = c->columns.extent;
        loops.w_inner = c->rows.w_step;
        loops.outer = c->channels;
        loops.x_outer = c->x_plane;
        loops.w_outer = c->w_channel;
    }
    loops.x_outer -= loops.inner * loops.x_inner;
    loops.w_outer -= loops.inner * loops.w_inner;
    return loops;
}

/* The block of sums for a width and what lies outside: those that windows with as much padding as
   keeps the size of an image meet ("same"), or with all of it ("full"), in one piece; the others in
   narrow ones. */
static TL_INLINE void correlate_choose(
    const int taps, const int x_step, const int w_tap, const int y_step, const axis *columns,
    const correlate_block *block, int32_t pixels, int32_t left, int32_t right)
{
    const int same = taps == 2 ? 1 : (taps - 1) / 2;
    const int full = taps - 1;

/* no switch: its table of addresses would lie far from the cores */
#define RUN(pixels, left, right, first)                                                            \
    correlate_run(pixels, taps, x_step, w_tap, y_step, left, right, columns, block, first)
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
        if (taps > 1 && right == 0) {
            if (left == same) {
                RUN_WIDE(same, 0);
            }
            if (full > same && x_step == 1 && left == full) {
                RUN_WIDE(full, 0);
            }
        }
        if (taps > 1 && left == 0) {
            if (right == same) {
                RUN_WIDE(0, same);
            }
            if (full > same && x_step == 1 && right == full) {
                RUN_WIDE(0, full);
            }
        }
        if (taps > 1 && left == same && right == same) {
            RUN_WIDE(same, same);
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

static TL_INLINE void correlate_rows(
    const int taps, const int x_step, const int w_tap, const int y_step, const correlation *c,
    const correlate_strip *strip, correlate_block *block)
{
    const axis *rows = &c->rows;
    int32_t top = rows->start + strip->row * rows->step;

    block->x_line = rows->step * c->columns.extent;
    block->y_line = rows->y_step;
    for (int32_t count = strip->count; count > 0; count -= block->lines) {
        const tl_range inside = taps_inside(top, rows->extent, rows->taps);

        if (inside.last - inside.first != block->loops.rows) {
            block->loops = correlate_loops_of(c, inside.last - inside.first);
        }
        block->lines = 1;
        if (block->loops.rows == rows->taps) {
            const int32_t alike = floor_div(rows->extent - rows->taps - top, rows->step) + 1;

            block->lines = largest_of(smallest_of(alike, count), 1); /* no taps: any */
        }
        block->x = strip->x + (top + inside.first) * c->columns.extent;
        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            block->w[i] = strip->w[i] + inside.first * rows->w_step;
        }
        correlate_choose(
            taps, x_step, w_tap, y_step, &c->columns, block, strip->pixels, strip->left,
            strip->right);
        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            block->y[i] += block->lines * block->y_line;
        }
        top += block->lines * rows->step;
    }
}

/* Rows of the output channels [first, first + CORRELATE_OUTPUTS) of a group, from `pixel` on; the
   last channel repeats where the group has fewer. */
static TL_NOINLINE void correlate_strip_of(
    const correlation *c, int32_t plane, int32_t first, int32_t pixel, correlate_strip *strip,
    correlate_block *block)
{
    const axis *columns = &c->columns;
    const int32_t group = group_at(plane, c->groups);
    const int32_t column = columns->start + pixel * columns->step;
    const int32_t end = column + (strip->pixels - 1) * columns->step + columns->taps;

    for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
        const int32_t output = smallest_of(first + i, c->outputs - 1);

        strip->w[i] =
            c->w + group * c->w_group + output * c->w_output + columns->w_first + c->rows.w_first;
        block->y[i] = c->y + (plane * c->outputs + output) * c->y_plane + c->rows.y_first +
                      strip->row * c->rows.y_step + columns->y_first + pixel * columns->y_step;
        block->start[i] = c->b ? TL_LOAD(c->b[group * c->outputs + output]) : 0;
    }
    block->column = column;
    strip->x = c->x + plane * c->channels * c->x_plane + column;
    strip->left = largest_of(-column, 0);
    strip->right = largest_of(end - columns->extent, 0);
}

/* All outputs of a correlation; `turn` as in tl_share_from. */
static TL_INLINE void correlate(
    const int taps, const int x_step, const int w_tap, const int y_step, const correlation *c,
    int32_t *turn)
{
    const int32_t blocks = (c->outputs + CORRELATE_OUTPUTS - 1) / CORRELATE_OUTPUTS;
    const int32_t pieces = (c->columns.outputs + CORRELATE_PIXELS - 1) / CORRELATE_PIXELS;
    const int32_t each = pieces ? tl_quotient(c->columns.outputs, pieces) : 0;
    const int32_t wider = c->columns.outputs - pieces * each; /* pieces with a pixel more */
    const int32_t items = c->planes * blocks * pieces * c->rows.outputs;
    const tl_range own = tl_share_from(items, turn);
    int32_t left = own.last - own.first;
    int32_t row, piece, block, plane;
    correlate_block sums;

    if (left <= 0) {
        return;
    }
    piece = own.first / c->rows.outputs;
    row = own.first - piece * c->rows.outputs;
    block = tl_quotient(piece, pieces);
    piece -= block * pieces;
    plane = tl_quotient(block, blocks);
    block -= plane * blocks;
    sums.accumulate = c->accumulate;
    sums.loops = correlate_loops_of(c, c->rows.taps);
    while (left > 0) {
        correlate_strip strip = {
            .row = row, .count = smallest_of(c->rows.outputs - row, left),
            .pixels = each + (piece < wider),
        };

        left -= strip.count;
        correlate_strip_of(
            c, plane, block * CORRELATE_OUTPUTS, piece * each + smallest_of(piece, wider), &strip,
            &sums);
        correlate_rows(taps, x_step, w_tap, y_step, c, &strip, &sums);
        row = 0;
        if (++piece == pieces) {
            piece = 0;
            if (++block == blocks) {
                block = 0;
                plane++;
            }
        }
    }
}
