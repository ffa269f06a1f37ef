/* What kernels ask of a compiler. None of it changes a result. */

#ifndef TL_CODEGEN_H
#define TL_CODEGEN_H

/* Bodies whose sizes are constants where they are inlined, so that sums stay in registers. Under a
   sanitizer, which makes each copy many times larger, the compiler decides. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TL_INLINE inline
#define TL_UNROLL
#else
#define TL_INLINE inline __attribute__((always_inline))
#endif

/* What is needed once a call, or several large bodies that would make one huge function. */
#define TL_NOINLINE __attribute__((noinline))

/* Hides from the compiler where a value comes from. It keeps pointers that advance together in a
   register each; folded into one base and offsets they cost an addition before every load. */
#define TL_KEEP(value) __asm__("" : "+r"(value))

/* A local word that assembly will read by a pointer is in memory from here on. */
#define TL_STORED(word) __asm__ volatile("" : : "r"(&(word)) : "memory")

/* Before a loop with a constant number of turns: write all of them out, or arrays that the loop
   indexes stay in memory. */
#ifdef TL_UNROLL
#elif defined(__clang__) && __clang_major__ >= 16
#define TL_UNROLL _Pragma("clang loop unroll(full)")
#elif !defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 8
#define TL_UNROLL _Pragma("GCC unroll 32")
#else
#define TL_UNROLL
#endif

/* Holds an operation at its place among the others that are pinned: where two cores share an FPU,
   products with loads between them let the cores take turns. */
#ifdef __riscv_zfinx
#define TL_PIN(value) __asm__ volatile("" : "+r"(value))
#else
#define TL_PIN(value) ((void)(value))
#endif

#endif
