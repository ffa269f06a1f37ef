/* pulp-sdk: the team is a cluster task that forks; copies are the cluster's DMA and
   the RAM's driver. PMSIS alone. */

#include "tl/port.h"

#include <stdio.h>
#include <string.h>

#include "files.h"
#include "pmsis.h"
#include "ram.h"

enum { CORES = 8, PAINT = 0x5ac3a55a, BROKEN = 3 };

/* not from the SDK's heap, so that the linker counts them */
static uint32_t __attribute__((section(".bss_l1.stacks"), aligned(16)))
stacks[CORES][TL_STACK_BYTES / 4];

typedef struct {
    void (*work)(void *);
    void *argument;
} team_work;

static struct pi_device cluster;
static struct pi_cluster_conf cluster_conf;
static PI_L1 int team_size;
static PI_L1 pi_cl_dma_cmd_t copies[TL_COPIES_MAX];
/* numbers of the DMA's copies, then those of the RAM's */
enum { FIRST_OF_RAM = TL_COPIES_MAX };
static PI_L1 unsigned char copy_used[FIRST_OF_RAM + TL_FAR_COPIES_MAX];

static void stop(const char *reason)
{
    printf("%s\n", reason);
    tl_exit(BROKEN);
}

void tl_team_open(int cores)
{
    const int size = TL_TEAM_SIZE < cores ? TL_TEAM_SIZE : cores;

    pi_cluster_conf_init(&cluster_conf);
    cluster_conf.id = 0;
    pi_open_from_conf(&cluster, &cluster_conf);
    if (pi_cluster_open(&cluster) != 0) {
        stop("the cluster does not open");
    }
    if (size > CORES || size > pi_cl_cluster_nb_cores()) {
        stop("the cluster has fewer cores than the team");
    }
    for (int core = 0; core < size; core++) {
        for (int word = 0; word < TL_STACK_BYTES / 4; word++) {
            stacks[core][word] = PAINT;
        }
    }
    team_size = size;
    memset(copy_used, 0, sizeof copy_used);
    if (!ram_open()) {
        stop("the external RAM does not open, or is too small for the plan's L3");
    }
    if (!files_open()) {
        stop("data: the host's files cannot be reached");
    }
}

static void run_on_cluster(void *argument)
{
    const team_work *team = argument;

    pi_perf_conf(1 << PI_PERF_CYCLES);
    pi_perf_reset();
    pi_perf_start();
    pi_cl_team_fork(team_size, team->work, team->argument);
}

void tl_team_run(void (*work)(void *), void *argument)
{
    team_work team = {work, argument};
    struct pi_cluster_task task;

    memset(&task, 0, sizeof task);
    pi_cluster_task(&task, run_on_cluster, &team);
    task.stacks = stacks;
    task.stack_size = TL_STACK_BYTES;
    task.slave_stack_size = TL_STACK_BYTES;
    task.nb_cores = team_size;
    if (pi_cluster_send_task_to_cl(&cluster, &task) != 0) {
        stop("the cluster does not take work");
    }
}

void tl_team_close(void)
{
    pi_cluster_close(&cluster);
}

uint32_t tl_stack_peak(int core)
{
    uint32_t unused = 0;

    while (unused < TL_STACK_BYTES / 4 && stacks[core][unused] == PAINT) {
        unused++;
    }
    return TL_STACK_BYTES - 4 * unused;
}

int tl_core_id(void)
{
    return (int)pi_core_id();
}

int tl_num_cores(void)
{
    return team_size;
}

void tl_barrier(void)
{
    pi_cl_team_barrier();
}

static int in_l1(const void *address)
{
    return (uintptr_t)address >> 22 == 0x10000000u >> 22;
}

/* One that nobody waits for. */
static tl_copy take_copy(tl_copy first)
{
    tl_copy copy = first;

    while (copy_used[copy]) {
        copy++;
    }
    copy_used[copy] = 1;
    return copy;
}

static void start_dma(
    tl_copy copy, const void *near, const void *far, uint32_t row_bytes, uint32_t rows,
    uint32_t stride, int inwards)
{
    const uint32_t inside = (uint32_t)(uintptr_t)near;
    const uint32_t outside = (uint32_t)(uintptr_t)far;
    const uint32_t bytes = row_bytes * rows;
    const pi_cl_dma_dir_e direction = inwards ? PI_CL_DMA_DIR_EXT2LOC : PI_CL_DMA_DIR_LOC2EXT;

    if (rows == 1 || row_bytes == stride) {
        pi_cl_dma_cmd(outside, inside, bytes, direction, &copies[copy]);
    } else {
        pi_cl_dma_cmd_2d(outside, inside, bytes, stride, row_bytes, direction, &copies[copy]);
    }
}

static tl_copy copy_rows(
    const void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t stride,
    int inwards)
{
    tl_copy copy;

    if (row_bytes == 0 || rows == 0) {
        return TL_COPY_DONE;
    }
    copy = take_copy(in_ram(far) ? FIRST_OF_RAM : 0);
    if (in_ram(far)) {
        ram_start(copy - FIRST_OF_RAM, near, far, row_bytes, rows, stride, inwards);
    } else {
        start_dma(copy, near, far, row_bytes, rows, stride, inwards);
    }
    return copy;
}

tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return copy_rows(near, far, row_bytes, rows, far_stride, 1);
}

tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return copy_rows(near, far, row_bytes, rows, far_stride, 0);
}

tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes)
{
    return in_l1(to) || in_ram(from) ? tl_copy_2d_in(to, from, bytes, 1, bytes)
                                     : tl_copy_2d_out(to, from, bytes, 1, bytes);
}

void tl_copy_wait(tl_copy copy)
{
    if (copy == TL_COPY_DONE) {
        return;
    }
    if (copy >= FIRST_OF_RAM) {
        ram_wait(copy - FIRST_OF_RAM);
    } else {
        pi_cl_dma_cmd_wait(&copies[copy]);
    }
    copy_used[copy] = 0;
}

void tl_far_read(void *to, const void *from, uint32_t bytes)
{
    if (in_ram(from)) {
        ram_move(to, from, bytes, 1);
    } else {
        memcpy(to, from, bytes);
    }
}

void tl_far_write(void *to, const void *from, uint32_t bytes)
{
    if (in_ram(to)) {
        ram_move(from, to, bytes, 0);
    } else {
        memcpy(to, from, bytes);
    }
}

/* the cluster's timer: it runs on while a core sleeps */
uint32_t tl_counter(void)
{
    return pi_perf_read(PI_PERF_CYCLES);
}

void tl_putc(char c)
{
    putchar(c);
}

void tl_exit(int status)
{
    for (int core = 0; core < team_size && status == 0; core++) {
        if (tl_stack_peak(core) == TL_STACK_BYTES) {
            printf("the stack of core %d is full\n", core);
            status = BROKEN;
        }
    }
    pmsis_exit(status);
}

static void start(void *unused)
{
    int main(void); /* tl_program */

    (void)unused;
    main();
}

#undef main
int main(void)
{
    return pmsis_kickoff((void *)start);
}
