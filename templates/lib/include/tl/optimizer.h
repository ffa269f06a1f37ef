/* Parameter updates, in place, as torch.optim's.

   An update changes the weight and what the optimizer keeps of it, element by element: any part of
   a parameter may be updated by itself. `rate` holds what all updates of a training step share
   (tl/rates.h); where it may be null, nothing depends on the step and the op's own numbers hold. */

#ifndef TL_OPTIMIZER_H
#define TL_OPTIMIZER_H

#include <stdint.h>

typedef struct tl_sgd {
    int32_t count; /* parameters */
    float lr;
    float weight_decay;
} tl_sgd;

/* w -= lr * (dw + weight_decay * w). rate: lr, or null. */
void tl_sgd_update_f32(const tl_sgd *op, float *w, const float *dw, const float *rate);

typedef struct tl_sgd_momentum {
    int32_t count;
    float lr;
    float weight_decay;
    float momentum;
    float nesterov; /* 1: look ahead, 0: do not */
} tl_sgd_momentum;

/* g = dw + weight_decay * w; v = momentum * v + fresh * g; w -= lr * v, or with Nesterov
   lr * (g + momentum * v). rate: lr and fresh, or null (fresh is 1). */
void tl_sgd_momentum_update_f32(
    const tl_sgd_momentum *op, float *w, float *v, const float *dw, const float *rate);

typedef struct tl_sign_sgd {
    int32_t count;
    float lr;
    float weight_decay;
} tl_sign_sgd;

/* w -= lr * (sign(dw) + weight_decay * w). rate: lr, or null. */
void tl_sign_sgd_update_f32(const tl_sign_sgd *op, float *w, const float *dw, const float *rate);

typedef struct tl_adam {
    int32_t count;
    float beta1;
    float beta2;
    float fresh1; /* 1 - beta1, with all its digits */
    float fresh2; /* 1 - beta2 */
    float eps;
    float weight_decay;
} tl_adam;

/* g = dw + weight_decay * w; m = beta1 * m + fresh1 * g; v = beta2 * v + fresh2 * g * g;
   w -= step_size * m / (sqrt(v) * root_scale + eps). rate: step_size, root_scale, decay. */
void tl_adam_update_f32(
    const tl_adam *op, float *w, float *m, float *v, const float *dw, const float *rate);

typedef struct tl_adam tl_adamw;

/* The same with g = dw, and w *= decay first. */
void tl_adamw_update_f32(
    const tl_adamw *op, float *w, float *m, float *v, const float *dw, const float *rate);

typedef struct tl_rmsprop {
    int32_t count;
    float lr;
    float alpha;
    float fresh; /* 1 - alpha */
    float eps;
    float momentum;
    float weight_decay;
} tl_rmsprop;

/* g = dw + weight_decay * w; v = alpha * v + fresh * g * g; u = g / (sqrt(v) + eps), centered
   with mean = alpha * mean + fresh * g and v - mean * mean in place of v; w -= lr * u, or with
   momentum buffer = momentum * buffer + u, w -= lr * buffer. buffer, mean: null without.
   rate: lr, or null. */
void tl_rmsprop_update_f32(const tl_rmsprop *op, float *w, float *v, float *buffer, float *mean,
                           const float *dw, const float *rate);

typedef struct tl_adagrad {
    int32_t count;
    float lr;
    float eps;
    float weight_decay;
} tl_adagrad;

/* g = dw + weight_decay * w; sum += g * g; w -= lr * g / (sqrt(sum) + eps). rate: lr, or null. */
void tl_adagrad_update_f32(
    const tl_adagrad *op, float *w, float *sum, const float *dw, const float *rate);

#endif
