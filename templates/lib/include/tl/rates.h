/* What all updates of training step `step`, counted from 1, share: set once a step by the
   controller, so that no element pays for it. */

#ifndef TL_RATES_H
#define TL_RATES_H

#include <stdint.h>

/* The lr of the training steps from `from` on. */
typedef struct tl_lr_run {
    int32_t from;
    float lr;
} tl_lr_run;

/* The lr of a step, from a table of so many bytes, whose first run is from step 1 on; behind its end
   the last lr stays. */
float tl_scheduled_lr(const tl_lr_run *runs, uint32_t bytes, int32_t step);

/* rate = {lr}. */
void tl_lr_rate(float *rate, float lr, int32_t step);

/* rate = {lr, what the gradient adds to the momentum: 1 at the first step, then `fresh`}. */
void tl_momentum_rate(float *rate, float lr, int32_t step, float fresh);

/* rate = {lr / (1 + (step - 1) * lr_decay)}. */
void tl_decayed_rate(float *rate, float lr, int32_t step, float lr_decay);

/* rate = {lr / (1 - beta1^step), 1 / sqrt(1 - beta2^step), 1 - lr * weight_decay}, from the betas'
   logarithms. */
void tl_adam_rate(
    float *rate, float lr, int32_t step, float log_beta1, float log_beta2, float weight_decay);

#endif
