/* The samples of data/, and runs of the network on them. */

#ifndef SAMPLES_H
#define SAMPLES_H

#include "golden.h"

/* The number of samples of a training step; 0 where a file ends early. */
uint32_t samples_of(const golden_header *golden, uint32_t step);

/* Load the samples that a step of `total` takes at once from its sample `first` on; their number, or 0
   where a file ends early. */
uint32_t load_pass(const golden_header *golden, uint32_t step, uint32_t first, uint32_t total);

/* Run on those; the last pass ends the step. Returns what the pass adds to its loss. */
float run_pass(uint32_t count, uint32_t total, int last);

/* A whole training step; 0 where a file ends early. */
int run_step(const golden_header *golden, uint32_t step, float *loss);

/* The loss of all test samples and how many are classified right; 0 where a file ends early. */
int evaluate(const golden_header *golden, golden_evaluation *found);

/* How many test samples are classified right, by predictions alone; 0 where a file ends early. */
int predict_all(const golden_header *golden, uint32_t *correct);

#endif
