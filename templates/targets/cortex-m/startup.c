/* From reset to main. */

#include <string.h>

#include "tl_target.h"
#include "fault.h"
#include "protect.h"
#include "tl/port.h"

int main(void);

extern char tl_fault_stack_end[];
extern char tl_data[], tl_data_end[], tl_data_load[], tl_bss[], tl_bss_end[];
extern char tl_harness_data[], tl_harness_data_end[], tl_harness_data_load[];
extern char tl_harness_bss[], tl_harness_bss_end[];
extern char tl_l1_arena[], tl_l1_arena_end[], tl_l2_arena[], tl_l2_arena_end[];

static volatile uint32_t *const cpacr = (volatile uint32_t *)0xe000ed88;

enum { CP10_CP11 = 0xf << 20, NAN_BYTE = 0xff };

static void copy(char *to, const char *end, const char *from)
{
    memcpy(to, from, (size_t)(end - to));
}

static void fill(char *from, const char *end, int byte)
{
    memset(from, byte, (size_t)(end - from));
}

static void start(void)
{
    tl_exit(main());
}

/* On the fault handlers' stack, which is the one after reset; main gets its own. */
_Noreturn void tl_reset(void)
{
    *cpacr |= CP10_CP11; /* the floating-point unit is on; IEEE mode, no flush to zero, is its default */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    copy(tl_data, tl_data_end, tl_data_load);
    copy(tl_harness_data, tl_harness_data_end, tl_harness_data_load);
    fill(tl_bss, tl_bss_end, 0);
    fill(tl_harness_bss, tl_harness_bss_end, 0);
    /* memory holds anything after reset */
    fill(tl_l1_arena, tl_l1_arena_end, NAN_BYTE);
    fill(tl_l2_arena, tl_l2_arena_end, NAN_BYTE);
    for (uint32_t *word = tl_stack_start; word < tl_stack_end; word++) {
        *word = TL_STACK_PAINT;
    }
    tl_protect();
    tl_fault_open();
    __asm__ volatile(
        "msr psp, %0\n\t"
        "movs r0, #2\n\t" /* CONTROL.SPSEL */
        "msr control, r0\n\t"
        "isb\n\t"
        "bx %1" ::"r"(tl_stack_end),
        "r"(start)
        : "r0", "memory");
    __builtin_unreachable();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    tl_fault_stack_end, tl_reset, tl_fault_entry, tl_fault_entry, tl_fault_entry, tl_fault_entry,
    tl_fault_entry, 0, 0, 0, 0, tl_fault_entry, tl_fault_entry, 0, tl_fault_entry, tl_fault_entry,
};
