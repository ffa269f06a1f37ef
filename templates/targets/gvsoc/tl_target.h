/* gvsoc: what is known when compiling, for PULP-open as GVSoC models it. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#define TL_L1 __attribute__((section(".bss.tl_l1")))
#define TL_L2 __attribute__((section(".bss.tl_l2")))
#define TL_L3 __attribute__((section(".bss.tl_l3")))
#define TL_NEAR __attribute__((section(".bss.runtime_l1"))) /* of the bytes that L1 reserves */
#define TL_L3_IS_FAR
#define TL_GUARD_BYTES 0
#define TL_FPUS 4
#ifndef TL_EXACT
#define TL_XPULP /* tl/xpulp.h; its products are fused multiply-adds */
#endif
#define TL_TARGET_NAME "gvsoc"
#define TL_COUNTER_UNIT "cycles"

/* of each of the 8 cluster cores, in L1; the controller's is in L2 */
#define TL_STACK_BYTES 1248
#define CONTROLLER_STACK_BYTES 4096

#ifndef __ASSEMBLER__
/* The DMA engine's number of a copy, 0 to 15, or the uDMA's. */
typedef unsigned int tl_copy;
#define TL_COPY_OF_L3 0x80000000u
#define TL_COPY_DONE 16u

/* tl/port.h's, without a call: kernels ask all the time */
#include "pulp_open.h"

extern int tl_team_size;

static inline int tl_core_id(void)
{
    return (int)(hart_id() & HART_CORE_MASK);
}

static inline int tl_num_cores(void)
{
    return tl_team_size;
}

static inline void tl_barrier(void)
{
    load_event(BARRIER_MEET(0));
}
#endif

#endif
