/* qemu-riscv32: what is known when compiling. Each level is a region of memory of its own (link.ld);
   the program, its data and the stacks live in another one. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#define TL_L1 __attribute__((section(".bss.tl_l1")))
#define TL_L2 __attribute__((section(".bss.tl_l2")))
#define TL_L3 __attribute__((section(".bss.tl_l3")))
#define TL_GUARD_BYTES 0 /* what lies around a level faults */
#define TL_TARGET_NAME "qemu-riscv32"

/* Retired instructions of all harts together; a hart that sleeps retires none. */
#define TL_COUNTER_UNIT "instructions"

#define TL_STACK_BYTES 8192
#define TL_STACK_GUARD_BYTES 4096 /* below each stack; an access faults */

#ifndef __ASSEMBLER__
#include "copy_engine.h"
#endif

#endif
