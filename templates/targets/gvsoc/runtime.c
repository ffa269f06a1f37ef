/* The beginning and the end of a program: stacks, console, traps, exit. */

#include "runtime.h"

#include "crash.h"
#include "hyperram.h"
#include "pulp_open.h"
#include "semihosting.h"
#include "tl/port.h"
#include "tl/print.h"

enum { PAINT = 0x5ac3a55a, BROKEN = 3, STDOUT = 1 };

int main(void);

/* of the linker script */
extern uint32_t bss_start[], bss_end[], near_start[], near_end[];

__attribute__((section(".bss.core_stacks"), aligned(16))) uint32_t
    core_stacks[CORES][TL_STACK_BYTES / 4];
__attribute__((section(".bss.controller_stack"), aligned(16))) uint32_t
    controller_stack[CONTROLLER_STACK_BYTES / 4];

static void fill(uint32_t *from, const uint32_t *to, uint32_t word)
{
    while (from < to) {
        *from++ = word;
    }
}

/* Bytes that were ever written of a stack. */
static uint32_t peak(const uint32_t *stack, uint32_t bytes)
{
    uint32_t words = bytes / 4;

    while (words > 0 && *stack == PAINT) {
        stack++;
        words--;
    }
    return 4 * words;
}

__attribute__((noreturn)) void controller_main(void)
{
    fill(bss_start, bss_end, 0);
    fill(near_start, near_end, 0);
    fill(controller_stack, (const uint32_t *)__builtin_frame_address(0) - 32, PAINT);
    for (int core = 0; core < CORES; core++) {
        fill(core_stacks[core], core_stacks[core] + TL_STACK_BYTES / 4, PAINT);
    }
    hyperram_open();
    main();
    runtime_fail("main has returned");
}

uint32_t tl_stack_peak(int core)
{
    return peak(core_stacks[core], TL_STACK_BYTES);
}

/* a line at a time: each call of the host costs it a system call */
static char line[128];
static uint32_t line_bytes;

static void send_line(void)
{
    semihosting_write(STDOUT, line, line_bytes);
    line_bytes = 0;
}

void tl_putc(char c)
{
    line[line_bytes++] = c;
    if (c == '\n' || line_bytes == sizeof line) {
        send_line();
    }
}

__attribute__((noreturn)) static void stop(int status)
{
    send_line();
    CHIP_STATUS = CHIP_STATUS_VALID | (unsigned int)status;
    for (;;) {
    }
}

/* A stack that was full has gone over its end, or nobody knows that it has not. */
static int stacks_are_whole(void)
{
    int whole = peak(controller_stack, CONTROLLER_STACK_BYTES) < CONTROLLER_STACK_BYTES;

    for (int core = 0; core < tl_num_cores(); core++) {
        whole = whole && tl_stack_peak(core) < TL_STACK_BYTES;
    }
    return whole;
}

void tl_exit(int status)
{
    if (status == 0 && !stacks_are_whole()) {
        runtime_fail("a stack is full");
    }
    stop(status);
}

void runtime_fail(const char *reason)
{
    tl_print_str("\nruntime: ");
    tl_print_str(reason);
    tl_print_str("\n");
    stop(BROKEN);
}

/* Illegal instructions and breakpoints come here; GVSoC itself stops at a wrong address. */
__attribute__((noreturn)) void trap(uint32_t pc)
{
    tl_crash("illegal instruction", pc, pc, tl_core_id());
}
