/* gvsoc: the team is the cluster's cores; the fabric controller starts them and sleeps while they
   work. Barriers, fork and join are the event unit's, copies the DMA engine's and the uDMA's. */

#include "tl/port.h"

#include <string.h>

#include "hyperram.h"
#include "pulp_open.h"
#include "runtime.h"

/* what the cores read often lies in L1 */
static struct {
    void (*work)(void *);
    void *argument;
} team TL_NEAR;
int tl_team_size TL_NEAR;

/* a core of the cluster: wait for work, do it, say so */
void core_main(int core)
{
    if (core == 0) {
        const unsigned all = (1u << tl_team_size) - 1;

        BARRIER_CORES(0) = all;
        BARRIER_TARGETS(0) = all;
        BARRIER_CORES(1) = all;
        BARRIER_TARGETS(1) = 1;
    }
    for (;;) {
        OWN_EVENT_MASK = 1u << EVENT_WORK;
        load_event(OWN_EVENT_WAIT_CLEAR);
        OWN_EVENT_MASK = 1u << EVENT_BARRIER;
        team.work(team.argument);
        if (core == 0) {
            load_event(BARRIER_MEET(1));
            CONTROLLER_IRQ_SET = 1u << IRQ_JOINED;
        } else {
            BARRIER_ARRIVE(1) = 1;
        }
    }
}

void tl_team_open(int cores)
{
    if (cores < 1 || cores > CORES) {
        runtime_fail("a team has 1 to 8 cores");
    }
    tl_team_size = cores;
    CONTROLLER_IRQ_ENABLE_SET = 1u << IRQ_JOINED;
    CLUSTER_CLOCK_GATE = 1;
    CLUSTER_ICACHE_ENABLE = 0xffffffffu;
    for (int core = 0; core < cores; core++) {
        CLUSTER_BOOT_ADDRESS(core) = (unsigned int)(uintptr_t)entry;
    }
    CLUSTER_FETCH_ENABLE = (1u << cores) - 1;
}

void tl_team_run(void (*work)(void *), void *argument)
{
    team.work = work;
    team.argument = argument;
    CLUSTER_SEND_EVENT(EVENT_WORK) = (1u << tl_team_size) - 1;
    while (!(CONTROLLER_IRQ_STATUS & 1u << IRQ_JOINED)) {
        __asm__ volatile("wfi" ::: "memory");
    }
    CONTROLLER_IRQ_CLEAR = 1u << IRQ_JOINED;
}

void tl_team_close(void)
{
    CLUSTER_FETCH_ENABLE = 0;
}

static int in_l1(uintptr_t address)
{
    return address >= L1_FIRST && address < L1_LAST;
}

static int in_l3(uintptr_t address)
{
    return address >= L3_FIRST;
}

/* One side lies in L1, so that the command's 17 bits for the length are enough. */
static tl_copy start(uintptr_t inside, uintptr_t outside, uint32_t bytes, uint32_t direction)
{
    const tl_copy copy = OWN_DMA_QUEUE;

    OWN_DMA_QUEUE = bytes | DMA_INCREMENT | DMA_EVENT | direction;
    OWN_DMA_QUEUE = inside;
    OWN_DMA_QUEUE = outside;
    return copy;
}

static tl_copy start_rows(
    uintptr_t inside, uintptr_t outside, uint32_t row_bytes, uint32_t rows, uint32_t stride,
    uint32_t direction)
{
    tl_copy copy;

    if (rows == 1 || row_bytes == stride) {
        return start(inside, outside, row_bytes * rows, direction);
    }
    copy = start(inside, outside, row_bytes * rows, direction | DMA_ROWS);
    OWN_DMA_QUEUE = row_bytes;
    OWN_DMA_QUEUE = stride;
    return copy;
}

tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    const uintptr_t to = (uintptr_t)near;
    const uintptr_t from = (uintptr_t)far;

    if (row_bytes == 0 || rows == 0) {
        return TL_COPY_DONE;
    }
    if (in_l3(from)) {
        return TL_COPY_OF_L3 | hyperram_read(to, from, row_bytes, rows, far_stride);
    }
    return start_rows(to, from, row_bytes, rows, far_stride, DMA_INTO_L1);
}

tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    const uintptr_t to = (uintptr_t)far;
    const uintptr_t from = (uintptr_t)near;

    if (row_bytes == 0 || rows == 0) {
        return TL_COPY_DONE;
    }
    if (in_l3(to)) {
        return TL_COPY_OF_L3 | hyperram_write(from, to, row_bytes, rows, far_stride);
    }
    return start_rows(from, to, row_bytes, rows, far_stride, DMA_OUT_OF_L1);
}

tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes)
{
    if (in_l1((uintptr_t)to) || in_l3((uintptr_t)from)) {
        return tl_copy_2d_in(to, from, bytes, 1, bytes);
    }
    return tl_copy_2d_out(to, from, bytes, 1, bytes);
}

void tl_copy_wait(tl_copy copy)
{
    if (copy & TL_COPY_OF_L3) {
        hyperram_wait(copy & ~TL_COPY_OF_L3);
        return;
    }
    if (copy == TL_COPY_DONE) {
        return;
    }
    OWN_EVENT_MASK = 1u << EVENT_DMA;
    while (OWN_DMA_STATUS & 1u << copy) {
        load_event(OWN_EVENT_WAIT_CLEAR);
    }
    OWN_EVENT_MASK = 1u << EVENT_BARRIER;
    OWN_DMA_STATUS = 1u << copy;
}

void tl_far_read(void *to, const void *from, uint32_t bytes)
{
    if (in_l3((uintptr_t)from)) {
        hyperram_wait(hyperram_read((uintptr_t)to, (uintptr_t)from, bytes, 1, bytes));
    } else {
        memcpy(to, from, bytes);
    }
}

void tl_far_write(void *to, const void *from, uint32_t bytes)
{
    if (in_l3((uintptr_t)to)) {
        hyperram_wait(hyperram_write((uintptr_t)from, (uintptr_t)to, bytes, 1, bytes));
    } else {
        memcpy(to, from, bytes);
    }
}

uint32_t tl_counter(void)
{
    uint32_t cycles;

    /* the older cycle counter (0x780) stands still while its core sleeps */
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycles)::"memory");
    return cycles;
}
