/* Kernels with PULP's own instructions, and the same from plain C, give the same bits and write
   nothing else: in place of a project's main.c, which comes behind declarations of `kernels`. */

enum { OPERAND = 3072, GUARD = 16, ROUNDS = 40 };

typedef struct {
    float before[GUARD], values[OPERAND], after[GUARD];
} operand;

/* What a round works on: each side has outputs of its own. */
static operand in, weights, bias, start, out[2], out_bias[2];
static int side, with_bias, kernel;
static uint32_t state = 1;

static int32_t random_to(int32_t first, int32_t last)
{
    state = state * 1664525u + 1013904223u;
    return first + (int32_t)((state >> 8) % (uint32_t)(last - first + 1));
}

static void fill(operand *to)
{
    float *from = (float *)to;

    for (uint32_t i = 0; i < sizeof *to / sizeof *from; i++) {
        from[i] = (float)random_to(-1000, 1000) * 0.001f;
    }
}

static void copy(operand *to, const operand *from)
{
    __builtin_memcpy(to, from, sizeof *to);
}

static int differ(const operand *a, const operand *b)
{
    return __builtin_memcmp(a, b, sizeof *a) != 0;
}

static int32_t outputs(int32_t extent, int32_t before, int32_t after, int32_t taps, int32_t step)
{
    return (extent + before + after - taps) / step + 1;
}

/* Windows of 1 x 1 with whole blocks of four channels, several beside each other, and sums alone. */
static void whole_blocks(tl_conv2d *c)
{
    c->groups = c->kh = c->kw = c->stride_h = c->stride_w = 1;
    c->ci = 4 * random_to(1, 3);
    c->co = 4 * random_to(1, 2);
    c->pad_top = c->pad_left = c->accumulate = 0;
    c->ho = c->hi;
    c->wo = c->wi;
    c->scale = 1;
}

/* A tile of a depthwise layer, with what it lacks on each side. */
static void depthwise(tl_conv2d *c)
{
    c->groups = c->ci = c->co = random_to(1, 5);
    c->wi = random_to(1, 17);
    c->kh = c->kw = 3;
    c->stride_h = random_to(1, 3);
    c->stride_w = random_to(1, 2);
    c->pad_top = random_to(0, 4) - 1;
    c->pad_left = random_to(0, 4) - 1;
    c->ho = random_to(1, 6);
    c->wo = random_to(1, 17);
}

/* Mostly none, or half the window. */
static int32_t random_pad(int32_t taps)
{
    return random_to(1, 3) == 1 ? random_to(0, taps - 1) : random_to(0, 1) * (taps / 2);
}

static void random_shapes(void)
{
    const int32_t groups = random_to(1, 4) == 1 ? 2 : 1;
    const int32_t narrow = random_to(1, 3) == 1;
    const int32_t kh = narrow ? 1 : random_to(1, 3);
    const int32_t kw = narrow ? 1 : random_to(1, 3) == 1 ? 7 : 3;
    const int32_t pad_h = random_to(0, kh - 1), pad_w = random_pad(kw);
    tl_conv2d *c = &conv2d;

    *c = (tl_conv2d){.n = random_to(1, 2), .ci = groups * random_to(1, 4),
                     .co = groups * random_to(1, 4), .hi = random_to(3, 6),
                     .wi = random_to(kw > 3 ? kw : 3, 17),
                     .kh = kh, .kw = kw, .stride_h = random_to(1, 2), .stride_w = random_to(1, 2),
                     .pad_top = pad_h, .pad_left = pad_w, .groups = groups,
                     .accumulate = random_to(0, 1), .scale = -0.5f, .decay = 0.75f,
                     .bias_decay = 1.0f};
    if (narrow) {
        c->stride_h = c->stride_w;
    }
    c->ho = outputs(c->hi, pad_h, random_to(0, kh - 1), kh, c->stride_h);
    c->wo = outputs(c->wi, pad_w, random_pad(kw), kw, c->stride_w);
    if (random_to(1, 4) == 1) {
        whole_blocks(c);
    } else if (random_to(1, 3) == 1) {
        depthwise(c);
    }
    linear = (tl_linear){.n = random_to(1, 9), .ci = random_to(1, 25), .co = random_to(1, 13),
                         .accumulate = c->accumulate, .scale = c->scale, .decay = 0.75f,
                         .bias_decay = 1.0f};
    with_bias = random_to(0, 1);
}

static void run(void *argument)
{
    (void)argument;
    kernels[kernel].call(
        side, with_bias, out[side].values, out_bias[side].values, in.values, weights.values,
        bias.values);
}

static int same(void)
{
    const operand *const written[] = {&out[0], &out_bias[0]};
    int bad;

    for (side = 0; side < 2; side++) {
        copy(&out[side], &start);
        copy(&out_bias[side], &start);
        tl_team_run(run, 0);
    }
    bad = differ(&out[0], &out[1]) || differ(&out_bias[0], &out_bias[1]);
    for (int w = 0; w < 2; w++) {
        for (int i = 0; i < GUARD; i++) {
            bad |= written[w]->before[i] != start.before[i];
            bad |= written[w]->after[i] != start.after[i];
        }
    }
    return !bad;
}

int main(void)
{
    int failures = 0, runs = 0;

    fill(&in);
    fill(&weights);
    fill(&bias);
    fill(&start);
    tl_team_open(CORES);
    for (int round = 0; round < ROUNDS; round++) {
        random_shapes();
        for (kernel = 0; kernel < KERNELS; kernel++) {
            if (kernels[kernel].accepts()) {
                runs++;
                if (!same()) {
                    failures++;
                    tl_print_str("differs: ");
                    tl_print_str(kernels[kernel].name);
                    tl_print_str("\n");
                }
            }
        }
    }
    tl_team_close();
    tl_print_int(runs);
    tl_print_str(failures ? " runs, not all alike\n" : " runs alike\n");
    tl_exit(failures != 0);
    return 0;
}
