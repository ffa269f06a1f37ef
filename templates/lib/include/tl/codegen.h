/* What kernels ask of a compiler. None of it changes a result. */

#ifndef TL_CODEGEN_H
#define TL_CODEGEN_H

/* Bodies whose sizes are constants where they are inlined, so that sums stay in registers. */
#define TL_INLINE inline __attribute__((always_inline))

/* Functions that have the registers for themselves. */
#define TL_NOINLINE __attribute__((noinline))

/* Four values are there before any of them is used: loads come in a row, then products. Cores that
   share an FPU so come to take turns. */
#define TL_TOGETHER_4(v) __asm__("" : "+r"((v)[0]), "+r"((v)[1]), "+r"((v)[2]), "+r"((v)[3]))

/* Hides from the compiler where a value comes from. It keeps pointers that advance together in a
   register each; folded into one base and offsets they cost an addition before every load. */
#define TL_KEEP(value) __asm__("" : "+r"(value))

#endif
