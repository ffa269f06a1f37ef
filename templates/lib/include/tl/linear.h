/* Fully connected layer.

   x is (n, ci), w is (co, ci), b is (co), y is (n, co); gradients have the shapes of their tensors.
   Every result is one sum in the order of its index, so it does not depend on the team's size. */

#ifndef TL_LINEAR_H
#define TL_LINEAR_H

#include <stdint.h>

typedef struct tl_linear {
    int32_t n;          /* rows of x: samples, times positions of a sequence */
    int32_t ci;
    int32_t co;
    int32_t accumulate; /* add to the output instead of overwriting it */
    /* of the weight gradient alone: it is scale * sum, plus decay * (what is there) where it
       accumulates; a plain gradient has 1, 1, 1, and with scale = -lr it is SGD on the weights */
    float scale;
    float decay;
    float bias_decay; /* decay of db */
} tl_linear;

/* y = x w^T + b; b may be NULL. */
void tl_linear_fw_f32(
    const tl_linear *op, float *y, const float *x, const float *w, const float *b);

/* dw = dy^T x, db = column sums of dy; db may be NULL. */
void tl_linear_wg_f32(
    const tl_linear *op, float *dw, float *db, const float *x, const float *dy);

/* dx = dy w. */
void tl_linear_ig_f32(const tl_linear *op, float *dx, const float *dy, const float *w);

/* The same for one row (n = 1), as layers of single samples have. */
void tl_linear_n1_fw_f32(
    const tl_linear *op, float *y, const float *x, const float *w, const float *b);
void tl_linear_n1_wg_f32(
    const tl_linear *op, float *dw, float *db, const float *x, const float *dy);
void tl_linear_n1_ig_f32(const tl_linear *op, float *dx, const float *dy, const float *w);

#endif
