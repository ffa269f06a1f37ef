/* Planes of a depthwise convolution, in strips of columns. */

/* How many columns make a strip, `left` being left and the first tap of the first one at column `at` of
   the source: a strip's first and last tap alone may see none. `usual`: no others do. */
static inline int32_t strip_width(int usual, int32_t left, int32_t at, int32_t extent)
{
    int32_t width = left < STRIP ? left : left == STRIP + 1 ? 2 : STRIP;

    if (usual) {
        return width;
    }
    if (at + 1 < 0) {
        return 1;
    }
    while (width > 1 && at + width >= extent) {
        width--;
    }
    return width;
}

/* Bit j: whether the source lacks column `at` + j of those that taps see. */
static inline uint32_t strip_outside(int32_t width, int32_t at, int32_t extent)
{
    const int32_t last = width + DW3 - 2;

    if (width == 1) {
        return ~bits_inside(at, extent) & 7;
    }
    return (uint32_t)(at < 0) | (uint32_t)(at + last >= extent) << last;
}

/* Planes of `count` x `lines` results. A core makes a range of their rows, strip by strip. */
typedef struct {
    const tl_elem *from, *w, *b;
    tl_elem *to;
    int32_t n, channels;
    int32_t lines, count;        /* of the result */
    int32_t extent_h, extent_w;  /* of the source */
    int32_t top, left;           /* columns and rows before the source */
    int32_t flip;                /* whether the taps go from the last to the first */
    int32_t accumulate;
} dw3_planes;

static TL_NOINLINE void strip_planes(const dw3_planes *p)
{
    const int32_t lines = p->lines, count = p->count, extent = p->extent_w, start = -p->left;
    const int32_t channels = p->channels, flip = p->flip;
    const int32_t accumulate = p->accumulate, from_plane = p->extent_h * extent;
    dw3_strip s = {.last = -1, .w_step = flip ? -1 : 1, .from_line = extent, .to_line = count,
                   .pad = p->top, .accumulate = accumulate};
    const int usual = start >= -1 && start + count < extent;
    int32_t strips = usual ? (count + STRIP - 1) / STRIP : 0;
    int32_t plane, begin, end;
    tl_range own;

    for (int32_t i = 0; i < count && !usual; strips++) {
        i += strip_width(0, count - i, start + i, extent);
    }
    own = tl_share(p->n * channels * strips * lines);
    plane = own.first / (strips * lines);
    begin = own.first - plane * strips * lines;
    end = own.last - plane * strips * lines;
    for (; end > 0; plane++) {
        const int32_t channel = plane % channels;

        s.w = p->w + channel * DW3 * DW3 + (flip ? DW3 * DW3 - 1 : 0);
        s.bias = p->b ? TL_LOAD(p->b[channel]) : 0;
        for (int32_t column = 0, width; column < count && end > 0; column += width) {
            const int32_t at = start + column;

            width = strip_width(usual, count - column, at, extent);
            if (begin < lines) {
                const int32_t last = end < lines ? end : lines;
                int32_t extent_h = p->extent_h;

                s.from = p->from + plane * from_plane + at;
                s.to = p->to + plane * lines * count + column;
                s.outside = strip_outside(width, at, extent);
                /* none of its columns: none of its rows */
                extent_h = s.outside == 7 ? 0 : extent_h;
                if (begin != s.first || last != s.last || extent_h != s.extent) {
                    strip_lines(&s, begin, last, extent_h);
                }
                strip_run(width, accumulate, &s);
            }
            begin = begin < lines ? 0 : begin - lines;
            end -= lines;
        }
    }
}
