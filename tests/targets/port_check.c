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

/* Several transfers at a time, waited for in the order in which they were started. */
static void copy(void *argument)
{
    const move *what = argument;

    if (tl_core_id() == 0) {
        tl_copy started[4];
        uint32_t done = 0;

        for (uint32_t i = 0; i < what->parts; i++) {
            const uint32_t end = what->bytes * (i + 1) / what->parts;

            started[i] = tl_copy_1d(what->to + done, what->from + done, end - done);
            done = end;
        }
        for (uint32_t i = 0; i < what->parts; i++) {
            tl_copy_wait(started[i]);
        }
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
    tl_team_run(count_a_while, &spent);
    /* two instructions a turn at the least; the wait of core 0 counts too */
    expect(spent >= 20000, "the counter, while a core waits");
    tl_team_close();
    tl_print_str(failures ? "port wrong\n" : "port right\n");
    tl_exit(failures != 0);
    return 0;
}
