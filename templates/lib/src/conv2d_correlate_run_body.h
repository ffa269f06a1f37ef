/* A block of a correlation's outputs, summed in registers, and those below it. Inside a row of the
   window each element of the source is loaded once. */

enum { CORRELATE_OUTPUTS = 2, CORRELATE_PIXELS = 6, WINDOW_MAX = 24 };

/* One axis of the outputs and of the window. Output i sees the source from `start` + i * `step` on;
   what lies outside [0, extent) counts as zero. */
typedef struct {
    int32_t outputs;
    int32_t start, step;
    int32_t extent;
    int32_t taps;
    int32_t y_first, y_step; /* where output i lies */
    int32_t w_first, w_step; /* where tap t lies */
} axis;

typedef struct {
    axis rows, columns; /* strides of y and w in elements */
    int32_t groups;
    int32_t planes;                      /* samples x groups */
    int32_t channels, x_plane, w_channel; /* of the source, in a group */
    int32_t outputs, y_plane, w_output;   /* output channels of a group */
    int32_t w_group;
    int32_t accumulate;
    const tl_elem *x, *w, *b;
    tl_elem *y;
} correlation;

/* The two loops over channels and rows of the window, the longer one inside. */
typedef struct {
    int32_t rows; /* of the window that lie inside the source */
    int32_t inner, x_inner, w_inner;
    int32_t outer, x_outer, w_outer; /* steps from the end of the inner loop */
} correlate_loops;

/* One block of outputs, and those below it. */
typedef struct {
    const tl_elem *x;
    const tl_elem *w[CORRELATE_OUTPUTS];
    tl_elem *y[CORRELATE_OUTPUTS];
    tl_acc start[CORRELATE_OUTPUTS]; /* biases */
    int32_t accumulate;
    correlate_loops loops;
    int32_t column; /* where the first pixel's window begins */
    int32_t lines;  /* blocks below each other, all with the same rows of the window inside */
    int32_t x_line, y_line;
} correlate_block;

enum { ANYWHERE = -1 }; /* as `left`: any elements of the windows may lie outside */

/* The sums of one row of the window, for windows whose size is known. `left` and `right` elements of
   the source lie outside at the sides and add nothing. */
static TL_INLINE void correlate_taps(
    const int pixels, const int taps, const int x_step, const int w_tap, const int left,
    const int right, tl_acc sum[CORRELATE_OUTPUTS][CORRELATE_PIXELS], const tl_elem *x,
    const tl_elem *const *w, uint32_t inside)
{
    const int seen = (pixels - 1) * x_step + taps;
    tl_acc in[WINDOW_MAX];

    /* taps that see the same elements follow each other */
    TL_UNROLL
    for (int phase = 0; phase < x_step; phase++) {
        TL_UNROLL
        for (int t = phase; t < taps; t += x_step) {
            TL_UNROLL
            for (int j = t < x_step ? 0 : pixels - 1; j < pixels; j++) {
                const int k = t + j * x_step;

                if (left == ANYWHERE) {
                    in[k] = inside >> k & 1 ? TL_LOAD(x[k]) : 0;
                } else if (k >= left && k < seen - right) {
                    in[k] = TL_LOAD(x[k]);
                }
            }
            TL_UNROLL
            for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
                const tl_acc weight = TL_LOAD(w[i][t * w_tap]);

                TL_UNROLL
                for (int j = 0; j < pixels; j++) {
                    const int k = t + j * x_step;

                    if (left == ANYWHERE || (k >= left && k < seen - right)) {
                        sum[i][j] += weight * in[k];
                    }
                }
            }
        }
    }
}

/* The same for any window. */
static TL_INLINE void correlate_any_taps(
    const int pixels, const int left, tl_acc sum[CORRELATE_OUTPUTS][CORRELATE_PIXELS],
    const tl_elem *x, const tl_elem *const *w, int32_t column, const axis *columns)
{
    for (int32_t t = 0; t < columns->taps; t++) {
        tl_acc in[CORRELATE_PIXELS];

        for (int j = 0; j < pixels; j++) {
            const int32_t k = t + j * columns->step;
            const int sure = left == 0 || (uint32_t)(column + k) < (uint32_t)columns->extent;

            in[j] = sure ? TL_LOAD(x[k]) : 0;
        }
        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            const tl_acc weight = TL_LOAD(w[i][t * columns->w_step]);

            for (int j = 0; j < pixels; j++) {
                sum[i][j] += weight * in[j];
            }
        }
    }
}

/* All rows of the window and channels, from `x` and `w` on. `taps` 0: any window. */
static TL_INLINE void correlate_sums(
    const int pixels, const int taps, const int x_step, const int w_tap, const int left,
    const int right, const axis *columns, const correlate_loops *loops, const tl_elem *x,
    const tl_elem *w[CORRELATE_OUTPUTS], int32_t column,
    tl_acc sum[CORRELATE_OUTPUTS][CORRELATE_PIXELS])
{
    const int32_t size = (int32_t)sizeof(tl_elem);
    const int short_rows = pixels > 3 && taps > 0 && taps <= 3 && x_step == 1;
    uint32_t inside = left == ANYWHERE ? bits_inside(column, columns->extent) : 0;

    for (int32_t outer = loops->outer; outer > 0; outer--) {
        int32_t inner = loops->inner;

        if (!short_rows || !TL_CORRELATE(
                               pixels, taps, w_tap * size, left, right, sum, &x,
                               loops->x_inner * size, w, loops->w_inner * size, inner)) {
            do {
                TL_KEEP(x);
                for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
                    TL_KEEP(w[i]);
                }
                TL_KEEP(inside);
                if (taps) {
                    correlate_taps(pixels, taps, x_step, w_tap, left, right, sum, x, w, inside);
                } else {
                    correlate_any_taps(pixels, left, sum, x, w, column, columns);
                }
                x += loops->x_inner;
                for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
                    w[i] += loops->w_inner;
                }
                inner--;
                TL_KEEP(inner);
            } while (inner > 0);
        }
        x += loops->x_outer;
        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            w[i] += loops->w_outer;
        }
    }
}

/* `pixels` and what follows are constants where this is inlined: the sums stay in registers.
   The blocks start at their pixel `first`. */
static TL_INLINE void correlate_run(
    const int pixels, const int taps, const int x_step, const int w_tap, const int y_step,
    const int left, const int right, const axis *columns, const correlate_block *block, int32_t first)
{
    const int32_t y_pixel = taps ? y_step : columns->y_step;
    const int32_t column = block->column + first * columns->step;
    const tl_elem *x = block->x + first * columns->step;
    int32_t below = first * y_pixel; /* from where y begins */

    for (int32_t lines = block->lines; lines > 0; lines--) {
        const tl_elem *w[CORRELATE_OUTPUTS];
        tl_acc sum[CORRELATE_OUTPUTS][CORRELATE_PIXELS];

        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            w[i] = block->w[i];
            for (int j = 0; j < pixels; j++) {
                sum[i][j] = block->start[i];
            }
        }
        if (block->accumulate) {
            for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
                for (int j = 0; j < pixels; j++) {
                    sum[i][j] = TL_LOAD(block->y[i][below + j * y_pixel]);
                }
            }
        }
        correlate_sums(
            pixels, taps, x_step, w_tap, left, right, columns, &block->loops, x, w, column, sum);
        for (int i = 0; i < CORRELATE_OUTPUTS; i++) {
            tl_elem *y = block->y[i] + below;

            for (int j = 0; j < pixels; j++) {
                y[j * y_pixel] = TL_STORE(sum[i][j]);
            }
        }
        x += block->x_line;
        below += block->y_line;
    }
}
