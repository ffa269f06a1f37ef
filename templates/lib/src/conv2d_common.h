/* Index arithmetic that the three phases share. */

#ifndef CONV2D_COMMON_H
#define CONV2D_COMMON_H

enum { BLOCK = 4 }; /* channels x pixels that are summed in registers */

static inline int32_t largest_of(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int32_t smallest_of(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* channels of a group; a division takes as long as 30 other instructions */
static inline int32_t of_a_group(int32_t channels, int32_t groups)
{
    return groups == 1 ? channels : channels / groups;
}

/* the group of a plane, of samples x groups */
static inline int32_t group_at(int32_t plane, int32_t groups)
{
    return groups == 1 ? 0 : plane % groups;
}

/* a / b rounded towards minus infinity, b > 0; strides are mostly 1 or 2: a shift divides */
static inline int32_t floor_div(int32_t a, int32_t b)
{
    if (b <= 2) {
        return a >> (b - 1);
    }
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static inline int32_t ceil_div(int32_t a, int32_t b)
{
    return -floor_div(-a, b);
}

/* the outputs whose tap `tap` lies inside an axis of `extent` elements: [first, last) of `outputs` */
static inline tl_range outputs_inside(
    int32_t extent, int32_t tap, int32_t stride, int32_t pad, int32_t outputs)
{
    tl_range range;

    range.first = smallest_of(largest_of(ceil_div(pad - tap, stride), 0), outputs);
    range.last = smallest_of(floor_div(extent - 1 + pad - tap, stride) + 1, outputs);
    range.last = largest_of(range.last, range.first);
    return range;
}

/* the taps of an output that lie inside: [first, last) of `taps` */
static inline tl_range taps_inside(int32_t start, int32_t extent, int32_t taps)
{
    tl_range range;

    range.first = smallest_of(largest_of(-start, 0), taps);
    range.last = largest_of(smallest_of(extent - start, taps), range.first);
    return range;
}

/* bit k: whether start + k lies inside [0, extent) */
static inline uint32_t bits_inside(int32_t start, int32_t extent)
{
    const int32_t first = largest_of(-start, 0);
    const int32_t last = extent - start;

    if (first >= 32 || last <= 0) {
        return 0;
    }
    return (last >= 32 ? ~0u : (1u << last) - 1) & ~0u << first;
}

#endif
