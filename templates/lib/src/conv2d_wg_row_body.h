/* A row of dy in the weight gradient of windows whose width is known. */

/* 4 x 3, 3 x 4, 2 x 5 or 2 x 7 sums: as many as fit the registers */
enum { WG_TAPS_OUTPUTS = CONV2D_TAPS <= 3 ? 4 : CONV2D_TAPS == 4 ? 3 : 2 };

/* Pixels at a time: with a stride of 1 each element has gone through all taps, and so is back in
   its register; the others pay for one turn of the loop. The instruction caches of PULP's cores, which
   share FPUs, do not hold 7 such steps of 7 taps. */
#if defined(TL_FPUS) && CONV2D_TAPS >= 7
enum { WG_PIXELS_1 = 1 };
#else
enum { WG_PIXELS_1 = CONV2D_TAPS };
#endif
enum { WG_PIXELS_2 = 2, WG_SEEN_MAX = 16 };

/* The way along a row. */
typedef struct {
    int32_t first;       /* pixel: those before see nothing of x */
    int32_t column;      /* where its window begins */
    int32_t left, right; /* its elements from `left` to `right` lie inside */
    int32_t head;        /* 1: a pixel with new elements outside at the left */
    int32_t middle;      /* then those with none outside */
    int32_t tail;        /* then those with new elements outside at the right, */
    int32_t there;       /* all but so many of the first one */
    int32_t walked;      /* pixels in all */
    int32_t x_skip;      /* from behind the last element that they load, to the next row */
    int32_t whole;       /* as wg_row says */
} wg_way;

static inline wg_way wg_way_of(const tl_conv2d *op)
{
    const int32_t step = op->stride_w;
    const int32_t half = (CONV2D_TAPS - 1) / 2;
    const int32_t extent = op->wi + op->pad_left;
    const int32_t last = smallest_of(op->wo, ceil_div(extent, step)); /* behind, x is left */
    const int32_t inside = floor_div(extent - CONV2D_TAPS, step) + 1;
    wg_way way;
    int32_t main;

    way.first = smallest_of(largest_of(ceil_div(op->pad_left - CONV2D_TAPS + 1, step), 0), last);
    way.column = way.first * step - op->pad_left;
    way.left = -way.column;
    way.right = op->wi - way.column;
    way.walked = last - way.first;
    main = largest_of(smallest_of(inside, op->wo) - way.first, 0);
    way.head = main > 0 && way.left > CONV2D_TAPS - step;
    way.middle = main - way.head;
    way.tail = way.walked - main;
    way.there = way.right - main * step - CONV2D_TAPS + step;
    way.whole = way.walked == op->wo && op->wo > 1 && (way.left == 0 || way.left == half) &&
                (way.tail == 0 || (way.tail == half && way.there == step - 1));
    way.x_skip = op->stride_h * op->wi - main * step - CONV2D_TAPS + step;
    if (way.whole) {
        way.column = 0;
        way.x_skip += way.left - (way.tail ? step - 1 : 0);
    }
    return way;
}

/* `pixels` neighbours. `in` is what their windows see, but for the last `gone` elements; those that
   the first one alone sees are there already, and so is dy[0]. Loads stand between the products. */
static TL_INLINE void wg_products(
    const int pixels, const int step, const int gone, tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS], tl_acc *in,
    tl_acc ahead, const tl_elem *x, const tl_elem **dy)
{
    const int32_t dy_bytes = pixels * (int32_t)sizeof(tl_elem);

    TL_UNROLL
    for (int p = 0; p < pixels; p++) {
        TL_UNROLL
        for (int i = 0; i < WG_TAPS_OUTPUTS; i++) {
            const int last = i == WG_TAPS_OUTPUTS - 1;
            const tl_acc out = ahead;

            TL_UNROLL
            for (int t = 0; t < CONV2D_TAPS; t++) {
                if (t < CONV2D_TAPS - gone) {
                    sum[i][t] += out * in[p * step + t];
                    TL_PIN(sum[i][t]);
                }
                if (t == 0 && last && p < pixels - 1) {
                    ahead = TL_LOAD(dy[0][p + 1 - pixels]);
                    TL_PIN(ahead);
                } else if (t == 0 && !last) {
                    ahead = p ? TL_LOAD(dy[i + 1][p - pixels])
                              : TL_LOAD_NEXT(&dy[i + 1], dy_bytes);
                    TL_PIN(ahead);
                }
                if (last && p < pixels - 1 && t > 0 && t <= step) {
                    const int e = p * step + CONV2D_TAPS - 1 + t;

                    in[e] = TL_LOAD(x[e - CONV2D_TAPS + step - pixels * step]);
                    TL_PIN(in[e]);
                }
            }
        }
    }
}

/* The same, from the loads on. `x` is at the elements that no pixel before has seen. */
static TL_INLINE void wg_slide(
    const int pixels, const int step, tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS], tl_acc *in,
    const tl_elem **x, const tl_elem **dy)
{
    const int kept = CONV2D_TAPS - step;
    const int32_t size = (int32_t)sizeof(tl_elem);
    const tl_acc ahead = TL_LOAD_NEXT(&dy[0], pixels * size);

    TL_UNROLL
    for (int e = 0; e < step; e++) {
        in[kept + e] = e ? TL_LOAD((*x)[e - pixels * step]) : TL_LOAD_NEXT(x, pixels * step * size);
    }
    wg_products(pixels, step, 0, sum, in, ahead, *x, dy);
    TL_UNROLL
    for (int e = 0; e < kept; e++) {
        in[e] = in[pixels * step + e];
    }
}

/* A pixel with new elements outside: of its window those from `left` to `right` lie inside. */
static TL_INLINE void wg_border(
    const int step, tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS], tl_acc *in, int32_t left,
    int32_t right, const tl_elem *x, const tl_elem **dy)
{
    const int kept = CONV2D_TAPS - step;

    TL_UNROLL
    for (int e = kept; e < CONV2D_TAPS; e++) {
        in[e] = e >= left && e < right ? TL_LOAD(x[e - kept]) : 0;
    }
    wg_products(1, step, 0, sum, in, TL_LOAD_NEXT(&dy[0], sizeof(tl_elem)), x, dy);
    TL_UNROLL
    for (int e = 0; e < kept; e++) {
        in[e] = in[e + step];
    }
}

/* A row of dy. `whole`: it has two windows or more, which leave x by nothing or half their width, and
   rows of dy follow each other without a gap. */
static TL_INLINE void wg_row(
    const int step, const int whole, const wg_way *way,
    tl_acc sum[WG_TAPS_OUTPUTS][CONV2D_TAPS], const tl_elem **x, const tl_elem **dy)
{
    const int pixels = step == 1 ? WG_PIXELS_1 : WG_PIXELS_2;
    const int kept = CONV2D_TAPS - step;
    const int half = (CONV2D_TAPS - 1) / 2;
    const int32_t size = (int32_t)sizeof(tl_elem);
    const int32_t tail = way->tail;
    int32_t middle = way->middle;
    tl_acc in[WG_SEEN_MAX];

    if (!whole) {
        TL_UNROLL
        for (int e = 0; e < kept; e++) {
            in[e] = e >= way->left && e < way->right ? TL_LOAD((*x)[e]) : 0;
        }
        *x += kept;
        if (step > 1 && way->head) {
            wg_border(step, sum, in, way->left, way->right, *x, dy);
            *x += step;
        }
    } else {
        TL_UNROLL
        for (int e = 0; e < half; e++) {
            in[e] = 0;
        }
        if (way->left == 0) {
            TL_UNROLL
            for (int e = 0; e < half; e++) {
                in[e] = TL_LOAD_NEXT(x, size);
            }
        }
        TL_UNROLL
        for (int e = half; e < kept; e++) {
            in[e] = TL_LOAD_NEXT(x, size);
        }
    }
    for (; middle >= pixels; middle -= pixels) {
        wg_slide(pixels, step, sum, in, x, dy);
    }
    for (; pixels > 1 && middle > 0; middle--) {
        wg_slide(1, step, sum, in, x, dy);
    }
    if (!whole) {
        int32_t right = way->there + kept;

        for (int32_t pixel = tail; pixel > 0; pixel--) {
            wg_border(step, sum, in, 0, right, *x, dy);
            right = 0;
        }
    } else if (tail > 0) {
        TL_UNROLL
        for (int e = 0; e < step - 1; e++) {
            in[kept + e] = TL_LOAD_NEXT(x, size);
        }
        TL_UNROLL
        for (int p = 0; p < half; p++) {
            wg_products(1, step, p + 1, sum, in, TL_LOAD_NEXT(&dy[0], size), *x, dy);
            TL_UNROLL
            for (int e = 0; e < kept; e++) {
                in[e] = in[e + step];
            }
        }
    }
}
