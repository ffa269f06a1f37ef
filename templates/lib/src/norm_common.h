/* What the sums and the elementwise parts of normalisation share. */

#ifndef NORM_COMMON_H
#define NORM_COMMON_H

/* floats of a statistic, of a part's moments, and of a pair of sums */
enum { STAT = 3, PAIR = 2 };

/* a mean, as shift + delta, and 1 / sqrt(variance + eps) */
typedef struct statistic {
    tl_acc shift, delta, rstd;
} statistic;

static inline statistic statistic_at(const tl_acc *stats, int32_t index)
{
    const tl_acc *from = stats + STAT * index;
    const statistic s = {from[0], from[1], from[2]};

    return s;
}

#endif
