#include "tl/rates.h"

#include "tl/math.h"

float tl_scheduled_lr(const tl_lr_run *runs, uint32_t bytes, int32_t step)
{
    uint32_t first = 0;
    uint32_t last = bytes / (uint32_t)sizeof *runs;

    while (last - first > 1) {
        const uint32_t middle = (first + last) / 2;

        if (runs[middle].from <= step) {
            first = middle;
        } else {
            last = middle;
        }
    }
    return runs[first].lr;
}

void tl_lr_rate(float *rate, float lr, int32_t step)
{
    (void)step;
    rate[0] = lr;
}

void tl_momentum_rate(float *rate, float lr, int32_t step, float fresh)
{
    rate[0] = lr;
    rate[1] = step == 1 ? 1.0f : fresh;
}

void tl_decayed_rate(float *rate, float lr, int32_t step, float lr_decay)
{
    rate[0] = lr / (1.0f + (float)(step - 1) * lr_decay);
}

void tl_adam_rate(
    float *rate, float lr, int32_t step, float log_beta1, float log_beta2, float weight_decay)
{
    rate[0] = lr / -tl_expm1f((float)step * log_beta1);
    rate[1] = 1.0f / tl_sqrtf(-tl_expm1f((float)step * log_beta2));
    rate[2] = 1.0f - lr * weight_decay;
}
