/* What a target's team and copy engines cost, in units of its counter. Each line is
   "bench <what> <rows> <cores, or bytes of a row> <count>"; core 0 counts, averages are rounded up. */

#include "tl/port.h"
#include "tl/print.h"

#include "net.h"

#undef NET_HOOKS /* a firmware's Step, without the verification program's hooks */
#include "net_run.h"

enum { REPEATS = 64, BYTES_MAX = 16384 };

TL_L1 static _Alignas(16) unsigned char near[BYTES_MAX];
TL_L2 static _Alignas(16) unsigned char far[2 * BYTES_MAX];
#ifdef TL_L3
TL_L3 static _Alignas(16) unsigned char deep[2 * BYTES_MAX];
#endif

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

/* rows lie twice their length apart in the far level */
typedef struct {
    void *near;
    void *far;
    uint32_t row_bytes;
    uint32_t rows;
} picture;

static tl_copy start_in(picture what)
{
    return tl_copy_2d_in(what.near, what.far, what.row_bytes, what.rows, 2 * what.row_bytes);
}

static tl_copy start_out(picture what)
{
    return tl_copy_2d_out(what.far, what.near, what.row_bytes, what.rows, 2 * what.row_bytes);
}

static void copy_in(void *argument)
{
    const picture what = *(const picture *)argument;

    if (tl_core_id() == 0) {
        const uint32_t start = tl_counter();

        tl_copy_wait(start_in(what));
        measured = tl_counter() - start;
    }
}

static void copy_out(void *argument)
{
    const picture what = *(const picture *)argument;

    if (tl_core_id() == 0) {
        const uint32_t start = tl_counter();

        tl_copy_wait(start_out(what));
        measured = tl_counter() - start;
    }
}

/* half of L1's bytes leave while as many arrive */
static void copy_both(void *argument)
{
    const picture in = *(const picture *)argument;
    picture out = in;

    out.near = near + BYTES_MAX / 2;
    out.far = far + BYTES_MAX;
    if (tl_core_id() == 0) {
        const uint32_t start = tl_counter();
        const tl_copy leaves = start_out(out);

        tl_copy_wait(start_in(in));
        tl_copy_wait(leaves);
        measured = tl_counter() - start;
    }
}

/* what core 0 pays to start one that it does not wait for yet */
static void start_alone(void *argument)
{
    const picture what = *(const picture *)argument;

    if (tl_core_id() == 0) {
        const uint32_t start = tl_counter();
        const tl_copy copy = start_in(what);

        measured = tl_counter() - start;
        tl_copy_wait(copy);
    }
}

static void say(const char *what, uint32_t rows, uint32_t size)
{
    tl_print_str("bench ");
    tl_print_str(what);
    tl_print_str(" ");
    tl_print_int((int32_t)rows);
    tl_print_str(" ");
    tl_print_int((int32_t)size);
    tl_print_str(" ");
    tl_print_int((int32_t)measured);
    tl_print_str("\n");
}

static void bench(void (*work)(void *), picture *what, const char *name)
{
    tl_team_run(work, what); /* warms the instruction caches */
    tl_team_run(work, what);
    say(name, what->rows, what->row_bytes);
}

static void bench_l1(uint32_t rows, uint32_t row_bytes)
{
    picture what = {near, far, row_bytes, rows};

    bench(copy_in, &what, "l2_to_l1");
    bench(copy_out, &what, "l1_to_l2");
}

#ifdef TL_L3
static void bench_l3(uint32_t rows, uint32_t row_bytes)
{
    picture what = {far, deep, row_bytes, rows};

    bench(copy_in, &what, "l3_to_l2");
    bench(copy_out, &what, "l2_to_l3");
}
#endif

static void bench_both(uint32_t rows, uint32_t row_bytes)
{
    picture what = {near, far, row_bytes, rows};

    bench(copy_both, &what, "l1_with_l2");
}

static void bench_copies(void)
{
    picture small = {near, far, 64, 16};

    bench(start_alone, &small, "start_l2");
    for (uint32_t bytes = 16; bytes <= BYTES_MAX; bytes *= 4) {
        bench_l1(1, bytes);
    }
    bench_l1(16, 16);
    bench_l1(16, 32);
    bench_l1(16, 64);
    bench_l1(64, 64);
    bench_l1(32, 128);
    bench_l1(16, 512);
    bench_both(1, 1024);
    bench_both(1, 8192);
    bench_both(16, 512);
    bench_both(64, 128);
#ifdef TL_L3
    small = (picture){far, deep, 64, 16};
    bench(start_alone, &small, "start_l3");
    for (uint32_t bytes = 64; bytes <= 4096; bytes *= 8) {
        bench_l3(1, bytes);
    }
    bench_l3(16, 64);
    bench_l3(32, 128);
#endif
}

int main(void)
{
    uint32_t start;

    tl_team_open(NET_CORES);
    tl_team_run(barriers, 0);
    say("barrier", 1, NET_CORES);
    tl_team_run(steps, 0);
    say("step", 1, NET_CORES);
    start = tl_counter();
    for (int i = 0; i < REPEATS; i++) {
        tl_team_run(nothing, 0);
    }
    measured = (tl_counter() - start + REPEATS - 1) / REPEATS;
    say("run", 1, NET_CORES);
    bench_copies();
    tl_team_close();
    tl_exit(0);
    return 0;
}
