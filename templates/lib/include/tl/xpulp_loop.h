/* Words of assembly for loops of PULP's cores: text for __asm__, where an operand goes by its name. */

#ifndef TL_XPULP_LOOP_H
#define TL_XPULP_LOOP_H

/* Instructions of 4 bytes, as lp.setup counts them. */
#define TL_ASM_WIDE(body) ".balign 4\n\t.option push\n\t.option norvc\n\t" body ".option pop\n\t"

/* `body`, of so many instructions of 4 bytes, as often as the register `turns` says, which is not 0.
   Loops in it are TL_ASM_INNERs that do not end it. RI5CY takes forward branches in a loop's body, but
   for its last instructions; CV32E40P does not. */
#define TL_ASM_TURNS(turns, instructions, body)                                                    \
    TL_ASM_WIDE(TL_ASM_OUTER(turns, instructions, body))

/* The same inside a TL_ASM_WIDE. */
#define TL_ASM_OUTER(turns, instructions, body)                                                    \
    ".insn i 0x7b, 4, x1, %[" turns "], (" instructions ") * 2\n\t" /* lp.setup x1 */ body

/* One instruction more than `instructions`. */
#define TL_ASM_INNER(turns, instructions, body)                                                    \
    ".insn i 0x7b, 4, x0, %[" turns "], (" instructions ") * 2\n\t" /* lp.setup x0 */ body

/* p.lw: the pointer moves on by `bytes`, a constant, or by the register `step`. */
#define TL_ASM_LOAD_NEXT(to, from, bytes) ".insn i 0x0b, 2, %[" to "], %[" from "], " bytes "\n\t"
#define TL_ASM_LOAD_STEP(to, from, step)                                                           \
    ".insn r 0x0b, 7, 0x10, %[" to "], %[" from "], %[" step "]\n\t"

/* p.lw and p.sw: so many bytes from the pointer, by a register. */
#define TL_ASM_LOAD_BESIDE(to, from, bytes)                                                        \
    ".insn r 0x03, 7, 0x10, %[" to "], %[" from "], %[" bytes "]\n\t"
#define TL_ASM_STORE_BESIDE(value, to, bytes)                                                      \
    ".insn r 0x23, 6, 0, %[" bytes "], %[" to "], %[" value "]\n\t"
#define TL_ASM_BYTE_BESIDE(to, from, bytes)                                                        \
    ".insn r 0x03, 7, 0, %[" to "], %[" from "], %[" bytes "]\n\t" /* p.lb, with its sign */
#define TL_ASM_CLEAR_BESIDE(to, bytes) ".insn r 0x23, 6, 0, %[" bytes "], %[" to "], x0\n\t"

/* p.sw: the pointer moves on by the register `step`. */
#define TL_ASM_STORE_STEP(value, to, step)                                                         \
    ".insn r 0x2b, 6, 0, %[" step "], %[" to "], %[" value "]\n\t"
#define TL_ASM_STORE_AT(value, to, offset) "sw %[" value "], " offset "(%[" to "])\n\t"
#define TL_ASM_LOAD_AT(to, from, offset) "lw %[" to "], " offset "(%[" from "])\n\t"
#define TL_ASM_LOAD_FROM(to, memory) "lw %[" to "], %[" memory "]\n\t" /* an operand in memory */

/* The pointer moves on to the next word. */
#define TL_ASM_LOAD(to, from) TL_ASM_LOAD_NEXT(to, from, "4")
#define TL_ASM_STORE(value, to) ".insn s 0x2b, 2, %[" value "], 4(%[" to "])\n\t"

/* 0 to there; the pointer moves on by `bytes`, a constant. */
#define TL_ASM_CLEAR_NEXT(to, bytes) ".insn s 0x2b, 2, x0, " bytes "(%[" to "])\n\t"

/* Where a constant operand is not 0. */
#define TL_ASM_IF(condition, text) ".if " condition "\n\t" text ".endif\n\t"
/* What two constants of assembly, 0 or 1, are made of. */
#define TL_ASM_EITHER(a, b, run)                                                                   \
    if ((a) && (b)) {                                                                              \
        run(1, 1);                                                                                 \
    } else if (a) {                                                                                \
        run(1, 0);                                                                                 \
    } else if (b) {                                                                                \
        run(0, 1);                                                                                 \
    } else {                                                                                       \
        run(0, 0);                                                                                 \
    }
#define TL_ASM_MOVE(to, from) "addi %[" to "], %[" from "], 0\n\t"

#define TL_ASM_3(instruction, to, a, b) instruction " %[" to "], %[" a "], %[" b "]\n\t"
#define TL_ASM_COMPARE(instruction, to, a, b) instruction " %[" to "], %[" a "], " b "\n\t"
/* to += a b */
#define TL_ASM_FMA(to, a, b) "fmadd.s %[" to "], %[" a "], %[" b "], %[" to "]\n\t"

/* Integers: to -= a b; bit 0 of one into another; the larger of two. */
#define TL_ASM_MSU(to, a, b) ".insn r 0x33, 1, 0x21, %[" to "], %[" a "], %[" b "]\n\t" /* p.msu */
#define TL_ASM_INSERT(to, from, bit)                                                               \
    ".insn r 0x33, 2, 0x60, %[" to "], %[" from "], x" bit "\n\t" /* p.insert: bit 0 there */
#define TL_ASM_MAX(to, a, b) ".insn r 0x33, 6, 0x02, %[" to "], %[" a "], %[" b "]\n\t" /* p.max */

#endif
