/* What crt0.S, port.c and trap.c share. */

#ifndef HART_H
#define HART_H

#include "tl_target.h"

#define TL_STACK_PAINT 0x5ac3a55a
#define TL_TRAP_STACK_SHIFT 10

#ifndef __ASSEMBLER__
#include "tl/port.h"

extern unsigned char tl_stacks[TL_CORES_MAX][TL_STACK_GUARD_BYTES + TL_STACK_BYTES];
#endif

#endif
