/* cortex-m: one core. Console, files and exit by semihosting. */

#include "tl/port.h"

#include "semihosting.h"
#include "tl/print.h"

/* CMSDK dual timer of the mps2 boards: 32 bits, counts down 25 million times a second */
static volatile uint32_t *const timer_load = (volatile uint32_t *)0x40002000;
static volatile uint32_t *const timer_value = (volatile uint32_t *)0x40002004;
static volatile uint32_t *const timer_control = (volatile uint32_t *)0x40002008;

enum { TIMER_RUNS_FREELY_IN_32_BITS = 0x82 };

void tl_team_open(int cores)
{
    if (cores != 1) {
        tl_print_str("cortex-m: there is one core\n");
        tl_exit(3);
    }
    *timer_load = UINT32_MAX;
    *timer_control = TIMER_RUNS_FREELY_IN_32_BITS;
}

void tl_team_run(void (*work)(void *), void *argument)
{
    work(argument);
}

void tl_team_close(void)
{
}

int tl_core_id(void)
{
    return 0;
}

int tl_num_cores(void)
{
    return 1;
}

void tl_barrier(void)
{
}

/* With -icount shift=7 an instruction takes 128 ns, which are 3.2 ticks: a difference of ticks, wrong
   by less than one, has one nearest number of instructions. Ticks are added up in 64 bits, since
   their 32 bits wrap at another number than ours. */
uint32_t tl_counter(void)
{
    static uint64_t ticks;
    static uint32_t newest;
    const uint32_t now = 0u - *timer_value;

    ticks += now - newest;
    newest = now;
    return (uint32_t)((ticks * 5 + 8) >> 4);
}

enum { LINE_BYTES = 120 };

static char line[LINE_BYTES];
static uint32_t line_length;

/* a call for each line: they are slow */
static void send_line(void)
{
    static intptr_t console = -1;

    if (console < 0) {
        console = semihosting_open(":tt", SEMIHOSTING_W);
    }
    semihosting_write(console, line, line_length);
    line_length = 0;
}

void tl_putc(char c)
{
    line[line_length++] = c;
    if (c == '\n' || line_length == LINE_BYTES) {
        send_line();
    }
}

void tl_exit(int status)
{
    enum { APPLICATION_EXIT = 0x20026 };
    const uintptr_t arguments[2] = {APPLICATION_EXIT, (uintptr_t)status};

    send_line();
    semihosting_call(SEMIHOSTING_EXIT_EXTENDED, arguments);
}

uint32_t tl_stack_peak(int core)
{
    const uint32_t *word = tl_stack_start;

    (void)core;
    while (word < tl_stack_end && *word == TL_STACK_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)tl_stack_end - (uintptr_t)word);
}

__attribute__((naked)) intptr_t semihosting_call(intptr_t operation, const void *arguments)
{
    (void)operation;
    (void)arguments;
    __asm__ volatile("bkpt 0xab\n\t"
                     "bx lr");
}
