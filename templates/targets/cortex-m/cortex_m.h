/* What the Cortex-M targets know when compiling. L1 is SRAM: stack and data of the program take the
   first, reserved bytes of it. L2 is external RAM. */

#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#include "copy_engine.h"

#define TL_L1 __attribute__((section(".bss.tl_l1")))
#define TL_L2 __attribute__((section(".bss.tl_l2")))

/* Executed instructions, derived from the machine's time: QEMU gives each the same. */
#define TL_COUNTER_UNIT "instructions"

#define TL_STACK_PAINT 0x5ac3a55au

extern uint32_t tl_stack_start[], tl_stack_end[]; /* what the linker script leaves of L1's first bytes */
#define TL_STACK_BYTES ((int32_t)((uintptr_t)tl_stack_end - (uintptr_t)tl_stack_start))

#endif
