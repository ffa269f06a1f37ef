/* Copies that have landed as soon as they are started. */

#include <string.h>

#include "copies.h"
#include "tl/port.h"

static tl_copy copy_rows(
    unsigned char *to, uint32_t to_stride, const unsigned char *from, uint32_t from_stride,
    uint32_t row_bytes, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        memcpy(to + (size_t)row * to_stride, from + (size_t)row * from_stride, row_bytes);
    }
    return 0;
}

tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes)
{
    return copy_rows(to, 0, from, 0, bytes, 1);
}

tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return copy_rows(near, row_bytes, far, far_stride, row_bytes, rows);
}

tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return copy_rows(far, far_stride, near, row_bytes, row_bytes, rows);
}

void tl_copy_wait(tl_copy copy)
{
    (void)copy;
}

void copies_end(void)
{
}
