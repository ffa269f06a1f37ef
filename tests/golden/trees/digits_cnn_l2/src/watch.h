/* Looks for the first tensor that is not finite, Step by Step. */

#ifndef WATCH_H
#define WATCH_H

#include <stdint.h>

/* Watch the next run, on so many samples, as training step `step`. */
void watch_open(uint32_t step, uint32_t samples);

/* End of that run: 1 where a tensor was found and printed. */
int watch_close(void);

/* What Step `step` has made; by core 0, while all others wait. */
void watch_step(int step);

#endif
