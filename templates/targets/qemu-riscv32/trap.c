/* What a hart does when it traps. */

#include "crash.h"
#include "hart.h"
#include "tl/port.h"

_Alignas(16) unsigned char tl_trap_stacks[TL_CORES_MAX][1 << TL_TRAP_STACK_SHIFT];

/* by mcause; the privileged specification's exceptions */
static const char *const causes[] = {
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store address misaligned",
    "store access fault",
};

static const char *cause_of(uint32_t cause, uint32_t address, int core)
{
    if (address - (uintptr_t)tl_stacks[core] < TL_STACK_GUARD_BYTES) {
        return "stack overflow";
    }
    return cause < sizeof causes / sizeof causes[0] ? causes[cause] : "unknown trap";
}

_Noreturn void tl_trap(uint32_t cause, uint32_t address, uint32_t pc)
{
    static int reported;
    const int core = tl_core_id();

    if (!__atomic_exchange_n(&reported, 1, __ATOMIC_ACQ_REL)) {
        tl_crash(cause_of(cause, address, core), address, pc, core);
    }
    for (;;) {
        __asm__ volatile("wfi");
    }
}
