/* 2-D convolution: full, grouped, depthwise and pointwise, any stride, zero padding on four sides.

   x is (n, ci, hi, wi), w is (co, ci / groups, kh, kw), b is (co), y is (n, co, ho, wo); gradients
   have the shapes of their tensors. Padding at the bottom and right is what ho and wo imply: rows
   and columns outside x count as zero.

   No scratch memory, no im2col. Work is split over outputs only, and the order in which an output is
   summed follows from the shape alone (fw: ci, kh, kw; ig: co, kh, kw; wg: n, ho, wo; 3 x 3 depthwise
   and columns at borders in orders of their own), so results do not depend on the team's size.
   Error: at most about 2 sqrt(K) eps of the largest magnitude for sums of K terms. */

#ifndef TL_CONV2D_H
#define TL_CONV2D_H

#include <stdint.h>

typedef struct tl_conv2d {
    int32_t n;
    int32_t ci, hi, wi;
    int32_t co, ho, wo;
    int32_t kh, kw;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t groups;     /* divides ci and co */
    int32_t accumulate; /* add to the output instead of overwriting it */
    /* of the weight gradient alone: it is scale * sum, plus decay * (what is there) where it
       accumulates; a plain gradient has 1, 1, 1, and with scale = -lr it is SGD on the weights */
    float scale;
    float decay;
    float bias_decay; /* decay of db */
} tl_conv2d;

/* y = x * w + b; b may be NULL. */
void tl_conv2d_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);

/* Weight gradient, and the bias's (sums of dy over n, ho, wo); db may be NULL. */
void tl_conv2d_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);

/* Input gradient; elements of x that no window reaches get 0. */
void tl_conv2d_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

/* The same for depthwise layers (groups = ci = co) with a 3 x 3 window and columns 1 or 2 apart. wg: of a
   sample the windows that see one column of x alone come last. */
void tl_conv2d_dw3_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_dw3_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_dw3_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

/* The same for windows of 1 x 1 without padding or stride. */

void tl_conv2d_1x1_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_1x1_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_1x1_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

/* The same for windows of 1 x 1 without padding, 2 apart in both directions. */
void tl_conv2d_1x1s2_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_1x1s2_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_1x1s2_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

/* The same for windows 3 and 4 wide with a horizontal stride of 1 or 2, 5 and 7 wide with 1. */
void tl_conv2d_k3_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_k3_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_k3_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

void tl_conv2d_k4_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_k4_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_k4_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

void tl_conv2d_k5_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_k5_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_k5_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

void tl_conv2d_k7_fw_f32(
    const tl_conv2d *op, float *y, const float *x, const float *w, const float *b);
void tl_conv2d_k7_wg_f32(
    const tl_conv2d *op, float *dw, float *db, const float *x, const float *dy);
void tl_conv2d_k7_ig_f32(const tl_conv2d *op, float *dx, const float *dy, const float *w);

#endif
