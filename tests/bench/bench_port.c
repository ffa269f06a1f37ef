/* What a target's team and copy engine cost, in units of its counter. Each line is
   "bench <what> <cores or bytes> <count>"; core 0 counts, averages are rounded up. */

#include "tl/port.h"
#include "tl/print.h"

#include "net.h"

#undef NET_HOOKS /* a firmware's Step, without the verification program's hooks */
#include "net_run.h"

enum { REPEATS = 64, BYTES_MAX = 16384 };

TL_L1 static _Alignas(16) unsigned char near[BYTES_MAX];
TL_L2 static _Alignas(16) unsigned char far[BYTES_MAX];

static volatile uint32_t measured;

static void empty_kernel(const void *op, float *y, const float *x)
{
    (void)op;
    (void)y;
    (void)x;
}

/* through a pointer: a kernel is a call into another file */
static void (*volatile kernel)(const void *op, float *y, const float *x) = empty_kernel;

static void take(uint32_t start)
{
    const uint32_t count = tl_counter() - start;

    if (tl_core_id() == 0) {
        measured = (count + REPEATS - 1) / REPEATS;
    }
}

static void barriers(void *unused)
{
    uint32_t start;

    (void)unused;
    tl_barrier();
    start = tl_counter();
    for (int i = 0; i < REPEATS; i++) {
        tl_barrier();
    }
    take(start);
}

static void steps(void *unused)
{
    void (*const call)(const void *op, float *y, const float *x) = kernel;
    uint32_t start;

    (void)unused;
    tl_barrier();
    start = tl_counter();
    for (int i = 0; i < REPEATS; i++) {
        sync();
        call(0, 0, 0);
    }
    take(start);
}

static void nothing(void *unused)
{
    (void)unused;
}

typedef struct {
    void *to;
    const void *from;
    uint32_t bytes;
} move;

static void copy(void *argument)
{
    const move what = *(const move *)argument;

    if (tl_core_id() == 0) {
        const uint32_t start = tl_counter();

        tl_copy_wait(tl_copy_1d(what.to, what.from, what.bytes));
        measured = tl_counter() - start;
    }
}

static void say(const char *what, uint32_t size)
{
    tl_print_str("bench ");
    tl_print_str(what);
    tl_print_str(" ");
    tl_print_int((int32_t)size);
    tl_print_str(" ");
    tl_print_int((int32_t)measured);
    tl_print_str("\n");
}

int main(void)
{
    uint32_t start;

    tl_team_open(NET_CORES);
    tl_team_run(barriers, 0);
    say("barrier", NET_CORES);
    tl_team_run(steps, 0);
    say("step", NET_CORES);
    start = tl_counter();
    for (int i = 0; i < REPEATS; i++) {
        tl_team_run(nothing, 0);
    }
    measured = (tl_counter() - start + REPEATS - 1) / REPEATS;
    say("run", NET_CORES);
    for (uint32_t bytes = 16; bytes <= BYTES_MAX; bytes *= 4) {
        move in = {near, far, bytes};
        move out = {far, near, bytes};

        tl_team_run(copy, &in); /* warms the instruction caches */
        tl_team_run(copy, &in);
        say("l2_to_l1", bytes);
        tl_team_run(copy, &out);
        say("l1_to_l2", bytes);
    }
    tl_team_close();
    tl_exit(0);
    return 0;
}
