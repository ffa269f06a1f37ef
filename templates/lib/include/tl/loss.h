/* Losses of one mini-batch, and the gradient of the network's output.

   Each core takes samples of its own; where there are too few, all work on one at a time and meet
   inside the kernel. Sums are made of fixed parts in a fixed order, so that results do not depend on
   the team's size. */

#ifndef TL_LOSS_H
#define TL_LOSS_H

#include <stdint.h>

typedef struct tl_cross_entropy {
    int32_t n;
    int32_t classes;
    float divisor;          /* n for the mean, 1 for the sum */
    float label_smoothing;  /* 0 to 1 */
} tl_cross_entropy;

/* loss (1) = sum over n of -log softmax(x)[target] / divisor, as torch.nn.CrossEntropyLoss.
   x is (n, classes); target is (n), class indices. */
void tl_cross_entropy_fw_f32(
    const tl_cross_entropy *op, float *loss, const float *x, const int32_t *target);

/* dx (n, classes) = (softmax(x) - target) / divisor. The true class gets minus the sum of the
   others, so that it keeps its relative precision when the network is sure. */
void tl_cross_entropy_ig_f32(
    const tl_cross_entropy *op, float *dx, const float *x, const int32_t *target);

typedef struct tl_mse {
    int32_t count;
    float divisor; /* count for the mean, 1 for the sum */
} tl_mse;

/* loss (1) = sum of (x - target)^2 / divisor. */
void tl_mse_fw_f32(const tl_mse *op, float *loss, const float *x, const float *target);

/* dx = 2 (x - target) / divisor. */
void tl_mse_ig_f32(const tl_mse *op, float *dx, const float *x, const float *target);

#endif
