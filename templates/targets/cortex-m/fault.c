#include "fault.h"

#include "tl_target.h"
#include "crash.h"

enum { FRAME_WORDS = 8, FRAME_PC = 6 };
enum { STACK_GUARD_BYTES = 4096 }; /* so far below the stack an access counts as overflow */

/* System Control Block */
static volatile uint32_t *const shcsr = (volatile uint32_t *)0xe000ed24;
static volatile uint32_t *const cfsr = (volatile uint32_t *)0xe000ed28;
static volatile uint32_t *const mmfar = (volatile uint32_t *)0xe000ed34;
static volatile uint32_t *const bfar = (volatile uint32_t *)0xe000ed38;

static volatile uint32_t *const fpccr = (volatile uint32_t *)0xe000ef34;

enum { MEMORY_USAGE_BUS = 7 << 16 };
static const uint32_t saves_floats_by_itself = 3u << 30;

/* bits of CFSR */
enum {
    MEMORY_FETCH = 1 << 0,
    MEMORY_DATA = 1 << 1,
    MEMORY_STACKING = 1 << 4,
    MEMORY_ADDRESS = 1 << 7,
    BUS_FETCH = 1 << 8,
    BUS_DATA = 1 << 9,
    BUS_STACKING = 1 << 12,
    BUS_ADDRESS = 1 << 15,
    UNDEFINED = 1 << 16,
    UNALIGNED = 1 << 24
};

void tl_fault_open(void)
{
    *shcsr |= MEMORY_USAGE_BUS;
    /* nobody returns from a fault, and where the stack is full the registers have no room */
    *fpccr &= ~saves_floats_by_itself;
}

static const char *cause_of(uint32_t status, uint32_t address)
{
    if ((status & (MEMORY_STACKING | BUS_STACKING))
        || ((status & (MEMORY_ADDRESS | BUS_ADDRESS))
            && (uintptr_t)tl_stack_start - address <= STACK_GUARD_BYTES)) {
        return "stack overflow";
    }
    if (status & (MEMORY_FETCH | BUS_FETCH)) {
        return "instruction access fault";
    }
    if (status & (MEMORY_DATA | BUS_DATA)) {
        return "data access fault";
    }
    if (status & UNDEFINED) {
        return "undefined instruction";
    }
    return status & UNALIGNED ? "unaligned access" : "unexpected exception";
}

__attribute__((used)) static _Noreturn void report(const uint32_t *frame)
{
    const uint32_t status = *cfsr;
    uint32_t address = 0;
    uint32_t pc = 0;

    /* the frame is missing where there was no room for it */
    if (frame >= tl_stack_start && frame + FRAME_WORDS <= tl_stack_end) {
        pc = frame[FRAME_PC];
    }
    if (status & MEMORY_ADDRESS) {
        address = *mmfar;
    } else if (status & BUS_ADDRESS) {
        address = *bfar;
    } else if (status & (MEMORY_STACKING | BUS_STACKING)) {
        address = (uintptr_t)frame;
    } else if (status & (MEMORY_FETCH | BUS_FETCH)) {
        address = pc;
    }
    tl_crash(cause_of(status, address), address, pc, 0);
}

__attribute__((naked)) void tl_fault_entry(void)
{
    __asm__ volatile("mrs r0, psp\n\t"
                     "b report");
}
