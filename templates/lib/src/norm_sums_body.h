/* Sums over groups of elements, in parts, and what is made of the parts. */

/* relative to the first element: equal ones have exactly their mean, and near ones nearly */
static inline tl_acc mean_of(const tl_elem *x, tl_range part)
{
    const tl_acc base = TL_LOAD(x[part.first]);
    tl_acc sum = 0;

    for (int32_t i = part.first; i < part.last; i++) {
        sum += TL_LOAD(x[i]) - base;
    }
    return base + sum * (1 / (tl_acc)(part.last - part.first));
}

/* out: shift, delta and the sum of squares around their sum */
static inline void moments_of(
    const tl_norm_moments *op, tl_acc *out, const tl_elem *x, tl_range part)
{
    const tl_acc each = 1 / (tl_acc)(part.last - part.first);
    const tl_acc shift = op->centered ? mean_of(x, part) : 0;
    tl_acc sum = 0;
    tl_acc squares = 0;

    for (int32_t i = part.first; i < part.last; i++) {
        const tl_acc deviation = TL_LOAD(x[i]) - shift;

        sum += deviation;
        squares += deviation * deviation;
    }
    out[0] = shift;
    out[1] = op->centered ? sum * each : 0;
    squares -= out[1] * sum;
    out[2] = squares > 0 || squares != squares ? squares : 0;
}

void TL_NAME(norm_moments_fw)(const tl_norm_moments *op, tl_acc *parts, const tl_elem *x)
{
    const tl_range own = tl_share(op->groups * op->parts);
    int32_t group = own.first / op->parts;
    int32_t part = own.first - group * op->parts;

    if (!op->training) {
        return;
    }
    for (int32_t item = own.first; item < own.last; item++) {
        const tl_range range = tl_part(op->length, op->parts, part);

        moments_of(op, parts + STAT * item, x + group * op->length, range);
        if (++part == op->parts) {
            part = 0;
            group++;
        }
    }
}

/* Mean and squared deviations of all parts from theirs (Chan, Golub and LeVeque 1983), relative to the
   first part's shift, which is near all of them where the deviations are small. */
static inline statistic joined(const tl_norm_statistics *op, const tl_acc *parts, tl_acc *squares)
{
    const tl_acc base = parts[0];
    statistic s = {0, 0, 0};
    tl_acc mean = 0;
    tl_acc around = 0;

    for (int32_t p = 0; p < op->entries; p++) {
        const tl_range range = tl_part(op->count, op->entries, p);
        const tl_acc *part = parts + STAT * op->entry_step * p;

        mean += (tl_acc)(range.last - range.first) * ((part[0] - base) + part[1]);
    }
    mean *= 1 / (tl_acc)op->count;
    for (int32_t p = 0; p < op->entries; p++) {
        const tl_range range = tl_part(op->count, op->entries, p);
        const tl_acc *part = parts + STAT * op->entry_step * p;
        const tl_acc apart = ((part[0] - base) + part[1]) - mean;

        around += part[2] + (tl_acc)(range.last - range.first) * apart * apart;
    }
    s.shift = base + mean;
    s.delta = mean - (s.shift - base);
    *squares = around;
    return s;
}

static inline tl_acc inverse_root(tl_acc variance, tl_acc eps)
{
    return 1 / tl_sqrtf(variance + eps);
}

void TL_NAME(norm_statistics_fw)(const tl_norm_statistics *op, tl_acc *stats, tl_elem *running_mean,
    tl_elem *running_var, const tl_acc *parts)
{
    const tl_range own = tl_share(op->groups);
    const tl_acc keep = 1 - op->momentum;
    const tl_acc others = (tl_acc)(op->count > 1 ? op->count - 1 : 1);

    for (int32_t g = own.first; g < own.last; g++) {
        statistic s = {0, 0, 0};

        if (op->training) {
            tl_acc squares;

            s = joined(op, parts + STAT * op->stat_step * g, &squares);
            s.rstd = inverse_root(squares / (tl_acc)op->count, op->eps);
            if (running_mean) {
                const tl_acc mean = s.shift + s.delta;
                const tl_acc old_mean = TL_LOAD(running_mean[g]);
                const tl_acc old_var = TL_LOAD(running_var[g]);

                /* an overflow would never leave them; it stops the training step anyway */
                if (tl_is_finite(mean) && tl_is_finite(squares)) {
                    running_mean[g] = TL_STORE(keep * old_mean + op->momentum * mean);
                    running_var[g] = TL_STORE(keep * old_var + op->momentum * (squares / others));
                }
            }
        } else {
            s.shift = TL_LOAD(running_mean[g]);
            s.rstd = inverse_root(TL_LOAD(running_var[g]), op->eps);
        }
        stats[STAT * g] = s.shift;
        stats[STAT * g + 1] = s.delta;
        stats[STAT * g + 2] = s.rstd;
    }
}

/* out: the sums of w * dy and of w * dy * xhat */
static inline void sums_of(tl_acc *out, const tl_elem *dy, const tl_elem *x, statistic s,
    const tl_elem *weight, tl_range part)
{
    tl_acc sum = 0;
    tl_acc product = 0;

    for (int32_t i = part.first; i < part.last; i++) {
        const tl_acc scale = weight ? TL_LOAD(weight[i]) : 1;
        const tl_acc g = scale * TL_LOAD(dy[i]);

        sum += g;
        product += g * (TL_LOAD(x[i]) - s.shift);
    }
    out[0] = sum;
    out[1] = (product - s.delta * sum) * s.rstd;
}

void TL_NAME(norm_sums_ig)(const tl_norm_sums *op, tl_acc *sums, const tl_elem *dy,
    const tl_elem *x, const tl_acc *stats, const tl_elem *w)
{
    const tl_range own = tl_share(op->n * op->groups * op->parts);
    int32_t index = own.first / op->parts; /* of the group in the mini-batch */
    int32_t part = own.first - index * op->parts;

    for (int32_t item = own.first; item < own.last; item++) {
        const tl_range range = tl_part(op->length, op->parts, part);
        const int32_t sample = index / op->groups;
        const int32_t stat =
            sample * op->sample_stats + (index - sample * op->groups) / op->shared;
        const int32_t start = index * op->length;

        sums_of(sums + PAIR * item, dy + start, x + start, statistic_at(stats, stat), w, range);
        if (++part == op->parts) {
            part = 0;
            index++;
        }
    }
}

void TL_NAME(norm_means_ig)(
    const tl_norm_means *op, tl_acc *means, const tl_acc *sums, const tl_elem *w)
{
    const tl_range own = tl_share(op->stats);
    const tl_acc each = 1 / (tl_acc)op->count;

    for (int32_t s = own.first; s < own.last; s++) {
        int32_t channel = w ? (s * op->w_stat) % op->channels : 0;
        tl_acc sum = 0;
        tl_acc product = 0;

        for (int32_t e = 0; e < op->entries; e++, channel += op->w_entry) {
            const tl_acc *entry = sums + PAIR * (s * op->stat_step + e * op->entry_step);
            const tl_acc scale = w ? TL_LOAD(w[channel]) : 1;

            sum += scale * entry[0];
            product += scale * entry[1];
        }
        means[PAIR * s] = op->centered ? sum * each : 0;
        means[PAIR * s + 1] = product * each;
    }
}

void TL_NAME(norm_affine_wg)(const tl_norm_affine *op, tl_elem *dw, tl_elem *db, const tl_acc *sums)
{
    const tl_range own = tl_share(op->channels);

    for (int32_t c = own.first; c < own.last; c++) {
        tl_acc sum = op->accumulate ? TL_LOAD(db[c]) : 0;
        tl_acc product = op->accumulate ? TL_LOAD(dw[c]) : 0;

        for (int32_t e = 0; e < op->entries; e++) {
            const tl_acc *entry = sums + PAIR * (c * op->channel_stride + e * op->entry_stride);

            sum += entry[0];
            product += entry[1];
        }
        dw[c] = TL_STORE(product);
        db[c] = TL_STORE(sum);
    }
}
