/* Semihosting: the simulator or the debugger does what a bare machine cannot, such as opening a
   file of the host ("Semihosting for AArch32 and AArch64" by Arm, and the RISC-V specification of
   the same calls). The target supplies the one instruction sequence that calls out. */

#ifndef TL_SEMIHOSTING_H
#define TL_SEMIHOSTING_H

#include <stdint.h>

enum {
    SEMIHOSTING_OPEN = 0x01,
    SEMIHOSTING_WRITE = 0x05,
    SEMIHOSTING_READ = 0x06,
    SEMIHOSTING_SEEK = 0x0a,
    SEMIHOSTING_EXIT_EXTENDED = 0x20
};

/* modes of SEMIHOSTING_OPEN: those of fopen in the order r, rb, r+, r+b, w, wb, … */
enum { SEMIHOSTING_RB = 1, SEMIHOSTING_W = 4, SEMIHOSTING_WB = 5 };

/* `arguments` points to words; their meaning and the result's depend on the operation. */
intptr_t semihosting_call(intptr_t operation, const void *arguments);

/* Open a file of the host: its handle, or -1. */
intptr_t semihosting_open(const char *path, intptr_t mode);

/* Bytes written. */
uint32_t semihosting_write(intptr_t handle, const void *from, uint32_t bytes);

#endif
