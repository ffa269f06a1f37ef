/* Normalisation over the mini-batch, over groups of channels, or over rows.

   A statistic is three floats: shift, delta, rstd. The mean is shift + delta, with shift the nearest
   float: (x - shift) - delta keeps its digits where the mean is large beside the deviations.
   rstd = 1 / sqrt(variance + eps), of the biased variance.

   Sums are of two passes, the deviations from the mean in the second, corrected by what the mean's
   own rounding leaves. They are made in parts whose bounds follow from the shape alone, so results do
   not depend on the team's size. Work is split over parts (sums) or elements; there is a division a
   part or run of elements, none in a loop over elements. */

#ifndef TL_NORM_H
#define TL_NORM_H

#include <stdint.h>

/* Groups of `length` contiguous elements, one behind the other. */
typedef struct tl_norm_moments {
    int32_t groups;
    int32_t length;
    int32_t parts;    /* of each group */
    int32_t centered; /* 0: of the elements themselves, the mean counts as 0 */
    int32_t training; /* 0: nothing to do, the statistics are known */
} tl_norm_moments;

/* parts (groups, parts, 3): shift, delta and the sum of squared deviations of each part. */
void tl_norm_moments_fw_f32(const tl_norm_moments *op, float *parts, const float *x);

typedef struct tl_norm_statistics {
    int32_t groups;
    int32_t entries;               /* parts that each is made of */
    int32_t count;                 /* elements of each: the parts share them as evenly as can be */
    int32_t stat_step, entry_step; /* entry e of group g is part g * stat_step + e * entry_step */
    int32_t training; /* 0: the statistics are the running ones */
    float eps;
    float momentum;   /* of the running statistics */
} tl_norm_statistics;

/* stats (groups, 3) from the parts. Where there are running statistics (else NULL):
   running = (1 - momentum) * running + momentum * new, the variance unbiased. Without training the
   stats are those of running_mean and running_var, and parts may be NULL. */
void tl_norm_statistics_fw_f32(const tl_norm_statistics *op, float *stats, float *running_mean,
    float *running_var, const float *parts);

/* y = xhat * w + b and its gradients, with a weight a channel. x is (n, channels, length); sample s
   and channel c have statistic s * sample_stats + c / group. */
typedef struct tl_channel_norm {
    int32_t n;
    int32_t channels;
    int32_t length;
    int32_t sample_stats; /* statistics of each sample; 0: samples share them */
    int32_t group;        /* channels that share a statistic */
    int32_t accumulate;   /* ig: add to dx */
} tl_channel_norm;

/* y = xhat * w + b; w and b may be NULL. */
void tl_channel_norm_fw_f32(const tl_channel_norm *op, float *y, const float *x, const float *stats,
    const float *w, const float *b);

/* dx = rstd * (w * dy - means[0] - xhat * means[1]); w may be NULL, and means where the statistics do
   not depend on x. */
void tl_channel_norm_ig_f32(const tl_channel_norm *op, float *dx, const float *dy, const float *x,
    const float *stats, const float *means, const float *w);

/* The same with a weight an element: x is (rows, length), w and b are (length). */
typedef struct tl_row_norm {
    int32_t rows;
    int32_t length;
    int32_t accumulate; /* ig: add to dx; wg: to dw and db */
} tl_row_norm;

void tl_row_norm_fw_f32(const tl_row_norm *op, float *y, const float *x, const float *stats,
    const float *w, const float *b);
void tl_row_norm_ig_f32(const tl_row_norm *op, float *dx, const float *dy, const float *x,
    const float *stats, const float *means, const float *w);

/* dw = sums over the rows of dy * xhat, db = sums of dy; db may be NULL. */
void tl_row_norm_wg_f32(const tl_row_norm *op, float *dw, float *db, const float *dy, const float *x,
    const float *stats);

/* x is (n, groups, length); group g of sample s has statistic s * sample_stats + g / shared. */
typedef struct tl_norm_sums {
    int32_t n;
    int32_t groups; /* of each sample */
    int32_t length;
    int32_t parts;        /* of each group */
    int32_t sample_stats; /* statistics of each sample; 0: samples share them */
    int32_t shared;       /* groups that share a statistic */
} tl_norm_sums;

/* sums (n, groups, parts, 2): of w * dy, and of w * dy * xhat; w (length) may be NULL. */
void tl_norm_sums_ig_f32(const tl_norm_sums *op, float *sums, const float *dy, const float *x,
    const float *stats, const float *w);

typedef struct tl_norm_means {
    int32_t stats;
    int32_t entries;  /* of sums, for each statistic */
    int32_t count;    /* elements of each statistic */
    int32_t stat_step, entry_step; /* entry e of statistic s is s * stat_step + e * entry_step */
    int32_t centered; /* 0: the first mean is 0 */
    int32_t channels; /* of w: entry e of statistic s has weight (s * w_stat + e * w_entry) % channels */
    int32_t w_stat, w_entry;
} tl_norm_means;

/* means (stats, 2): the sums of the entries, each times its weight, over count; w may be NULL. */
void tl_norm_means_ig_f32(const tl_norm_means *op, float *means, const float *sums, const float *w);

typedef struct tl_norm_affine {
    int32_t channels;
    int32_t entries; /* of sums, for each channel */
    int32_t channel_stride, entry_stride;
    int32_t accumulate; /* add to db and dw */
} tl_norm_affine;

/* db and dw (channels): the sums of the entries. */
void tl_norm_affine_wg_f32(const tl_norm_affine *op, float *dw, float *db, const float *sums);

#endif
