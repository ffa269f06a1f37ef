#include "tl/rates.h"

#include "tl/math.h"

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
