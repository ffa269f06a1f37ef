/* qemu-riscv32: one hart a core; hart 0 is the controller and core 0. Who waits sleeps (wfi) and is
   woken by a software interrupt: a hart that spins would retire instructions. */

#include "tl/port.h"

#include <string.h>

#include "hart.h"
#include "tl/print.h"

enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_TOR = 8, PMP_NAPOT = 24, PMP_LOCK = 128 };

static volatile uint32_t *const msip = (volatile uint32_t *)0x02000000; /* CLINT: one word a hart */
static volatile unsigned char *const uart = (volatile unsigned char *)0x10000000;
static volatile uint32_t *const finisher = (volatile uint32_t *)0x00100000;

enum { UART_DATA = 0, UART_LINE_STATUS = 5, UART_CAN_SEND = 0x20, UART_HAS_SENT = 0x40 };
enum { FINISH_PASS = 0x5555, FINISH_FAIL = 0x3333 };

extern char tl_text_end[], tl_runtime_end[];
extern char tl_l1_start[], tl_l1_end[], tl_l2_start[], tl_l2_end[], tl_l3_start[], tl_l3_end[];
extern char tl_l1_arena_end[], tl_l2_arena_end[], tl_l3_arena_end[];

__attribute__((section(".bss.tl_stacks"), aligned(TL_STACK_GUARD_BYTES))) unsigned char
    tl_stacks[TL_CORES_MAX][TL_STACK_GUARD_BYTES + TL_STACK_BYTES];

static int team_size = 1;
static void (*team_work)(void *);
static void *team_argument;
static uint32_t has_work[TL_CORES_MAX];
static uint32_t running;
static uint32_t met;
static uint32_t meeting_number;

static uint32_t look(const uint32_t *value)
{
    return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static void wake(int core)
{
    __asm__ volatile("fence rw, o" ::: "memory");
    msip[core] = 1;
}

/* Sleep until *value is no longer `old`. Whoever changes it wakes us after that. */
static void sleep_while(const uint32_t *value, uint32_t old)
{
    const int core = tl_core_id();

    for (;;) {
        msip[core] = 0;
        __asm__ volatile("fence o, r" ::: "memory");
        if (look(value) != old) {
            return;
        }
        __asm__ volatile("wfi" ::: "memory");
    }
}

/* What the harts other than 0 do, for ever. */
__attribute__((noreturn)) void tl_serve(void)
{
    const int core = tl_core_id();

    for (;;) {
        sleep_while(&has_work[core], 0);
        has_work[core] = 0;
        team_work(team_argument);
        if (__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL) == 0) {
            wake(0);
        }
    }
}

void tl_team_run(void (*work)(void *), void *argument)
{
    team_work = work;
    team_argument = argument;
    running = (uint32_t)team_size - 1;
    for (int core = 1; core < team_size; core++) {
        __atomic_store_n(&has_work[core], 1, __ATOMIC_RELEASE);
        wake(core);
    }
    work(argument);
    for (uint32_t left = look(&running); left != 0; left = look(&running)) {
        sleep_while(&running, left);
    }
}

static void nothing(void *unused)
{
    (void)unused;
}

void tl_team_open(int cores)
{
    if (cores < 1 || cores > TL_CORES_MAX) {
        tl_print_str("qemu-riscv32: a team has 1 to 16 cores\n");
        tl_exit(3);
    }
    team_size = cores;
    tl_team_run(nothing, 0); /* all of them have come up now */
}

void tl_team_close(void)
{
    team_size = 1;
}

int tl_core_id(void)
{
    int core;

    __asm__("mv %0, tp" : "=r"(core));
    return core;
}

int tl_num_cores(void)
{
    return team_size;
}

void tl_barrier(void)
{
    const uint32_t mine = look(&meeting_number);

    if (__atomic_add_fetch(&met, 1, __ATOMIC_ACQ_REL) < (uint32_t)team_size) {
        sleep_while(&meeting_number, mine);
        return;
    }
    met = 0;
    __atomic_store_n(&meeting_number, mine + 1, __ATOMIC_RELEASE);
    for (int core = 0; core < team_size; core++) {
        if (core != tl_core_id()) {
            wake(core);
        }
    }
}

uint32_t tl_counter(void)
{
    uint32_t instructions;

    __asm__ volatile("csrr %0, minstret" : "=r"(instructions)::"memory");
    return instructions;
}

void tl_putc(char c)
{
    while (!(uart[UART_LINE_STATUS] & UART_CAN_SEND)) {
    }
    uart[UART_DATA] = (unsigned char)c;
}

void tl_exit(int status)
{
    while (!(uart[UART_LINE_STATUS] & UART_HAS_SENT)) { /* the end takes with it what has not left */
    }
    *finisher = status == 0 ? FINISH_PASS : (uint32_t)status << 16 | FINISH_FAIL;
    for (;;) {
        __asm__ volatile("wfi");
    }
}

uint32_t tl_stack_peak(int core)
{
    const unsigned char *end = tl_stacks[core] + sizeof tl_stacks[core];
    const uint32_t *word = (const void *)(tl_stacks[core] + TL_STACK_GUARD_BYTES);

    while ((const unsigned char *)word < end && *word == TL_STACK_PAINT) {
        word++;
    }
    return (uint32_t)(end - (const unsigned char *)word);
}

static void spoil(char *start, const char *end)
{
    memset(start, 0xff, (size_t)(end - start)); /* NaN */
}

/* Memory holds anything after reset. */
void tl_spoil(void)
{
    spoil(tl_l1_start, tl_l1_arena_end);
    spoil(tl_l2_start, tl_l2_arena_end);
    spoil(tl_l3_start, tl_l3_arena_end);
}

/* One entry of the physical memory protection. TOR: from the entry before up to `limit`. */
#define PROTECT(entry, shift, config, address)                                                     \
    do {                                                                                           \
        __asm__ volatile("csrw pmpaddr" #entry ", %0" ::"r"(address));                             \
        configuration |= (uint32_t)(config) << (shift);                                            \
    } while (0)
#define LIMIT(entry, shift, rights, limit)                                                         \
    PROTECT(entry, shift, PMP_TOR | PMP_LOCK | (rights), (uintptr_t)(limit) >> 2)
#define APPLY(number) __asm__ volatile("csrw pmpcfg" #number ", %0" ::"r"(configuration))

/* Of the RAM, a hart reaches the program, the levels and the stacks; not what is below its own stack.
   Locked entries bind machine mode too. Everything else is devices, or faults by itself. */
void tl_protect(void)
{
    const uintptr_t guard = (uintptr_t)tl_stacks[tl_core_id()];
    uint32_t configuration = 0;

    PROTECT(0, 0, PMP_NAPOT | PMP_LOCK, guard >> 2 | (TL_STACK_GUARD_BYTES / 8 - 1));
    PROTECT(1, 8, 0, 0x80000000u >> 2);
    LIMIT(2, 16, PMP_R | PMP_X, tl_text_end);
    LIMIT(3, 24, PMP_R | PMP_W, tl_runtime_end);
    const uint32_t first = configuration;
    configuration = 0;
    LIMIT(4, 0, 0, tl_l1_start);
    LIMIT(5, 8, PMP_R | PMP_W, tl_l1_end);
    LIMIT(6, 16, 0, tl_l2_start);
    LIMIT(7, 24, PMP_R | PMP_W, tl_l2_end);
    const uint32_t second = configuration;
    configuration = 0;
    LIMIT(8, 0, 0, tl_l3_start);
    LIMIT(9, 8, PMP_R | PMP_W, tl_l3_end);
    LIMIT(10, 16, 0, 0xfffffffcu);
    APPLY(2);
    configuration = second;
    APPLY(1);
    configuration = first;
    APPLY(0);
}
