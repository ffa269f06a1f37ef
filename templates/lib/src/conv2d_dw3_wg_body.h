/* Weight gradient of a depthwise convolution with a 3 x 3 window. */

/* the rows of dy whose row first + line * step is one of `extent` */
static inline tl_range dw3_lines_inside(int32_t first, int32_t step, int32_t extent, int32_t count)
{
    tl_range lines = {0, count};

    while (lines.first < count && first + lines.first * step < 0) {
        lines.first++;
    }
    while (lines.last > lines.first && first + (lines.last - 1) * step >= extent) {
        lines.last--;
    }
    return lines;
}

typedef struct {
    tl_acc sum[DW3];
    const tl_elem *x, *dy;    /* first rows */
    int32_t lines;            /* rows to add, and from one to the next */
    int32_t x_line, count;    /* count: columns of dy, next to each other */
    int32_t start, extent;    /* column of x that the first window begins with; columns of x */
    tl_range range;           /* dw3_outputs */
} dw3_sums;

static TL_INLINE void dw3_wg_lines(const int step, dw3_sums *s)
{
    const int32_t extent = s->extent, first = s->start + s->range.first * step;
    tl_acc sum[DW3] = {s->sum[0], s->sum[1], s->sum[2]};

    for (int32_t line = 0; line < s->lines; line++) {
        const tl_elem *from[DW3] = {s->x + line * s->x_line + first, 0, 0};
        const tl_elem *const row = s->dy + line * s->count;
        const tl_elem *out = row + s->range.first;
        const tl_elem *const end = row + s->range.last;
        tl_acc a[DW3], b[DW3], c[DW3];
        int32_t at;

        dw3_take_checked(1, a, from, 0, first, extent);
        dw3_take_checked(1, b, from, 1, first + 1, extent);
        for (; step == 1 && out + DW3 <= end; out += DW3) {
            const tl_acc o0 = TL_LOAD(out[0]), o1 = TL_LOAD(out[1]), o2 = TL_LOAD(out[2]);
            tl_acc d[DW3], e[DW3];

            dw3_take(1, c, from, 2);
            dw3_take(1, d, from, 3);
            dw3_take(1, e, from, 4);
            sum[0] += a[0] * o0;
            sum[1] += b[0] * o0;
            sum[2] += c[0] * o0;
            sum[0] += b[0] * o1;
            sum[1] += c[0] * o1;
            sum[2] += d[0] * o1;
            sum[0] += c[0] * o2;
            sum[1] += d[0] * o2;
            sum[2] += e[0] * o2;
            a[0] = d[0];
            b[0] = e[0];
            from[0] += DW3;
        }
        for (; step == 2 && first + 1 >= 0 && out + 2 <= end; out += 2) {
            const tl_acc o0 = TL_LOAD(out[0]), o1 = TL_LOAD(out[1]);
            tl_acc d[DW3];

            dw3_take(1, b, from, 1);
            dw3_take(1, c, from, 2);
            dw3_take(1, d, from, 3);
            sum[0] += a[0] * o0;
            sum[1] += b[0] * o0;
            dw3_take(1, a, from, 4);
            sum[2] += c[0] * o0;
            sum[0] += c[0] * o1;
            sum[1] += d[0] * o1;
            sum[2] += a[0] * o1;
            from[0] += 4;
        }
        at = first + (int32_t)(out - row - s->range.first) * step;
        for (; out < row + s->count; out++, at += step) {
            const tl_acc o = TL_LOAD(*out);

            if (step == 2) {
                dw3_take_checked(1, b, from, 1, at + 1, extent);
            }
            dw3_take_checked(1, c, from, 2, at + 2, extent);
            sum[0] += a[0] * o;
            sum[1] += b[0] * o;
            sum[2] += c[0] * o;
            a[0] = step == 1 ? b[0] : c[0];
            b[0] = c[0];
            from[0] += step;
        }
    }
    for (int t = 0; t < DW3; t++) {
        s->sum[t] = sum[t];
    }
}

static TL_NOINLINE void dw3_wg_slide(dw3_sums *s)
{
    dw3_wg_lines(1, s);
}

static TL_NOINLINE void dw3_wg_jump(dw3_sums *s)
{
    dw3_wg_lines(2, s);
}

void TL_NAME(conv2d_dw3_wg)(
    const tl_conv2d *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const int32_t n = op->n, channels = op->co, hi = op->hi, wi = op->wi, ho = op->ho, wo = op->wo;
    const int32_t step = op->stride_h, near = op->stride_w == 1;
    const int32_t accumulate = op->accumulate, left = -op->pad_left, pad = op->pad_top;
    const tl_acc scale = op->scale, decay = op->decay;
    const tl_range own = tl_share(channels * DW3);
    const tl_range sums = db ? tl_share(channels) : (tl_range){0, 0};

    for (int32_t item = own.first; item < own.last; item++) {
        const int32_t channel = item / DW3;
        const int32_t tap = item - channel * DW3;
        dw3_sums s = {.x_line = step * wi, .count = wo, .start = left, .extent = wi,
                      .range = dw3_outputs(left, near ? 1 : 2, wi, wo)};
        const tl_range lines = dw3_lines_inside(tap - pad, step, hi, ho);

        s.lines = lines.last - lines.first;
        for (int32_t sample = 0; sample < n; sample++) {
            const int32_t plane = sample * channels + channel;

            s.x = x + (plane * hi + lines.first * step - pad + tap) * wi;
            s.dy = dy + (plane * ho + lines.first) * wo;
            if (near) {
                dw3_wg_slide(&s);
            } else {
                dw3_wg_jump(&s);
            }
        }
        for (int t = 0; t < DW3; t++) {
            gradient_store(dw + item * DW3 + t, s.sum[t], accumulate, scale, decay);
        }
    }
    for (int32_t channel = sums.first; channel < sums.last; channel++) {
        tl_acc sum = 0;

        for (int32_t sample = 0; sample < n; sample++) {
            const tl_elem *out = dy + (sample * channels + channel) * ho * wo;
            const tl_elem *const end = out + ho * wo;

            for (; out + 4 <= end; out += 4) {
                const tl_acc part[] = {
                    TL_LOAD(out[0]), TL_LOAD(out[1]), TL_LOAD(out[2]), TL_LOAD(out[3])};

                sum = sum + part[0] + part[1] + part[2] + part[3];
            }
            for (; out < end; out++) {
                sum += TL_LOAD(*out);
            }
        }
        gradient_store(db + channel, sum, accumulate, scale, op->bias_decay);
    }
}
