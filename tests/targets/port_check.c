/* A port keeps what tl/port.h promises: in place of a project's main.c, on any target. */

#include "net.h"
#include "tl/port.h"
#include "tl/print.h"

enum { MEETINGS = 50, FAR_BYTES = 4096, NEAR_BYTES = 1536, BEHIND = 0x3f };

TL_L1 static _Alignas(16) unsigned char near[NEAR_BYTES];
TL_L2 static _Alignas(16) unsigned char far[FAR_BYTES];

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
} move;

/* Several transfers at a time, waited for in another order than they were started in. */
static void copy(void *argument)
{
    const move *what = argument;

    if (tl_core_id() == 0) {
        static tl_copy started[TL_COPIES_MAX];
        uint32_t done = 0;

        for (uint32_t i = 0; i < what->parts; i++) {
            const uint32_t end = what->bytes * (i + 1) / what->parts;

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

static int same(const unsigned char *a, const unsigned char *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return 0;
        }
    }
    return 1;
}

static void check_copy(uint32_t near_offset, uint32_t far_offset, uint32_t bytes, uint32_t parts)
{
    move in = {near + near_offset, far + far_offset, bytes, parts};
    move out = {far + far_offset, near + near_offset, bytes, parts};

    fill(far, FAR_BYTES, bytes + 1);
    fill(near, NEAR_BYTES, 77);
    near[near_offset + bytes] = BEHIND;
    tl_team_run(copy, &in);
    expect(same(in.to, in.from, bytes), "a copy to L1");
    expect(near[near_offset + bytes] == BEHIND, "what lies behind a copy to L1");
    fill(near, NEAR_BYTES, bytes + 9);
    far[far_offset + bytes] = BEHIND;
    tl_team_run(copy, &out);
    expect(same(out.to, out.from, bytes), "a copy to L2");
    expect(far[far_offset + bytes] == BEHIND, "what lies behind a copy to L2");
}

/* Rows lie one behind the other at `near`, `stride` apart at `far`; what is between stays. */
static int rows_agree(const picture *what, const unsigned char *between)
{
    const uint32_t rows = what->rows * what->parts;

    for (uint32_t row = 0; row < rows; row++) {
        const uint32_t start = row * what->stride;
        const uint32_t gap = what->stride - what->row_bytes;

        if (!same(what->near + row * what->row_bytes, what->far + start, what->row_bytes)
            || !same(what->far + start + what->row_bytes, between + start + what->row_bytes, gap)) {
            return 0;
        }
    }
    return 1;
}

static void check_rows(
    uint32_t near_offset, uint32_t far_offset, uint32_t row_bytes, uint32_t rows, uint32_t stride,
    uint32_t parts)
{
    static unsigned char before[FAR_BYTES];
    picture what = {near + near_offset, far + far_offset, row_bytes, rows, stride, parts};
    const uint32_t bytes = row_bytes * rows * parts;

    fill(far, FAR_BYTES, row_bytes + rows);
    fill(before, FAR_BYTES, row_bytes + rows);
    fill(near, NEAR_BYTES, 5);
    near[near_offset + bytes] = BEHIND;
    tl_team_run(copy_in, &what);
    expect(rows_agree(&what, before + far_offset), "rows to L1");
    expect(near[near_offset + bytes] == BEHIND, "what lies behind rows to L1");
    fill(near, NEAR_BYTES, 3 * row_bytes + parts);
    tl_team_run(copy_out, &what);
    expect(rows_agree(&what, before + far_offset), "rows to L2");
}

static void check_many_rows(void)
{
    check_rows(0, 0, 64, 16, 128, 1);
    check_rows(0, 0, 300, 4, 600, 1); /* a row is longer than a burst */
    check_rows(0, 0, 16, 8, 16, TL_COPIES_MAX < 8 ? TL_COPIES_MAX : 8);
    check_rows(4, 8, 12, 4, 40, TL_COPIES_MAX);
    check_rows(0, 0, 0, 3, 8, 1);
    check_rows(0, 0, 8, 0, 8, 1);
    for (uint32_t odd = 0; odd < 8; odd++) {
        check_rows(odd, 7 - odd, 1 + odd, 9 - odd, 9 + 2 * odd, 1 + odd % 3);
    }
}

static void count_a_while(void *argument)
{
    uint32_t *spent = argument;
    const uint32_t start = tl_counter();

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
    for (uint32_t offset = 0; offset < 8; offset++) {
        check_copy(offset, 7 - offset, 1 + 13 * offset, 1);
        check_copy(3, offset, 1024 + offset, 4);
    }
    check_copy(0, 0, 0, 1);
    check_copy(0, 0, 1500, TL_COPIES_MAX);
    check_many_rows();
    tl_team_run(count_a_while, &spent);
    /* two instructions or a quarter of a nanosecond a turn; the wait of core 0 counts too */
    expect(spent >= 5000, "the counter, while a core waits");
    tl_team_close();
    tl_print_str(failures ? "port wrong\n" : "port right\n");
    tl_exit(failures != 0);
    return 0;
}
