/* Every core starts here: the fabric controller runs main, the cluster's cores core_main. They may lie
   in the shared L2, farther away than a plain jump goes. */

#include "pulp_open.h"
#include "tl_target.h"

/* a jump for each interrupt; exceptions take the first */
    .section .text.start, "ax"
    .balign 256
vectors:
    .option push
    .option norvc
    .option norelax
    .rept 35
    j trap_entry
    .endr
    .option pop

    .globl entry
entry:
    la t0, vectors
    csrw mtvec, t0
    csrr a0, mhartid
    srli t0, a0, HART_CLUSTER_SHIFT
    bnez t0, 1f
    /* a0 is the core; its stack ends where the next one's begins */
    la sp, core_stacks
    li t0, TL_STACK_BYTES
    addi t1, a0, 1
    mul t0, t0, t1
    add sp, sp, t0
    tail core_main
1:  la sp, controller_stack + CONTROLLER_STACK_BYTES
    tail controller_main

trap_entry:
    csrr a0, mepc
    tail trap

/* The three instructions that mean a semihosting call, uncompressed. */
    .section .text.semihosting_call, "ax"
    .globl semihosting_call
    .balign 16
semihosting_call:
    .option push
    .option norvc
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 7
    .option pop
    ret
