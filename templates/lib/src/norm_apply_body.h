/* Normalisation and its gradients, element by element. Each core takes one contiguous range.

   With d = x - shift: xhat = d * rstd - delta * rstd, so y is linear in d, and dx in d and dy. */

/* Where a core is in (n, channels, length): a plane of one channel, and its statistic. */
typedef struct plane {
    int32_t channel;
    int32_t stat;
    int32_t in_group;    /* channels of the group before this one */
    int32_t sample_stat; /* the sample's first statistic */
} plane;

static inline plane plane_at(const tl_channel_norm *op, int32_t index)
{
    const int32_t sample = index / op->channels;
    plane at;

    at.channel = index - sample * op->channels;
    at.sample_stat = sample * op->sample_stats;
    at.stat = at.sample_stat + at.channel / op->group;
    at.in_group = at.channel % op->group;
    return at;
}

static inline void next_plane(const tl_channel_norm *op, plane *at)
{
    at->channel++;
    at->in_group++;
    if (at->in_group == op->group) {
        at->in_group = 0;
        at->stat++;
    }
    if (at->channel == op->channels) {
        at->channel = 0;
        at->sample_stat += op->sample_stats;
        at->stat = at->sample_stat;
    }
}

void TL_NAME(channel_norm_fw)(const tl_channel_norm *op, tl_elem *y, const tl_elem *x,
    const tl_acc *stats, const tl_elem *w, const tl_elem *b)
{
    const tl_range own = tl_share(op->n * op->channels * op->length);
    int32_t index = own.first / op->length;
    plane at = plane_at(op, index);

    for (int32_t i = own.first; i < own.last; next_plane(op, &at)) {
        const statistic s = statistic_at(stats, at.stat);
        const tl_acc scale = w ? s.rstd * TL_LOAD(w[at.channel]) : s.rstd;
        const tl_acc offset = (b ? TL_LOAD(b[at.channel]) : 0) - s.delta * scale;
        const int32_t whole = ++index * op->length;
        const int32_t end = whole < own.last ? whole : own.last;

        for (; i < end; i++) {
            y[i] = TL_STORE((TL_LOAD(x[i]) - s.shift) * scale + offset);
        }
    }
}

/* dx of a range of one plane or row: of_dy * w * dy + of_x * (x - shift) + rest */
typedef struct slopes {
    tl_acc of_dy, of_x, rest;
} slopes;

static inline slopes slopes_of(statistic s, const tl_acc *means, int32_t index)
{
    slopes k = {s.rstd, 0, 0};

    if (means) {
        k.of_x = -(s.rstd * means[PAIR * index + 1]) * s.rstd;
        k.rest = -s.rstd * means[PAIR * index] - k.of_x * s.delta;
    }
    return k;
}

void TL_NAME(channel_norm_ig)(const tl_channel_norm *op, tl_elem *dx, const tl_elem *dy,
    const tl_elem *x, const tl_acc *stats, const tl_acc *means, const tl_elem *w)
{
    const tl_range own = tl_share(op->n * op->channels * op->length);
    int32_t index = own.first / op->length;
    plane at = plane_at(op, index);

    for (int32_t i = own.first; i < own.last; next_plane(op, &at)) {
        const statistic s = statistic_at(stats, at.stat);
        const slopes k = slopes_of(s, means, at.stat);
        const tl_acc of_dy = w ? k.of_dy * TL_LOAD(w[at.channel]) : k.of_dy;
        const int32_t whole = ++index * op->length;
        const int32_t end = whole < own.last ? whole : own.last;

        for (; i < end; i++) {
            const tl_acc old = op->accumulate ? TL_LOAD(dx[i]) : 0;
            const tl_acc d = TL_LOAD(x[i]) - s.shift;

            dx[i] = TL_STORE(old + (of_dy * TL_LOAD(dy[i]) + (k.of_x * d + k.rest)));
        }
    }
}

void TL_NAME(row_norm_fw)(const tl_row_norm *op, tl_elem *y, const tl_elem *x, const tl_acc *stats,
    const tl_elem *w, const tl_elem *b)
{
    const tl_range own = tl_share(op->rows * op->length);
    int32_t row = own.first / op->length;

    for (int32_t i = own.first; i < own.last; row++) {
        const statistic s = statistic_at(stats, row);
        const tl_acc offset = s.delta * s.rstd;
        const int32_t start = row * op->length;
        const int32_t end = start + op->length < own.last ? start + op->length : own.last;

        for (; i < end; i++) {
            const tl_acc xhat = (TL_LOAD(x[i]) - s.shift) * s.rstd - offset;
            const tl_acc scaled = w ? xhat * TL_LOAD(w[i - start]) : xhat;

            y[i] = TL_STORE(b ? scaled + TL_LOAD(b[i - start]) : scaled);
        }
    }
}

void TL_NAME(row_norm_ig)(const tl_row_norm *op, tl_elem *dx, const tl_elem *dy, const tl_elem *x,
    const tl_acc *stats, const tl_acc *means, const tl_elem *w)
{
    const tl_range own = tl_share(op->rows * op->length);
    int32_t row = own.first / op->length;

    for (int32_t i = own.first; i < own.last; row++) {
        const statistic s = statistic_at(stats, row);
        const slopes k = slopes_of(s, means, row);
        const int32_t start = row * op->length;
        const int32_t end = start + op->length < own.last ? start + op->length : own.last;

        for (; i < end; i++) {
            const tl_acc old = op->accumulate ? TL_LOAD(dx[i]) : 0;
            const tl_acc g = w ? TL_LOAD(dy[i]) * TL_LOAD(w[i - start]) : TL_LOAD(dy[i]);
            const tl_acc d = TL_LOAD(x[i]) - s.shift;

            dx[i] = TL_STORE(old + (k.of_dy * g + (k.of_x * d + k.rest)));
        }
    }
}

void TL_NAME(row_norm_wg)(const tl_row_norm *op, tl_elem *dw, tl_elem *db, const tl_elem *dy,
    const tl_elem *x, const tl_acc *stats)
{
    const tl_range own = tl_share(op->length);

    for (int32_t j = own.first; j < own.last; j++) {
        tl_acc sum = db && op->accumulate ? TL_LOAD(db[j]) : 0;
        tl_acc product = op->accumulate ? TL_LOAD(dw[j]) : 0;

        for (int32_t row = 0; row < op->rows; row++) {
            const statistic s = statistic_at(stats, row);
            const tl_acc g = TL_LOAD(dy[row * op->length + j]);

            sum += g;
            product += g * ((TL_LOAD(x[row * op->length + j]) - s.shift) - s.delta) * s.rstd;
        }
        dw[j] = TL_STORE(product);
        if (db) {
            db[j] = TL_STORE(sum);
        }
    }
}
