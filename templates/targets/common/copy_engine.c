/* The copies of tl/port.h by the core itself. */

#include <string.h>

#include "tl/port.h"

tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes)
{
    return (tl_copy){to, from, bytes, 1, 0, 0};
}

tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return (tl_copy){near, far, row_bytes, rows, row_bytes, far_stride};
}

tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return (tl_copy){far, near, row_bytes, rows, far_stride, row_bytes};
}

void tl_copy_wait(tl_copy copy)
{
    for (uint32_t row = 0; row < copy.rows; row++) {
        memcpy(copy.to + row * copy.to_stride, copy.from + row * copy.from_stride, copy.row_bytes);
    }
}
