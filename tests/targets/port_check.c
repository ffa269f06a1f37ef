/* A port keeps what tl/port.h promises: in place of a project's main.c, on any target. */

#include "net.h"
#include "tl/port.h"
#include "tl/print.h"

enum { MEETINGS = 50, FAR_BYTES = 4096, NEAR_BYTES = 1536, BEHIND = 0x3f };

TL_L1 static _Alignas(16) unsigned char near[NEAR_BYTES];
TL_L2 static _Alignas(16) unsigned char far[FAR_BYTES];
#ifdef TL_L3
TL_L3 static _Alignas(16) unsigned char deep[FAR_BYTES];
#endif

static int arrived[TL_CORES_MAX];
static int failures;

static void expect(int holds, const char *what)
{
    if (!holds) {
        tl_print_str("wrong: ");
        tl_print_str(what);
        tl_print_str("\n");
        failures++;
    }
}

/* Between two barriers all cores see the same number of each. */
static void meet(void *argument)
{
    int *late = argument;
    const int core = tl_core_id();

    for (int i = 1; i <= MEETINGS; i++) {
        for (volatile int wait = 0; wait < core * (i % 7) * 5; wait++) {
        }
        arrived[core]++;
        tl_barrier();
        for (int other = 0; other < tl_num_cores(); other++) {
            late[core] += arrived[other] != i;
        }
        tl_barrier();
    }
}

static void fill(unsigned char *bytes, int count, unsigned seed)
{
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

typedef struct {
    unsigned char *to;
    const unsigned char *from;
    uint32_t bytes;
    uint32_t parts;
    uint32_t unit;
} move;

/* Several transfers at a time, waited for in another order than they were started in. */
static void copy(void *argument)
{
    const move *what = argument;

    if (tl_core_id() == 0) {
        static tl_copy started[TL_COPIES_MAX];
        uint32_t done = 0;

        for (uint32_t i = 0; i < what->parts; i++) {
            const uint32_t share = what->bytes * (i + 1) / what->parts / what->unit;
            const uint32_t end = i + 1 < what->parts ? share * what->unit : what->bytes;

            started[i] = tl_copy_1d(what->to + done, what->from + done, end - done);
            done = end;
        }
        for (uint32_t i = 0; i < what->parts; i++) {
            tl_copy_wait(started[(i + what->parts / 2) % what->parts]);
        }
    }
    tl_barrier();
}

typedef struct {
    unsigned char *near;
    unsigned char *far;
    uint32_t row_bytes;
    uint32_t rows;
    uint32_t stride;
    uint32_t parts; /* that many of these, one behind the other */
} picture;

static void copy_in(void *argument)
{
    const picture *what = argument;
    const uint32_t near_step = what->row_bytes * what->rows;
    const uint32_t far_step = what->stride * what->rows;

    if (tl_core_id() == 0) {
        static tl_copy started[TL_COPIES_MAX];

        for (uint32_t i = 0; i < what->parts; i++) {
            started[i] = tl_copy_2d_in(
                what->near + i * near_step, what->far + i * far_step, what->row_bytes, what->rows,
                what->stride);
        }
        for (uint32_t i = what->parts; i > 0; i--) {
            tl_copy_wait(started[i - 1]);
        }
    }
    tl_barrier();
}

/* With a long one that is waited for last: the others come and go. */
static void copy_out(void *argument)
{
    const picture *what = argument;
    const uint32_t near_step = what->row_bytes * what->rows;
    const uint32_t far_step = what->stride * what->rows;

    if (tl_core_id() == 0) {
        const tl_copy first
            = tl_copy_2d_out(what->far, what->near, what->row_bytes, what->rows, what->stride);

        for (uint32_t i = 1; i < what->parts; i++) {
            tl_copy_wait(tl_copy_2d_out(
                what->far + i * far_step, what->near + i * near_step, what->row_bytes, what->rows,
                what->stride));
        }
        tl_copy_wait(first);
    }
    tl_barrier();
}

/* Two neighbouring levels. What lies in the far one is seen through tl_far_read. */
typedef struct {
    unsigned char *near;
    unsigned char *far;
    uint32_t unit; /* what addresses and lengths are multiples of */
    uint32_t copies; /* that may be under way */
    const char *name;
} levels;

static unsigned char before[FAR_BYTES], seen[FAR_BYTES];

static void set(const levels *pair, unsigned near_seed, unsigned far_seed)
{
    fill(before, FAR_BYTES, far_seed);
    tl_far_write(pair->far, before, FAR_BYTES);
    fill(pair->near, NEAR_BYTES, near_seed);
}

static int same(const unsigned char *a, const unsigned char *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return 0;
        }
    }
    return 1;
}

static void check_copy(
    const levels *pair, uint32_t near_offset, uint32_t far_offset, uint32_t bytes, uint32_t parts)
{
    unsigned char *const inside = pair->near + near_offset;
    unsigned char *const outside = pair->far + far_offset;
    move in = {inside, outside, bytes, parts, pair->unit};
    move out = {outside, inside, bytes, parts, pair->unit};

    set(pair, 77, bytes + 1);
    inside[bytes] = BEHIND;
    tl_team_run(copy, &in);
    expect(same(inside, before + far_offset, bytes), pair->name);
    expect(inside[bytes] == BEHIND, "what lies behind a copy inwards");
    set(pair, bytes + 9, 3);
    tl_team_run(copy, &out);
    tl_far_read(seen, pair->far, FAR_BYTES);
    expect(same(inside, seen + far_offset, bytes), pair->name);
    expect(seen[far_offset + bytes] == before[far_offset + bytes], "behind a copy outwards");
}

/* Rows lie one behind the other at `near`, `stride` apart at `far`; what is between stays. */
static int rows_agree(const picture *what, uint32_t far_offset)
{
    const uint32_t rows = what->rows * what->parts;
    const uint32_t gap = what->stride - what->row_bytes;

    for (uint32_t row = 0; row < rows; row++) {
        const uint32_t start = far_offset + row * what->stride;
        const uint32_t end = start + what->row_bytes;

        if (!same(what->near + row * what->row_bytes, seen + start, what->row_bytes)
            || !same(before + end, seen + end, gap)) {
            return 0;
        }
    }
    return 1;
}

static void check_rows(
    const levels *pair, uint32_t near_offset, uint32_t far_offset, uint32_t row_bytes,
    uint32_t rows, uint32_t stride, uint32_t parts)
{
    picture what
        = {pair->near + near_offset, pair->far + far_offset, row_bytes, rows, stride, parts};
    unsigned char *const behind = what.near + row_bytes * rows * parts;

    set(pair, 5, row_bytes + rows);
    *behind = BEHIND;
    tl_team_run(copy_in, &what);
    tl_far_read(seen, pair->far, FAR_BYTES);
    expect(rows_agree(&what, far_offset), pair->name);
    expect(*behind == BEHIND, "what lies behind rows inwards");
    set(pair, 3 * row_bytes + parts, 6);
    tl_team_run(copy_out, &what);
    tl_far_read(seen, pair->far, FAR_BYTES);
    expect(rows_agree(&what, far_offset), pair->name);
}

static void check_levels(const levels *pair)
{
    const uint32_t unit = pair->unit;

    for (uint32_t i = 0; i < 8; i++) {
        check_copy(pair, unit * i, unit * (7 - i), unit * (1 + 13 * i), 1);
        check_copy(pair, 4, unit * i, 1024 + unit * i, 4);
    }
    check_copy(pair, 0, 0, 0, 1);
    check_copy(pair, 0, 0, 16 * unit * pair->copies, pair->copies);
    check_rows(pair, 0, 0, 64, 16, 128, 1);
    check_rows(pair, 0, 0, 300, 4, 600, 1); /* a row is longer than a burst */
    check_rows(pair, 0, 0, 16, 8, 16, 8);
    check_rows(pair, 4, 8, 8, 4, 40, pair->copies);
    check_rows(pair, 0, 0, 0, 3, 8, 1);
    check_rows(pair, 0, 0, 8, 0, 8, 1);
    for (uint32_t i = 0; i < 8; i++) {
        const uint32_t row = unit * (1 + i);

        check_rows(pair, unit * i, unit * (7 - i), row, 9 - i, row + 8 + unit * i, 1 + i % 3);
    }
}

static void count_a_while(void *argument)
{
    uint32_t *spent = argument;
    const uint32_t start = tl_counter();

    tl_barrier();
    if (tl_core_id() == tl_num_cores() - 1) {
        for (volatile int i = 0; i < 20000; i++) {
        }
    }
    tl_barrier();
    if (tl_core_id() == 0) {
        *spent = tl_counter() - start;
    }
}

int main(void)
{
    static int late[TL_CORES_MAX];
    static uint32_t spent;

    tl_team_open(NET_CORES);
    expect(tl_num_cores() == NET_CORES, "the size of the team");
    tl_team_run(meet, late);
    for (int core = 0; core < NET_CORES; core++) {
        expect(late[core] == 0, "a barrier");
        expect(arrived[core] == MEETINGS, "a core's number");
    }
    check_levels(&(levels){near, far, 1, TL_COPIES_MAX, "a copy between L1 and L2"});
#ifdef TL_L3
    check_levels(&(levels){far, deep, 4, TL_FAR_COPIES_MAX, "a copy between L2 and L3"});
#endif
    tl_team_run(count_a_while, &spent);
    /* two instructions or a quarter of a nanosecond a turn; the wait of core 0 counts too */
    expect(spent >= 5000, "the counter, while a core waits");
    tl_team_close();
    tl_print_str(failures ? "port wrong\n" : "port right\n");
    tl_exit(failures != 0);
    return 0;
}
