/* Activations, element by element. */

#ifndef TL_ACTIVATION_H
#define TL_ACTIVATION_H

#include <stdint.h>

typedef struct tl_relu {
    int32_t count;      /* elements */
    int32_t accumulate; /* ig: add to dx */
} tl_relu;

/* y = max(x, 0); NaN stays NaN. */
void tl_relu_fw_f32(const tl_relu *op, float *y, const float *x);

/* dx = dy where y > 0, else 0. y may be the output or the input of the forward step. */
void tl_relu_ig_f32(const tl_relu *op, float *dx, const float *dy, const float *y);

typedef struct tl_leaky_relu {
    int32_t count;
    int32_t accumulate;
    float negative_slope;
} tl_leaky_relu;

/* y = x where x > 0, else negative_slope * x. */
void tl_leaky_relu_fw_f32(const tl_leaky_relu *op, float *y, const float *x);

/* dx = dy where s > 0, else negative_slope * dy. s has the sign of the forward step's input. */
void tl_leaky_relu_ig_f32(const tl_leaky_relu *op, float *dx, const float *dy, const float *s);

#endif
