/* Depthwise 3 x 3, row after row of the result. An element is a sum over three rows of the source from
   left to right. Each column of the source is taken once, and adds to all of a row's sums that see it;
   those outside count as zero, and so do rows: a zero is loaded in their place. */

enum { DW3 = 3 };

/* What a row's windows see. They are one column apart, or two. */
typedef struct {
    int32_t column; /* the first that any sees */
    int32_t before; /* windows that see nothing, and nor do those before */
    int32_t first;  /* whether the next one sees its first column */
    int32_t early;  /* whether it sees its second; where they are two apart: its third alone */
    int32_t full;   /* windows from there on that see what they do not share with the one before */
    int32_t late;   /* two apart: whether the next one sees its second */
    int32_t rest;   /* windows from there on */
    int32_t taken;  /* columns in all */
} dw3_view;

static TL_INLINE dw3_view dw3_look(const int apart, int32_t start, int32_t extent, int32_t count)
{
    const int32_t blind = start + 2 < 0 ? (apart - 3 - start) >> (apart - 1) : 0;
    dw3_view see = {.before = smallest_of(blind, count)};
    int32_t at = start + apart * see.before;
    int32_t left = count - see.before;

    see.column = largest_of(at, 0);
    see.first = (uint32_t)at < (uint32_t)extent;
    if (apart == 1) {
        see.early = (uint32_t)(at + 1) < (uint32_t)extent;
        see.full = smallest_of(largest_of(extent - 2 - at, 0), left);
    } else {
        see.early = at == -2 && left > 0;
        at += 2 * see.early;
        left -= see.early;
        see.full = smallest_of(largest_of((extent - 1 - at) >> 1, 0), left);
    }
    see.rest = left - see.full;
    see.late = apart == 2 && see.rest > 0 && at + 2 * see.full + 1 < extent;
    see.taken = see.first + see.early + apart * see.full + see.late;
    return see;
}

/* Whether at most a column on either side is missing. */
static TL_INLINE int dw3_usual(const int apart, const dw3_view *see)
{
    const int begins = see->before == 0 && see->early == (apart == 1);

    return begins && see->rest <= 1 && (apart == 1 || see->late == see->rest);
}

/* Where a core is: the rows of the source, how many bytes these move on by, and the result. */
typedef struct {
    const tl_elem *from[DW3];
    int32_t step[DW3];
    tl_elem *to;
} dw3_place;

static TL_INLINE void dw3_take(tl_acc column[DW3], dw3_place *at)
{
    for (int r = 0; r < DW3; r++) {
        column[r] = TL_LOAD_STEP(&at->from[r], at->step[r]);
    }
}

static TL_INLINE tl_acc dw3_add(
    tl_acc sum, const int tap, const tl_acc w[DW3][DW3], const tl_acc column[DW3])
{
    for (int r = 0; r < DW3; r++) {
        sum += w[r][tap] * column[r];
    }
    return sum;
}

static TL_INLINE void dw3_put(const int accumulate, tl_elem *to, tl_acc sum)
{
    *to = TL_STORE(accumulate ? TL_LOAD(*to) + sum : sum);
}

/* sum[0] waits for its third column, sum[1] for its second. */
static TL_INLINE void dw3_step(
    const int accumulate, tl_elem *to, const tl_acc w[DW3][DW3], tl_acc bias,
    const tl_acc column[DW3], tl_acc sum[2])
{
    dw3_put(accumulate, to, dw3_add(sum[0], 2, w, column));
    sum[0] = dw3_add(sum[1], 1, w, column);
    sum[1] = dw3_add(bias, 0, w, column);
}

/* Several windows at once, for which pointers move on once: only where all three rows are there. */
static TL_INLINE int32_t dw3_turns(
    const int accumulate, int32_t windows, const tl_acc w[DW3][DW3], tl_acc bias, tl_acc sum[2],
    dw3_place *at)
{
    enum { TURN = 4 };
    tl_acc column[DW3];

    while (windows >= TURN && at->step[0] && at->step[1] && at->step[2]) {
        TL_UNROLL
        for (int k = 0; k < TURN; k++) {
            for (int r = 0; r < DW3; r++) {
                column[r] = TL_LOAD(at->from[r][k]);
            }
            dw3_step(accumulate, at->to + k, w, bias, column, sum);
        }
        for (int r = 0; r < DW3; r++) {
            at->from[r] += TURN;
        }
        at->to += TURN;
        windows -= TURN;
    }
    return windows;
}

/* Windows that see nothing, and the first column of the next one. */
static TL_INLINE void dw3_begin(
    const int accumulate, const dw3_view *see, const tl_acc w[DW3][DW3], tl_acc bias, tl_acc sum[2],
    dw3_place *at)
{
    tl_acc column[DW3];

    for (int32_t i = see->before; i > 0; i--) {
        dw3_put(accumulate, at->to++, bias);
    }
    if (see->first) {
        dw3_take(column, at);
        sum[0] = dw3_add(bias, 0, w, column);
    }
}

/* Windows next to each other. */
static TL_INLINE void dw3_slide(
    const int accumulate, const dw3_view *see, const tl_acc w[DW3][DW3], tl_acc bias,
    dw3_place *at)
{
    tl_acc sum[2] = {bias, bias};
    tl_acc column[DW3];

    dw3_begin(accumulate, see, w, bias, sum, at);
    if (see->early) {
        dw3_take(column, at);
        sum[0] = dw3_add(sum[0], 1, w, column);
        sum[1] = dw3_add(bias, 0, w, column);
    }
    if (!TL_DW3_WINDOWS(1, accumulate, see->full, &at->to, sum, bias, w, at->from, at->step)) {
        int32_t left = dw3_turns(accumulate, see->full, w, bias, sum, at);

        for (; left > 0; left--) {
            dw3_take(column, at);
            dw3_step(accumulate, at->to++, w, bias, column, sum);
        }
    }
    for (int32_t i = see->rest; i > 0; i--) {
        dw3_put(accumulate, at->to++, sum[0]);
        sum[0] = sum[1];
        sum[1] = bias;
    }
}

/* Two columns apart: a window's last column is the next one's first. */
static TL_INLINE void dw3_jump(
    const int accumulate, const dw3_view *see, const tl_acc w[DW3][DW3], tl_acc bias,
    dw3_place *at)
{
    tl_acc sum[2] = {bias, bias};
    tl_acc column[DW3];

    dw3_begin(accumulate, see, w, bias, sum, at);
    if (see->early) {
        dw3_take(column, at);
        dw3_put(accumulate, at->to++, dw3_add(bias, 2, w, column));
        sum[0] = dw3_add(bias, 0, w, column);
    }
    if (!TL_DW3_WINDOWS(2, accumulate, see->full, &at->to, sum, bias, w, at->from, at->step)) {
        for (int32_t i = see->full; i > 0; i--) {
            dw3_take(column, at);
            sum[0] = dw3_add(sum[0], 1, w, column);
            dw3_take(column, at);
            dw3_put(accumulate, at->to++, dw3_add(sum[0], 2, w, column));
            sum[0] = dw3_add(bias, 0, w, column);
        }
    }
    if (see->late) {
        dw3_take(column, at);
        sum[0] = dw3_add(sum[0], 1, w, column);
    }
    for (int32_t i = see->rest; i > 0; i--) {
        dw3_put(accumulate, at->to++, sum[0]);
        sum[0] = bias;
    }
}

static TL_INLINE void dw3_rows(
    const int apart, const int accumulate, int32_t lines, int32_t skip, const dw3_view *see,
    const tl_acc w[DW3][DW3], tl_acc bias, dw3_place *at)
{
    for (; lines > 0; lines--) {
        (apart == 1 ? dw3_slide : dw3_jump)(accumulate, see, w, bias, at);
        for (int r = 0; r < DW3; r++) {
            at->from[r] += skip;
        }
    }
}

/* Planes of `count` x `lines` results. Row `line` sees the source's rows (line * down - top + r) / up
   for r of 0 to 2, where that is whole. A core makes a range of all rows. */
typedef struct {
    const tl_elem *from, *w, *b;
    tl_elem *to;
    int32_t n, channels;
    int32_t lines, count;
    int32_t extent_h, extent_w; /* of the source */
    int32_t top, left;          /* rows and columns before it */
    int32_t down, up;
    int32_t flip;               /* whether the taps go from the last to the first */
} dw3_planes;

/* The rows of the source for one row of the result, or for several where all see three. */
static TL_INLINE void dw3_at(
    const dw3_planes *p, int32_t line, const tl_elem *from, const tl_elem *zero, dw3_place *at)
{
    const int32_t up = p->up, extent = p->extent_h, row = line * p->down - p->top;

    for (int r = 0; r < DW3; r++) {
        int32_t k = row + r;
        int there;

        if (up > 1) {
            k = k >= 0 && k % up == 0 ? k / up : -1;
        }
        there = (uint32_t)k < (uint32_t)extent;
        at->from[r] = there ? from + k * p->extent_w : zero;
        at->step[r] = there ? (int32_t)sizeof(tl_elem) : 0;
    }
}

static TL_INLINE void dw3_make(const int apart, const int accumulate, const dw3_planes *p)
{
    const int32_t channels = p->channels, lines = p->lines;
    const int32_t down = p->down, extent = p->extent_h;
    const dw3_view see = dw3_look(apart, -p->left, p->extent_w, p->count);
    /* rows that see three of the source, and how far their ends there are from the next beginnings */
    const int32_t inner = p->up > 1 ? lines : ceil_div(p->top, down);
    const int32_t inner_end = floor_div(extent - DW3 + p->top, down) + 1;
    const int32_t skip = down * p->extent_w - see.taken;
    const int usual = !accumulate && dw3_usual(apart, &see);
    const tl_range own = tl_share(p->n * channels * lines);
    const int32_t first = own.first / lines;
    const int32_t plane = extent * p->extent_w;
    const tl_elem *from = p->from + first * plane + see.column;
    const tl_elem zero = TL_STORE(0);
    int32_t channel = first < channels ? first : first % channels;
    int32_t line = own.first - first * lines;
    int32_t left = own.last - own.first;
    dw3_place at;

    TL_STORED(zero);
    at.to = p->to + own.first * p->count;
    while (left > 0) {
        const int32_t end = smallest_of(lines, line + left);
        const tl_acc bias = p->b && !accumulate ? TL_LOAD(p->b[channel]) : 0;
        const tl_elem *weight = p->w + channel * DW3 * DW3 + (p->flip ? DW3 * DW3 - 1 : 0);
        const int32_t next = p->flip ? -(int32_t)sizeof(tl_elem) : (int32_t)sizeof(tl_elem);
        tl_acc w[DW3][DW3];

        for (int t = 0; t < DW3 * DW3; t++) {
            w[t / DW3][t % DW3] = TL_LOAD_STEP(&weight, next);
        }
        left -= end - line;
        while (line < end) {
            const int32_t stop = smallest_of(inner_end, end);
            const int32_t more = line >= inner && line < stop ? stop - line : 1;

            dw3_at(p, line, from, &zero, &at);
            line += more;
            if (!usual || !TL_ROWS(dw3)(
                    apart, more, see.first, see.full, see.rest, &at.to, bias, w, at.from, at.step,
                    skip * (int32_t)sizeof(tl_elem))) {
                dw3_rows(apart, accumulate, more, skip, &see, w, bias, &at);
            }
        }
        from += plane;
        channel = channel + 1 < channels ? channel + 1 : 0;
        line = 0;
    }
}

/* Functions with the registers for themselves. */
#define DW3_FUNCTION(name, apart, accumulate)                                                      \
    static TL_NOINLINE void name(const dw3_planes *p)                                              \
    {                                                                                              \
        dw3_make(apart, accumulate, p);                                                            \
    }

DW3_FUNCTION(dw3_near, 1, 0)
DW3_FUNCTION(dw3_near_adding, 1, 1)
DW3_FUNCTION(dw3_far, 2, 0)
DW3_FUNCTION(dw3_far_adding, 2, 1)
