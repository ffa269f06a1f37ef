/* Local checks, guard checks and the profile: what runs inside the hooks of net_hooks.h. */

#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>

/* Compare every tensor of the next run, on so many samples, with the expected values of checked step
   `index`; `guided`: then impose these on each. */
void check_open(uint32_t step, uint32_t index, uint32_t samples, int guided);

/* End of that run: 0 where the expected values could not be read. */
int check_close(void);

/* Whether everything compared so far agrees. */
int check_agrees(void);

/* Count each Step of the next run; print the counts. */
void profile_open(void);
void profile_close(void);

/* The run log's lines. */
void print_memory(void);
void print_stacks(void); /* where the target knows them */
void print_loss(uint32_t step, float loss);
void end_losses(void);

#endif
