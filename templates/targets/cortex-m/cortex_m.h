/* What the Cortex-M targets know when compiling. L1 is SRAM: stack and data of the program take the
   first, reserved bytes of it. L2 is external RAM. */

#ifndef CORTEX_M_H
#define CORTEX_M_H

#include "copy_engine.h"

#define TL_L1 __attribute__((section(".bss.tl_l1")))
#define TL_L2 __attribute__((section(".bss.tl_l2")))

/* Executed instructions, derived from the machine's time: QEMU gives each the same. */
#define TL_COUNTER_UNIT "instructions"

#define TL_STACK_PAINT 0x5ac3a55au /* TL_STACK_BYTES comes from cortex-m.mk */

#endif
