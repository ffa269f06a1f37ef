/* Parameter updates, in place. */

#ifndef TL_OPTIMIZER_H
#define TL_OPTIMIZER_H

#include <stdint.h>

typedef struct tl_sgd {
    int32_t count; /* parameters */
    float lr;
    float weight_decay;
} tl_sgd;

/* w -= lr * (dw + weight_decay * w), as torch.optim.SGD. */
void tl_sgd_update_f32(const tl_sgd *op, float *w, const float *dw);

#endif
