/* Pooling over windows. x is (n, c, hi, wi), y is (n, c, ho, wo).

   Rows and columns of a window outside x are padding; every window must hold an element of x. */

#ifndef TL_POOL2D_H
#define TL_POOL2D_H

#include <stdint.h>

typedef struct tl_pool2d {
    int32_t n;
    int32_t c;
    int32_t hi, wi;
    int32_t ho, wo;
    int32_t kh, kw;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t count_include_pad; /* average: divide by kh kw, else by the elements inside x */
    int32_t accumulate;        /* ig: add to dx */
} tl_pool2d;

typedef tl_pool2d tl_max_pool2d;
typedef tl_pool2d tl_avg_pool2d;

/* y = the largest element of each window; NaN if it holds one. */
void tl_max_pool2d_fw_f32(const tl_pool2d *op, float *y, const float *x);

/* dy goes to the first largest element of its window, which is found again from x. */
void tl_max_pool2d_ig_f32(const tl_pool2d *op, float *dx, const float *dy, const float *x);

void tl_avg_pool2d_fw_f32(const tl_pool2d *op, float *y, const float *x);
void tl_avg_pool2d_ig_f32(const tl_pool2d *op, float *dx, const float *dy);

/* The same for windows of 2 x 2 side by side, without padding; x may have a row or a column more. */
void tl_max_pool2d_k2_fw_f32(const tl_pool2d *op, float *y, const float *x);
void tl_max_pool2d_k2_ig_f32(const tl_pool2d *op, float *dx, const float *dy, const float *x);
void tl_avg_pool2d_k2_fw_f32(const tl_pool2d *op, float *y, const float *x);
void tl_avg_pool2d_k2_ig_f32(const tl_pool2d *op, float *dx, const float *dy);

/* The average of whole planes. */
void tl_avg_pool2d_whole_fw_f32(const tl_pool2d *op, float *y, const float *x);
void tl_avg_pool2d_whole_ig_f32(const tl_pool2d *op, float *dx, const float *dy);

#endif
