/* Every hart starts here. Hart 0 becomes the controller; the others sleep until it calls them. */

#include "hart.h"

    .section .text.start, "ax"
    .globl _start
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    csrr tp, mhartid /* tp is the core's number from here on */
    la t0, tl_trap_entry
    csrw mtvec, t0
    li t0, 1 << 13 /* mstatus.FS: the floating-point unit is on */
    csrs mstatus, t0
    csrw fcsr, zero
    li t0, 1 << 3 /* mie.MSIE: a software interrupt ends wfi; mstatus.MIE stays 0, so it never traps */
    csrw mie, t0

    /* own stack: painted, so that its peak can be seen */
    la t0, tl_stacks
    li t1, TL_STACK_GUARD_BYTES + TL_STACK_BYTES
    mul t2, t1, tp
    add t0, t0, t2
    add sp, t0, t1
    li t1, TL_STACK_GUARD_BYTES
    add t0, t0, t1
    li t1, TL_STACK_PAINT
1:  sw t1, 0(t0)
    addi t0, t0, 4
    bltu t0, sp, 1b

    /* a trap must not trust the stack that may have caused it */
    la t0, tl_trap_stacks
    slli t1, tp, TL_TRAP_STACK_SHIFT
    add t0, t0, t1
    addi t0, t0, 1 << TL_TRAP_STACK_SHIFT
    csrw mscratch, t0

    bnez tp, 3f
    la t0, tl_bss_start
    la t1, tl_bss_end
2:  sw zero, 0(t0)
    addi t0, t0, 4
    bltu t0, t1, 2b
    call tl_spoil
    call tl_protect
    call main
    call tl_exit

    /* memory is hart 0's until it calls */
3:  call tl_protect
    call tl_serve

    .text
    .balign 4
tl_trap_entry:
    csrrw sp, mscratch, sp
    csrr a0, mcause
    csrr a1, mtval
    csrr a2, mepc
    call tl_trap

/* The three instructions that mean a semihosting call must lie in one page, uncompressed. */
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
