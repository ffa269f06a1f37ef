#include "compare.h"

#include "tl/math.h"
#include "tl/port.h"

#ifdef CHECK_FULL
static const tl_data_file expected_file = TL_DATA_EXPECTED_FULL;
enum { CHUNK = 256 };
#else
static const tl_data_file expected_file = TL_DATA_EXPECTED_FINGERPRINT;
enum { PROJECTIONS = 8, CHUNK = 64 };
#endif

static uint32_t record_bytes(void)
{
    uint32_t bytes = 0;

    for (int i = 0; i < net_check_count; i++) {
        bytes += expected_bytes(&net_checks[i]);
    }
    return bytes;
}

static float magnitude(float value)
{
    return value < 0.0f ? -value : value;
}

static float values[CHUNK]; /* core 0 alone compares; its stack is small */

int put_file(const net_check *check, uint32_t count, tl_data_file file, uint32_t offset)
{
    for (uint32_t first = 0; first < count; first += CHUNK) {
        const uint32_t bytes = 4 * (count - first < CHUNK ? count - first : CHUNK);

        if (tl_data_read(file, offset + 4 * first, values, bytes) != bytes) {
            return 0;
        }
        tl_far_write(check->value + first, values, bytes);
        if (check->home != check->value) {
            tl_far_write(check->home + first, values, bytes);
        }
    }
    return 1;
}

#ifdef CHECK_FULL

uint32_t expected_bytes(const net_check *check)
{
    return 4 * (1 + check->count);
}

int impose(const net_check *check, uint32_t count, uint32_t index, uint32_t before)
{
    return put_file(check, count, expected_file, index * record_bytes() + before + 4);
}

int compare(
    const net_check *check, uint32_t count, uint32_t index, uint32_t before, comparison *result)
{
    static float buffer[CHUNK];
    float largest;
    float worst = -1.0f;
    uint32_t offset = index * record_bytes() + before;

    if (tl_data_read(expected_file, offset, &largest, 4) != 4) {
        return 0;
    }
    offset += 4;
    for (uint32_t first = 0; first < count; first += CHUNK) {
        const uint32_t rest = count - first;
        const uint32_t read = rest < CHUNK ? rest : CHUNK;

        if (tl_data_read(expected_file, offset, buffer, 4 * read) != 4 * read) {
            return 0;
        }
        offset += 4 * read;
        tl_far_read(values, check->value + first, 4 * read);
        for (uint32_t i = 0; i < read; i++) {
            const float got = values[i];
            const float difference = magnitude(got - buffer[i]);

            /* a NaN is worst, and stays */
            if (worst == worst && !(difference <= worst)) {
                worst = difference;
                result->worst = first + i;
                result->got = got;
                result->expected = buffer[i];
            }
        }
    }
    /* where zeros are expected, nothing but zeros will do */
    result->error = worst == 0.0f ? 0.0f : worst / largest;
    result->tolerance = check->tolerance;
    result->agrees = result->error <= check->tolerance;
    result->has_worst = 1;
    return 1;
}

#else

uint32_t expected_bytes(const net_check *check)
{
    (void)check;
    return 4 * (3 + PROJECTIONS);
}

int impose(const net_check *check, uint32_t count, uint32_t index, uint32_t before)
{
    (void)check;
    (void)count;
    (void)index;
    (void)before;
    return 1;
}

/* 32 well-mixed bits of an element's index; bit k is its sign in projection k. */
static uint32_t signs(uint32_t index)
{
    uint32_t hash = index * 0x9e3779b1u;

    hash = (hash ^ (hash >> 15)) * 0x85ebca77u;
    return hash ^ (hash >> 13);
}

/* Partial sums of CHUNK elements keep the rounding of long sums small. */
static void fingerprint(const float *tensor, uint32_t count, float *norm, float *projection)
{
    float squares = 0.0f;

    for (int k = 0; k < PROJECTIONS; k++) {
        projection[k] = 0.0f;
    }
    for (uint32_t first = 0; first < count; first += CHUNK) {
        const uint32_t part_count = count - first < CHUNK ? count - first : CHUNK;
        float part_squares = 0.0f;
        float part[PROJECTIONS] = {0};

        tl_far_read(values, tensor + first, 4 * part_count);
        for (uint32_t i = 0; i < part_count; i++) {
            const float value = values[i];
            const uint32_t sign = signs(first + i);

            part_squares += value * value;
            for (int k = 0; k < PROJECTIONS; k++) {
                part[k] += (sign >> k) & 1u ? -value : value;
            }
        }
        squares += part_squares;
        for (int k = 0; k < PROJECTIONS; k++) {
            projection[k] += part[k];
        }
    }
    *norm = tl_sqrtf(squares);
}

int compare(
    const net_check *check, uint32_t count, uint32_t index, uint32_t before, comparison *result)
{
    const uint32_t offset = index * record_bytes() + before;
    float expected[3 + PROJECTIONS]; /* the whole tensor's norm, its reach, then the fingerprint */
    float got[1 + PROJECTIONS];
    float worst = 0.0f;

    if (tl_data_read(expected_file, offset, expected, sizeof expected) != sizeof expected) {
        return 0;
    }
    fingerprint(check->value, count, &got[0], &got[1]);
    for (int k = 0; k < 1 + PROJECTIONS; k++) {
        const float difference = magnitude(got[k] - expected[2 + k]);

        if (worst == worst && !(difference <= worst)) {
            worst = difference;
        }
    }
    result->error = worst == 0.0f ? 0.0f : worst / expected[0];
    /* the sums of the fingerprint itself round too */
    result->tolerance = check->tolerance + 16.0f * 1.1920929e-7f * tl_sqrtf((float)count);
    if (expected[1] > 0.0f) {
        result->tolerance += expected[1] / expected[0];
    }
    result->agrees = result->error <= result->tolerance;
    result->has_worst = 0;
    return 1;
}

#endif
