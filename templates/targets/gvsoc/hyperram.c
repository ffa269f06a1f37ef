/* All copies have one identifier of the uDMA, which does them in order: that one is over is known from
   how many are still under way. */

#include "hyperram.h"

#include "pulp_open.h"

enum { QUEUE = 8 };

/* numbers of copies, and what a register holds: a store to one takes a core 30 cycles */
static struct {
    uint32_t started;
    uint32_t over;
    uint32_t command;
} copies __attribute__((section(".bss.runtime_l1")));

void hyperram_open(void)
{
    UDMA_CLOCK_GATE |= 1u << UDMA_HYPER;
    HYPER_CHIP = 0;
    HYPER_PAGE_BOUND = HYPER_NO_PAGES;
    HYPER_LATENCY = 6;
    HYPER_LATENCY_TWICE = 1;
    HYPER_SELECT_MAX = 0xffffffffu;
    HYPER_ROWS = 1; /* a copy of one piece is one row */
    copies.started = 0;
    copies.over = 0;
    copies.command = 0;
}

static void look(void)
{
    copies.over = copies.started - HYPER_UNDER_WAY(HYPER_STATUS);
}

static void prepare(
    uint32_t command, uintptr_t far, uint32_t row_bytes, uint32_t rows, uint32_t stride)
{
    const uint32_t piece = row_bytes == stride ? row_bytes * rows : row_bytes;

    while (copies.started - copies.over >= QUEUE) {
        look();
    }
    if (copies.command != command) {
        HYPER_COMMAND = command;
        copies.command = command;
    }
    HYPER_ADDRESS = far - L3_FIRST;
    HYPER_ROW_BYTES = piece;
    if (piece < row_bytes * rows) {
        HYPER_STRIDE = stride;
    }
}

uint32_t hyperram_read(
    uintptr_t near, uintptr_t far, uint32_t row_bytes, uint32_t rows, uint32_t stride)
{
    prepare(HYPER_READS_MEMORY, far, row_bytes, rows, stride);
    HYPER_IN_ADDRESS = near;
    HYPER_IN_BYTES = row_bytes * rows;
    HYPER_IN_START = UDMA_ENABLE;
    return ++copies.started & 0x7fffffffu;
}

uint32_t hyperram_write(
    uintptr_t near, uintptr_t far, uint32_t row_bytes, uint32_t rows, uint32_t stride)
{
    prepare(HYPER_WRITES_MEMORY, far, row_bytes, rows, stride);
    HYPER_OUT_ADDRESS = near;
    HYPER_OUT_BYTES = row_bytes * rows;
    HYPER_OUT_START = UDMA_ENABLE;
    return ++copies.started & 0x7fffffffu;
}

/* in 31 bits, where numbers wrap */
static int is_over(uint32_t copy)
{
    return (int32_t)((copies.over - copy) << 1) >= 0;
}

void hyperram_wait(uint32_t copy)
{
    while (!is_over(copy)) {
        look();
    }
}
