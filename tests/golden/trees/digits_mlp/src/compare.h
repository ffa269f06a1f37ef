/* One tensor against its expected value. CHECK_FULL: element by element; otherwise by fingerprint:
   the norm and eight fixed +-1 projections, for targets that cannot hold the expected values. */

#ifndef COMPARE_H
#define COMPARE_H

#include <stdint.h>

#include "net_hooks.h"
#include "tl/data.h"

typedef struct comparison {
    float error;     /* full: max|d - g| / max|g|; fingerprint: largest difference / norm */
    float tolerance;
    int agrees;
    int has_worst;   /* full: where, and both values */
    uint32_t worst;
    float got;
    float expected;
} comparison;

/* Bytes that a tensor takes in data/expected_*.bin. */
uint32_t expected_bytes(const net_check *check);

/* Put the expected values in place of a tensor's own first `count`, so that what makes much of their
   rounding (an update, a kink) is compared for what it does itself. Without CHECK_FULL they are not
   there: the fingerprints of what an update makes say how far rounding reaches. 0: file too short. */
int impose(const net_check *check, uint32_t count, uint32_t index, uint32_t before);

/* Write the first `count` elements, where the tensor is and where it lives, from `offset` of a file.
   0: file too short. */
int put_file(const net_check *check, uint32_t count, tl_data_file file, uint32_t offset);

/* Compare the first `count` elements with record `index` of the expected values, `before` bytes into
   it; 0: file too short. */
int compare(
    const net_check *check, uint32_t count, uint32_t index, uint32_t before, comparison *result);

#endif
