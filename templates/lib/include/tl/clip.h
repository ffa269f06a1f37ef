/* Gradients made smaller before the update, in place, as torch.nn.utils' clip_grad_value_ and
   clip_grad_norm_. A NaN stays one. */

#ifndef TL_CLIP_H
#define TL_CLIP_H

#include <stdint.h>

#define TL_SQUARES 16 /* sums of a gradient's squares */

typedef struct tl_clip_value {
    int32_t count; /* elements */
    float limit;
} tl_clip_value;

/* dw = dw, at least -limit and at most limit. */
void tl_clip_value_update_f32(const tl_clip_value *op, float *dw);

typedef struct tl_square_sums {
    int32_t count;
    int32_t accumulate; /* add to the sums */
} tl_square_sums;

/* sums (TL_SQUARES) = sums of dw^2 over as many parts of dw, which do not depend on the team. */
void tl_square_sums_update_f32(const tl_square_sums *op, float *sums, const float *dw);

typedef struct tl_clip_factor {
    int32_t count; /* sums of squares, of all gradients */
    float max_norm;
} tl_clip_factor;

/* factor (1) = max_norm / (norm + 1e-6), at most 1. */
void tl_clip_factor_update_f32(const tl_clip_factor *op, float *factor, const float *sums);

typedef struct tl_clip_norm {
    int32_t count;
} tl_clip_norm;

/* dw *= factor. */
void tl_clip_norm_update_f32(const tl_clip_norm *op, float *dw, const float *factor);

#endif
