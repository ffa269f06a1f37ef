/* Runs any kernel of kernels.def on shapes and data from standard input; results go to standard
   output. One build serves thousands of cases.

   Request, in 32-bit words: function, cores, members of the shape struct (their number first),
   operands (their number first; each its number of words, or -1 for NULL, then the words).
   Answer: the words of every operand that is not NULL.

   `function` counts the lines of kernels.def, then the functions of tl/math.h. Each operand is a
   heap block of exactly its size between guard words: with AddressSanitizer every access outside is
   found, without it every write. `harness print` prints floats from standard input, one a line. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tl/activation.h"
#include "tl/conv2d.h"
#include "tl/elementwise.h"
#include "tl/linear.h"
#include "tl/loss.h"
#include "tl/math.h"
#include "tl/optimizer.h"
#include "tl/pool2d.h"
#include "tl/port.h"
#include "tl/print.h"

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
#define CALL_pass_ig CALL_relu_fw
#define CALL_cross_entropy_fw CALL_relu_ig
#define CALL_cross_entropy_ig CALL_relu_ig
#define CALL_mse_fw CALL_relu_ig
#define CALL_mse_ig CALL_relu_ig
#define CALL_sgd_update CALL_relu_fw

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

static float (*const functions[])(float) = {tl_expf, tl_logf, tl_log1pf, tl_sqrtf};

static void run_on_team(void *argument)
{
    request *r = argument;

    if (r->function < KERNELS) {
        kernels[r->function](r->members, r->operands);
    } else if (tl_core_id() == 0) {
        const uint32_t count = r->members[0];
        float *values = r->operands[0];

        for (uint32_t i = 0; i < count; i++) {
            values[i] = functions[r->function - KERNELS](values[i]);
        }
    }
}

static void take(void *to, size_t words)
{
    if (words > 0 && fread(to, 4, words, stdin) != words) {
        fprintf(stderr, "harness: the request ends early\n");
        exit(2);
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
    uint32_t *block = malloc((words + 2 * (size_t)GUARDED) * 4);

    if (!block) {
        abort();
    }
    for (int i = 0; i < GUARDED; i++) {
        block[i] = guard;
        block[GUARDED + words + (uint32_t)i] = guard;
    }
    return block + GUARDED;
}

static void check_block(const uint32_t *block, uint32_t words, int operand)
{
    for (int i = 0; i < GUARDED; i++) {
        if (block[i - GUARDED] != guard || block[words + (uint32_t)i] != guard) {
            fprintf(stderr, "harness: operand %d was written outside\n", operand);
            exit(3);
        }
    }
}

static void serve(uint32_t function)
{
    static int cores;
    request r = {.function = function};
    uint32_t words[OPERANDS_MAX];
    const int wanted = (int)take_word();
    const uint32_t members = take_word();
    uint32_t operands;

    if (members > MEMBERS_MAX) {
        exit(2);
    }
    take(r.members, members);
    operands = take_word();
    for (uint32_t i = 0; i < operands && i < OPERANDS_MAX; i++) {
        words[i] = take_word();
        if (words[i] != UINT32_MAX) {
            r.operands[i] = new_block(words[i]);
            take(r.operands[i], words[i]);
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
        if (r.operands[i]) {
            check_block(r.operands[i], words[i], (int)i);
            fwrite(r.operands[i], 4, words[i], stdout);
            free((uint32_t *)r.operands[i] - GUARDED);
        }
    }
    fflush(stdout);
}

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
    while (fread(&word, 4, 1, stdin) == 1) {
        serve(word);
    }
    return 0;
}
