/* What kernels are compared with on the host: the loops as a textbook has them. Clipped taps are
   tested for, all tensors are dense, channels first. */

#include <string.h>

typedef struct {
    int n, ci, hi, wi, co, ho, wo, kh, kw, stride_h, stride_w, pad_top, pad_left, groups;
} shape;

#define FOR(i, end) for (int i = 0; i < (end); i++)

/* y += w * x, dw += dy * x or dx += dy * w: which of the three is summed into */
typedef enum { FORWARD, WEIGHT_GRADIENT, INPUT_GRADIENT } phase;

static inline void convolution(const phase what, const shape *s, float *y, float *x, float *w)
{
    const int channels = s->ci / s->groups;
    const int outputs = s->co / s->groups;

    FOR (n, s->n) FOR (co, s->co) FOR (ho, s->ho) FOR (wo, s->wo) FOR (c, channels)
    FOR (kh, s->kh) FOR (kw, s->kw) {
        const int hi = ho * s->stride_h + kh - s->pad_top;
        const int wi = wo * s->stride_w + kw - s->pad_left;
        const int ci = co / outputs * channels + c;

        if (hi >= 0 && hi < s->hi && wi >= 0 && wi < s->wi) {
            float *out = &y[((n * s->co + co) * s->ho + ho) * s->wo + wo];
            float *in = &x[((n * s->ci + ci) * s->hi + hi) * s->wi + wi];
            float *weight = &w[((co * channels + c) * s->kh + kh) * s->kw + kw];

            if (what == FORWARD) {
                *out += *weight * *in;
            } else if (what == WEIGHT_GRADIENT) {
                *weight += *out * *in;
            } else {
                *in += *out * *weight;
            }
        }
    }
}

void naive_fw(const shape *s, float *y, float *x, float *w)
{
    memset(y, 0, sizeof *y * (size_t)(s->n * s->co * s->ho * s->wo));
    convolution(FORWARD, s, y, x, w);
}

void naive_wg(const shape *s, float *y, float *x, float *w)
{
    memset(w, 0, sizeof *w * (size_t)(s->co * s->ci / s->groups * s->kh * s->kw));
    convolution(WEIGHT_GRADIENT, s, y, x, w);
}

void naive_ig(const shape *s, float *y, float *x, float *w)
{
    memset(x, 0, sizeof *x * (size_t)(s->n * s->ci * s->hi * s->wi));
    convolution(INPUT_GRADIENT, s, y, x, w);
}
