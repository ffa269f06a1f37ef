/* Forward: a core owns rows of y. Input gradient: a core owns rows of dx and looks at every window
   that reaches them, so that no two cores write the same element. */

typedef struct {
    int32_t top, bottom, left, right; /* half-open, inside x */
} window;

static inline int32_t at_least(int32_t value, int32_t bound)
{
    return value < bound ? bound : value;
}

static inline int32_t at_most(int32_t value, int32_t bound)
{
    return value > bound ? bound : value;
}

static inline window window_at(const tl_pool2d *op, int32_t ho, int32_t wo)
{
    const int32_t top = ho * op->stride_h - op->pad_top;
    const int32_t left = wo * op->stride_w - op->pad_left;

    return (window){.top = at_least(top, 0), .bottom = at_most(top + op->kh, op->hi),
                    .left = at_least(left, 0), .right = at_most(left + op->kw, op->wi)};
}

/* offset of the first largest element in a plane of x; a NaN is largest */
static inline int32_t find_largest(const tl_pool2d *op, const tl_elem *x, window w)
{
    int32_t best = w.top * op->wi + w.left;

    for (int32_t h = w.top; h < w.bottom; h++) {
        for (int32_t i = h * op->wi + w.left; i < h * op->wi + w.right; i++) {
            const tl_acc value = TL_LOAD(x[i]);

            if (value > TL_LOAD(x[best]) || value != value) {
                best = i;
            }
        }
    }
    return best;
}

static inline tl_acc one_over_divisor(const tl_pool2d *op, window w)
{
    const int32_t inside = (w.bottom - w.top) * (w.right - w.left);

    return 1 / (tl_acc)(op->count_include_pad ? op->kh * op->kw : inside);
}

void TL_NAME(max_pool2d_fw)(const tl_pool2d *op, tl_elem *y, const tl_elem *x)
{
    const tl_range own = tl_share(op->n * op->c * op->ho);

    for (int32_t row = own.first; row < own.last; row++) {
        const tl_elem *plane = x + row / op->ho * op->hi * op->wi;

        for (int32_t wo = 0; wo < op->wo; wo++) {
            y[row * op->wo + wo] = plane[find_largest(op, plane, window_at(op, row % op->ho, wo))];
        }
    }
}

void TL_NAME(avg_pool2d_fw)(const tl_pool2d *op, tl_elem *y, const tl_elem *x)
{
    const tl_range own = tl_share(op->n * op->c * op->ho);

    for (int32_t row = own.first; row < own.last; row++) {
        const tl_elem *plane = x + row / op->ho * op->hi * op->wi;

        for (int32_t wo = 0; wo < op->wo; wo++) {
            const window w = window_at(op, row % op->ho, wo);
            tl_acc sum = 0;

            for (int32_t h = w.top; h < w.bottom; h++) {
                for (int32_t i = h * op->wi + w.left; i < h * op->wi + w.right; i++) {
                    sum += TL_LOAD(plane[i]);
                }
            }
            y[row * op->wo + wo] = TL_STORE(sum * one_over_divisor(op, w));
        }
    }
}

/* the rows of windows that reach the input rows [first, last) */
static inline tl_range rows_reaching(const tl_pool2d *op, int32_t first, int32_t last)
{
    const int32_t behind = first + op->pad_top - op->kh + 1;
    tl_range rows;

    rows.first = behind <= 0 ? 0 : (behind + op->stride_h - 1) / op->stride_h;
    rows.last = at_most((last - 1 + op->pad_top) / op->stride_h + 1, op->ho);
    return rows;
}

static inline void clear_rows(const tl_pool2d *op, tl_elem *dx, tl_range rows)
{
    if (!op->accumulate) {
        for (int32_t i = rows.first * op->wi; i < rows.last * op->wi; i++) {
            dx[i] = TL_STORE(0);
        }
    }
}

/* this core's rows of the plane that holds row `from`, as rows of that plane */
static inline tl_range rows_in_plane(const tl_pool2d *op, int32_t from, int32_t last)
{
    const int32_t start = from / op->hi * op->hi;

    return (tl_range){from - start, at_most(last - start, op->hi)};
}

void TL_NAME(max_pool2d_ig)(
    const tl_pool2d *op, tl_elem *dx, const tl_elem *dy, const tl_elem *x)
{
    const tl_range own = tl_share(op->n * op->c * op->hi);

    clear_rows(op, dx, own);
    for (int32_t from = own.first; from < own.last; from += op->hi - from % op->hi) {
        const int32_t plane = from / op->hi;
        const tl_range mine = rows_in_plane(op, from, own.last);
        const tl_range rows = rows_reaching(op, mine.first, mine.last);
        const tl_elem *in = x + plane * op->hi * op->wi;
        tl_elem *out = dx + plane * op->hi * op->wi;

        for (int32_t ho = rows.first; ho < rows.last; ho++) {
            for (int32_t wo = 0; wo < op->wo; wo++) {
                const int32_t best = find_largest(op, in, window_at(op, ho, wo));

                if (mine.first * op->wi <= best && best < mine.last * op->wi) {
                    const tl_acc part = TL_LOAD(dy[(plane * op->ho + ho) * op->wo + wo]);

                    out[best] = TL_STORE(TL_LOAD(out[best]) + part);
                }
            }
        }
    }
}

void TL_NAME(avg_pool2d_ig)(const tl_pool2d *op, tl_elem *dx, const tl_elem *dy)
{
    const tl_range own = tl_share(op->n * op->c * op->hi);

    clear_rows(op, dx, own);
    for (int32_t from = own.first; from < own.last; from += op->hi - from % op->hi) {
        const int32_t plane = from / op->hi;
        const tl_range mine = rows_in_plane(op, from, own.last);
        const tl_range rows = rows_reaching(op, mine.first, mine.last);
        tl_elem *out = dx + plane * op->hi * op->wi;

        for (int32_t ho = rows.first; ho < rows.last; ho++) {
            for (int32_t wo = 0; wo < op->wo; wo++) {
                const window w = window_at(op, ho, wo);
                const tl_acc part =
                    TL_LOAD(dy[(plane * op->ho + ho) * op->wo + wo]) * one_over_divisor(op, w);
                const int32_t bottom = at_most(w.bottom, mine.last);

                for (int32_t h = at_least(w.top, mine.first); h < bottom; h++) {
                    for (int32_t i = h * op->wi + w.left; i < h * op->wi + w.right; i++) {
                        out[i] = TL_STORE(TL_LOAD(out[i]) + part);
                    }
                }
            }
        }
    }
}
