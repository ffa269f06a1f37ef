/* pulp-sdk: what is known when compiling, on top of PMSIS. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

/* sections of the SDK's linker script: not loaded, in the cluster's L1; cleared at start, in L2 */
#define TL_L1 __attribute__((section(".bss_l1.tl_l1")))
#define TL_L2 __attribute__((section(".bss.tl_l2")))
/* nothing loads this section, which lies at RAM_FIRST: no flags, no contents */
#define TL_L3 __attribute__((section(".tl_l3,\"\",@nobits#")))
#define TL_L3_IS_FAR
#define TL_GUARD_BYTES 0
#define TL_FPUS 4
#define TL_TARGET_NAME "pulp-sdk"
#define TL_COUNTER_UNIT "cycles"

/* of each core of the cluster, in L1 */
#define TL_STACK_BYTES 960

/* the program's main runs on the SDK's kernel: port.c has the one that starts it */
#define main tl_program

/* A DMA command of the port's pool, or TL_COPY_DONE. */
typedef int tl_copy;
#define TL_COPY_DONE (-1)

#endif
