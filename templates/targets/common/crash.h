/* The report of a crash, for targets that catch it themselves. */

#ifndef TL_CRASH_H
#define TL_CRASH_H

#include <stdint.h>

/* Print what happened to which address, where, and in which Step; end the program. */
_Noreturn void tl_crash(const char *cause, uint32_t address, uint32_t pc, int core);

#endif
