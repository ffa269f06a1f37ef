/* Sums and copies, element by element. */

#ifndef TL_ELEMENTWISE_H
#define TL_ELEMENTWISE_H

#include <stdint.h>

typedef struct tl_add {
    int32_t count; /* elements */
} tl_add;

/* y = a + b. */
void tl_add_fw_f32(const tl_add *op, float *y, const float *a, const float *b);

typedef struct tl_pass {
    int32_t count;
    int32_t accumulate; /* add to the output */
} tl_pass;

/* y = x: the same elements under another shape. */
void tl_pass_fw_f32(const tl_pass *op, float *y, const float *x);

/* The gradient of a tensor that several layers read is the sum of theirs. */

/* dx = dy, or dx += dy. */
void tl_pass_ig_f32(const tl_pass *op, float *dx, const float *dy);

#endif
