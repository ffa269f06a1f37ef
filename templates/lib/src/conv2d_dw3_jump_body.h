/* Depthwise 3 x 3 with windows two rows and columns apart, in strips as of conv2d_dw3_strip_body.h: a row
   of the source that two rows of the result see is loaded once. */

enum { JUMP = 2 };

/* A row of the source adds to `sum` with the weights w, and to `next` with v; 0: not to that one. Each
   column is loaded before the products of the one before. */
static TL_INLINE void jump_row(
    const int cols, const uint32_t outside, const tl_elem *from, const tl_acc w[DW3],
    const tl_acc v[DW3], tl_acc sum[STRIP], tl_acc *next)
{
    const int last = JUMP * (cols - 1) + DW3 - 1;
    tl_acc in[JUMP * STRIP + 1];

    strip_take(outside, 0, from, in);
    TL_UNROLL
    for (int j = 0; j <= last; j++) {
        if (j < last) {
            strip_take(outside, j + 1, from, in);
        }
        TL_UNROLL
        for (int i = 0; i < cols; i++) {
            const int t = j - JUMP * i;

            if (t >= 0 && t < DW3 && !(outside >> j & 1)) {
                sum[i] += in[j] * w[t];
                TL_PIN(sum[i]);
                if (next) {
                    next[i] += in[j] * v[t];
                    TL_PIN(next[i]);
                }
            }
        }
    }
}

/* The first turn makes no row of the result: its last row of the source is the next one's first. */
static TL_INLINE void jump_rows(
    const int cols, const uint32_t outside, const dw3_strip *s, const tl_acc w[DW3][DW3])
{
    const int32_t extent = s->extent, from_line = s->from_line, to_line = s->to_line;
    const int32_t accumulate = s->accumulate, lines = s->last - s->first;
    const tl_acc bias = accumulate ? 0 : s->bias;
    tl_elem *to = s->to + s->first * to_line;
    int32_t row = JUMP * s->first - s->pad - 1; /* the window's second */
    const tl_elem *from = s->from + row * from_line;
    tl_acc sum[STRIP], next[STRIP];

    for (int i = 0; i < cols; i++) {
        next[i] = bias;
    }
    for (int32_t line = 0; line <= lines; line++) {
        for (int i = 0; i < cols; i++) {
            sum[i] = next[i];
            next[i] = bias;
        }
        if (line > 0 && (uint32_t)row < (uint32_t)extent) {
            jump_row(cols, outside, from, w[1], w[1], sum, 0);
        }
        from += from_line;
        if ((uint32_t)(row + 1) < (uint32_t)extent) {
            jump_row(cols, outside, from, w[2], w[0], sum, next);
        }
        from += from_line;
        row += JUMP;
        if (line > 0) {
            strip_store(cols, accumulate, to, sum);
            to += to_line;
        }
    }
}

static TL_INLINE void jump_make(const int cols, const dw3_strip *s)
{
    const uint32_t left = 1, right = 1u << (JUMP * cols), outside = s->outside;
    tl_acc w[DW3][DW3];

    for (int t = 0; t < DW3 * DW3; t++) {
        w[t / DW3][t % DW3] = TL_LOAD(s->w[t]);
    }
    if (outside == 0) {
        jump_rows(cols, 0, s, w);
    } else if (outside == left) {
        jump_rows(cols, left, s, w);
    } else if (outside == right) {
        jump_rows(cols, right, s, w);
    } else if (cols > 1 || outside == (left | right)) {
        jump_rows(cols, left | right, s, w);
    } else if (outside == (left | 2)) {
        jump_rows(cols, left | 2, s, w);
    } else {
        jump_rows(cols, right | 2, s, w); /* or none at all, and no rows */
    }
}

#define JUMP_FUNCTION(cols)                                                                        \
    static TL_NOINLINE void jump_of_##cols(const dw3_strip *s)                                     \
    {                                                                                              \
        jump_make(cols, s);                                                                        \
    }

JUMP_FUNCTION(1)
JUMP_FUNCTION(2)
JUMP_FUNCTION(3)

static TL_INLINE void jump_run(int32_t width, const dw3_strip *s)
{
    if (width == 3) {
        jump_of_3(s);
    } else if (width == 2) {
        jump_of_2(s);
    } else {
        jump_of_1(s);
    }
}
