/* Runs any kernel of kernels.def on shapes and data from standard input; results go to standard
   output. One build serves thousands of cases.

   Request, in 32-bit words: function, cores, members of the shape struct (their number first),
   operands (their number first; each its number of words, then the words; or -1 for NULL, or -2 - i
   where it lies in operand i's place). Answer: the words of every operand that has a place of its own.

   `function` counts the lines of kernels.def, then the functions of tl/math.h, then those of
   tl/rates.h (members: the step, the lr and the constants; the operand: the rate). Each operand is a
   heap block of exactly its size between guard words: with AddressSanitizer every access outside is
   found, without it every write. `harness print` prints floats from standard input, one a line.

   With HARNESS_ON_TARGET it is the program of a target without standard input: requests come from
   the file TL_DATA_TRAIN_X, answers go to TL_DATA_TRAINED. */

#ifndef HARNESS_ON_TARGET
#include <stdio.h>
#include <stdlib.h>
#endif
#include <string.h>

#include "tl/activation.h"
#include "tl/clip.h"
#include "tl/conv2d.h"
#include "tl/data.h"
#include "tl/elementwise.h"
#include "tl/linear.h"
#include "tl/loss.h"
#include "tl/math.h"
#include "tl/norm.h"
#include "tl/optimizer.h"
#include "tl/pool2d.h"
#include "tl/port.h"
#include "tl/print.h"
#include "tl/rates.h"

enum { OPERANDS_MAX = 8, MEMBERS_MAX = 32, GUARD_WORDS = 4 };

static const uint32_t guard = 0x7fa5a5a5u; /* a NaN */

/* how the pointers of each kind of kernel are passed on */
#define CALL_conv2d_fw(f) f(op, p[0], p[1], p[2], p[3])
#define CALL_conv2d_wg(f) f(op, p[0], p[1], p[2], p[3])
#define CALL_conv2d_ig(f) f(op, p[0], p[1], p[2])
#define CALL_linear_fw CALL_conv2d_fw
#define CALL_linear_wg CALL_conv2d_wg
#define CALL_linear_ig CALL_conv2d_ig
#define CALL_relu_fw(f) f(op, p[0], p[1])
#define CALL_relu_ig(f) f(op, p[0], p[1], p[2])
#define CALL_leaky_relu_fw CALL_relu_fw
#define CALL_leaky_relu_ig CALL_relu_ig
#define CALL_max_pool2d_fw CALL_relu_fw
#define CALL_max_pool2d_ig CALL_relu_ig
#define CALL_avg_pool2d_fw CALL_relu_fw
#define CALL_avg_pool2d_ig CALL_relu_fw
#define CALL_add_fw CALL_relu_ig
#define CALL_pass_fw CALL_relu_fw
#define CALL_pass_ig CALL_relu_fw
#define CALL_norm_moments_fw CALL_relu_fw
#define CALL_norm_statistics_fw CALL_conv2d_fw
#define CALL_channel_norm_fw(f) f(op, p[0], p[1], p[2], p[3], p[4])
#define CALL_channel_norm_ig(f) f(op, p[0], p[1], p[2], p[3], p[4], p[5])
#define CALL_row_norm_fw CALL_channel_norm_fw
#define CALL_row_norm_ig CALL_channel_norm_ig
#define CALL_row_norm_wg CALL_channel_norm_fw
#define CALL_norm_sums_ig CALL_channel_norm_fw
#define CALL_norm_means_ig CALL_relu_ig
#define CALL_norm_affine_wg CALL_relu_ig
#define CALL_cross_entropy_fw CALL_relu_ig
#define CALL_cross_entropy_ig CALL_relu_ig
#define CALL_mse_fw CALL_relu_ig
#define CALL_mse_ig CALL_relu_ig
#define CALL_clip_value_update(f) f(op, p[0])
#define CALL_square_sums_update CALL_relu_fw
#define CALL_clip_factor_update CALL_relu_fw
#define CALL_clip_norm_update CALL_relu_fw
#define CALL_sgd_update CALL_relu_ig
#define CALL_sgd_momentum_update CALL_conv2d_fw
#define CALL_sign_sgd_update CALL_relu_ig
#define CALL_adam_update(f) f(op, p[0], p[1], p[2], p[3], p[4])
#define CALL_adamw_update CALL_adam_update
#define CALL_rmsprop_update(f) f(op, p[0], p[1], p[2], p[3], p[4], p[5])
#define CALL_adagrad_update CALL_conv2d_fw

typedef struct request {
    uint32_t function;
    uint32_t members[MEMBERS_MAX];
    void *operands[OPERANDS_MAX];
} request;

#define TL_KERNEL(function, op_name, phase, element, accepts, source)                              \
    static void run_##function(const void *members, void *const *p)                                \
    {                                                                                              \
        const tl_##op_name *op = members;                                                          \
        CALL_##op_name##_##phase(function);                                                        \
    }
#include "kernels.def"
#undef TL_KERNEL

static void (*const kernels[])(const void *, void *const *) = {
#define TL_KERNEL(function, op_name, phase, element, accepts, source) run_##function,
#include "kernels.def"
#undef TL_KERNEL
};
enum { KERNELS = sizeof kernels / sizeof kernels[0] };

static float (*const functions[])(float) = {tl_expf, tl_expm1f, tl_logf, tl_log1pf, tl_sqrtf};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

static void run_rate(uint32_t function, float *rate, int32_t step, const float *c)
{
    if (function == 0) {
        tl_lr_rate(rate, c[0], step);
    } else if (function == 1) {
        tl_momentum_rate(rate, c[0], step, c[1]);
    } else if (function == 2) {
        tl_decayed_rate(rate, c[0], step, c[1]);
    } else {
        tl_adam_rate(rate, c[0], step, c[1], c[2], c[3]);
    }
}

static void run_on_team(void *argument)
{
    request *r = argument;

    if (r->function < KERNELS) {
        kernels[r->function](r->members, r->operands);
    } else if (tl_core_id() == 0 && r->function >= KERNELS + FUNCTIONS) {
        float constants[4];

        memcpy(constants, r->members + 1, sizeof constants);
        run_rate(r->function - KERNELS - FUNCTIONS, r->operands[0], (int32_t)r->members[0],
                 constants);
    } else if (tl_core_id() == 0) {
        const uint32_t count = r->members[0];
        float *values = r->operands[0];

        for (uint32_t i = 0; i < count; i++) {
            values[i] = functions[r->function - KERNELS](values[i]);
        }
    }
}

#ifdef HARNESS_ON_TARGET

enum { POOL_WORDS = 1 << 18 };

static uint32_t pool[POOL_WORDS];
static uint32_t pool_used;
static uint32_t bytes_taken;
static uint32_t bytes_given;

static void fail(const char *what, int status)
{
    tl_print_str(what);
    tl_exit(status);
}

static int take_some(void *to, uint32_t words)
{
    const uint32_t got = tl_data_read(TL_DATA_TRAIN_X, bytes_taken, to, 4 * words);

    bytes_taken += got;
    return got == 4 * words;
}

static void give(const void *from, uint32_t words)
{
    if (tl_data_write(TL_DATA_TRAINED, bytes_given, from, 4 * words) != 4 * words) {
        fail("harness: cannot write the answer\n", 2);
    }
    bytes_given += 4 * words;
}

static uint32_t *new_words(uint32_t words)
{
    uint32_t *block = pool + pool_used;

    pool_used += words;
    if (pool_used > POOL_WORDS) {
        fail("harness: the operands are too large\n", 2);
    }
    return block;
}

static void free_words(uint32_t *block)
{
    (void)block;
    pool_used = 0; /* all of a request go together */
}

#else

static void fail(const char *what, int status)
{
    fputs(what, stderr);
    exit(status);
}

static int take_some(void *to, uint32_t words)
{
    return fread(to, 4, words, stdin) == words;
}

static void give(const void *from, uint32_t words)
{
    fwrite(from, 4, words, stdout);
}

static uint32_t *new_words(uint32_t words)
{
    uint32_t *block = malloc((size_t)words * 4);

    if (!block) {
        abort();
    }
    return block;
}

static void free_words(uint32_t *block)
{
    free(block);
}

#endif

static void take(void *to, uint32_t words)
{
    if (words > 0 && !take_some(to, words)) {
        fail("harness: the request ends early\n", 2);
    }
}

static uint32_t take_word(void)
{
    uint32_t word;

    take(&word, 1);
    return word;
}

/* the guard words are part of the block unless AddressSanitizer watches its ends */
#ifdef __SANITIZE_ADDRESS__
enum { GUARDED = 0 };
#else
enum { GUARDED = GUARD_WORDS };
#endif

static uint32_t *new_block(uint32_t words)
{
    uint32_t *block = new_words(words + 2 * GUARDED);

    for (int i = 0; i < GUARDED; i++) {
        block[i] = guard;
        block[GUARDED + words + (uint32_t)i] = guard;
    }
    return block + GUARDED;
}

static void check_block(const uint32_t *block, uint32_t words)
{
    for (int i = 0; i < GUARDED; i++) {
        if (block[i - GUARDED] != guard || block[words + (uint32_t)i] != guard) {
            fail("harness: an operand was written outside\n", 3);
        }
    }
}

static void serve(uint32_t function)
{
    static int cores;
    request r = {.function = function};
    uint32_t words[OPERANDS_MAX];
    int own[OPERANDS_MAX];
    const int wanted = (int)take_word();
    const uint32_t members = take_word();
    uint32_t operands;

    if (members > MEMBERS_MAX) {
        fail("harness: too many members\n", 2);
    }
    take(r.members, members);
    operands = take_word();
    for (uint32_t i = 0; i < operands && i < OPERANDS_MAX; i++) {
        words[i] = take_word();
        own[i] = words[i] < UINT32_MAX - OPERANDS_MAX;
        if (own[i]) {
            r.operands[i] = new_block(words[i]);
            take(r.operands[i], words[i]);
        } else if (words[i] != UINT32_MAX) {
            r.operands[i] = r.operands[UINT32_MAX - 1 - words[i]];
        }
    }
    if (wanted != cores) {
        if (cores) {
            tl_team_close();
        }
        tl_team_open(wanted);
        cores = wanted;
    }
    tl_team_run(run_on_team, &r);
    for (uint32_t i = 0; i < operands; i++) {
        if (own[i]) {
            check_block(r.operands[i], words[i]);
            give(r.operands[i], words[i]);
            free_words((uint32_t *)r.operands[i] - GUARDED);
        }
    }
}

#ifdef HARNESS_ON_TARGET

int main(void)
{
    uint32_t word;

    while (take_some(&word, 1)) {
        serve(word);
    }
    tl_print_str("all requests served\n");
    tl_exit(0);
    return 0;
}

#else

int main(int count, char **arguments)
{
    uint32_t word;

    if (count > 1 && strcmp(arguments[1], "print") == 0) {
        float value;

        while (fread(&value, 4, 1, stdin) == 1) {
            tl_print_float(value);
            tl_putc('\n');
        }
        return 0;
    }
    while (take_some(&word, 1)) {
        serve(word);
        fflush(stdout);
    }
    return 0;
}

#endif
