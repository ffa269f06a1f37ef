/* What a platform supplies. Each target implements it in target/<name>/port.c; its tl_target.h
   gives the attributes and names that are known when compiling:

     TL_L1 TL_L2 TL_L3   place static data in a level
     TL_L3_IS_FAR        defined where cores cannot reach L3: its pointers are for copies alone
     TL_GUARD_BYTES      guard zone on both sides of each arena (0: none)
     TL_FPUS             where so many FPUs serve more cores: core i uses FPU i mod TL_FPUS
     TL_TARGET_NAME      "host"
     TL_COUNTER_UNIT     what tl_counter counts: "ns", "cycles" or "instructions"
     TL_STACK_BYTES      the size of each core's stack, where tl_stack_peak is there

   One thread of control (the controller) opens a team of cores; a run enters one function on all
   of them. */

#ifndef TL_PORT_H
#define TL_PORT_H

#include <stdint.h>

#include "tl_target.h"

enum { TL_CORES_MAX = 16 };

/* Controller: start `cores` cores (1 to TL_CORES_MAX); they sleep until there is work. */
void tl_team_open(int cores);

/* Controller: every core runs work(argument); returns when all have. */
void tl_team_run(void (*work)(void *), void *argument);

/* Controller: stop the cores. */
void tl_team_close(void);

/* Inside a run: 0 to tl_num_cores() - 1. */
int tl_core_id(void);

/* The size of the team. */
int tl_num_cores(void);

/* Inside a run: returns when every core of the team has come here; memory written before is seen
   by all after. */
void tl_barrier(void);

/* Copies between neighbouring levels, L1 and L2 or L2 and L3. Inside a run, by core 0 alone. Both sides
   must stay untouched until the copy has been waited for: once each, in any order, at any time after.
   TL_COPIES_MAX may be under way between L1 and L2, and TL_FAR_COPIES_MAX between L2 and L3, where
   addresses, lengths and strides are multiples of 4. */
enum { TL_COPIES_MAX = 16, TL_FAR_COPIES_MAX = 8 };

/* Start to copy `bytes` in one piece. */
tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes);

/* Start to copy `rows` of `row_bytes`: one behind the other at `near`, `far_stride` bytes from start
   to start at `far`, which is the farther level. */
tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride);
tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride);

/* Returns when the copy has landed. */
void tl_copy_wait(tl_copy copy);

/* Read from, or write to, what lies in any level, at once: the controller outside of runs, core 0 in
   one. The other side is memory of the program, not in L1; all numbers are multiples of 4. */
#ifdef TL_L3_IS_FAR
void tl_far_read(void *to, const void *from, uint32_t bytes);
void tl_far_write(void *to, const void *from, uint32_t bytes);
#else
static inline void tl_far_read(void *to, const void *from, uint32_t bytes)
{
    __builtin_memcpy(to, from, bytes);
}
static inline void tl_far_write(void *to, const void *from, uint32_t bytes)
{
    __builtin_memcpy(to, from, bytes);
}
#endif

/* A free-running counter; it wraps, so use differences. */
uint32_t tl_counter(void);

/* One character to the console. */
void tl_putc(char c);

/* End the program with an exit status. */
void tl_exit(int status);

#ifdef TL_STACK_BYTES
/* The most that a core has used of its stack so far, in bytes. */
uint32_t tl_stack_peak(int core);
#endif

/* Supplied by the program for the report of a crash: what a core is doing, or 0. A port that reports
   crashes brings a weak one for programs that say nothing. */
const char *tl_doing(int core);

#endif
