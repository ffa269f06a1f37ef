/* The beginning and the end of a program: what crt0.S, port.c and runtime.c share. */

#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdint.h>

enum { CORES = 8 };

/* Where every core starts (crt0.S). */
void entry(void);

/* The fabric controller's way to main, and a cluster core's life. */
__attribute__((noreturn)) void controller_main(void);
__attribute__((noreturn)) void core_main(int core);

/* Reports an exception at `pc` and ends the program. */
__attribute__((noreturn)) void trap(uint32_t pc);

/* Prints why and ends the program. */
__attribute__((noreturn)) void runtime_fail(const char *reason);

#endif
