#include "guard.h"

#include "net_hooks.h"
#include "tl/port.h"

#if TL_GUARD_BYTES > 0

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define GUARD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARD_ASAN 1
#endif
#endif

#ifdef GUARD_ASAN
#include <sanitizer/asan_interface.h>
#define poison(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define unpoison(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#define poison(address, bytes) ((void)0)
#define unpoison(address, bytes) ((void)0)
#endif

enum { LEVELS_MAX = 4, NAN_BYTE = 0xff };

/* a copy of each arena with its guard zones, as it was before the Step */
static unsigned char *before[LEVELS_MAX];
/* one byte a byte of the arena: whether the Step may write it */
static unsigned char *writable[LEVELS_MAX];

static unsigned char *zone(int level)
{
    return net_levels[level].arena - TL_GUARD_BYTES;
}

static size_t zone_bytes(int level)
{
    return net_levels[level].bytes + 2 * (size_t)TL_GUARD_BYTES;
}

void guard_open(void)
{
    for (int level = 0; level < net_level_count; level++) {
        before[level] = malloc(zone_bytes(level));
        writable[level] = malloc(zone_bytes(level));
        if (!before[level] || !writable[level]) {
            abort();
        }
    }
}

void guard_close(void)
{
    for (int level = 0; level < net_level_count; level++) {
        unpoison(zone(level), zone_bytes(level));
        free(before[level]);
        free(writable[level]);
    }
}

static void mark_buffers(int step, unsigned char *const *marks)
{
    for (int i = 0; i < net_buffer_count; i++) {
        const net_buffer *buffer = &net_buffers[i];

        if (buffer->first <= step && step < buffer->last) {
            memset(marks[buffer->level] + TL_GUARD_BYTES + buffer->offset, 1, buffer->bytes);
        }
    }
    for (int i = 0; i < net_span_count; i++) {
        const net_span *span = &net_spans[i];

        if (span->step == step && span->must_write) {
            memset(marks[span->level] + TL_GUARD_BYTES + span->offset, 0, span->bytes);
        }
    }
}

void guard_begin(int step)
{
    for (int level = 0; level < net_level_count; level++) {
        memset(writable[level], 0, zone_bytes(level));
    }
    /* `writable` serves twice: first it marks what holds a value */
    mark_buffers(step, writable);
    for (int level = 0; level < net_level_count; level++) {
        unsigned char *bytes = zone(level);

        for (size_t i = 0; i < zone_bytes(level); i++) {
            if (!writable[level][i]) {
                bytes[i] = NAN_BYTE;
            }
        }
        memcpy(before[level], bytes, zone_bytes(level));
        memset(writable[level], 0, zone_bytes(level));
        poison(bytes, zone_bytes(level));
    }
    for (int i = 0; i < net_span_count; i++) {
        const net_span *span = &net_spans[i];

        if (span->step == step) {
            unpoison(net_levels[span->level].arena + span->offset, span->bytes);
            if (span->written) {
                memset(writable[span->level] + TL_GUARD_BYTES + span->offset, 1, span->bytes);
            }
        }
    }
}

static const char *buffer_at(int step, int level, int32_t offset)
{
    for (int i = 0; i < net_buffer_count; i++) {
        const net_buffer *buffer = &net_buffers[i];
        const int32_t start = (int32_t)buffer->offset;

        if (buffer->level == level && buffer->first <= step && step < buffer->last
            && start <= offset && offset < start + (int32_t)buffer->bytes) {
            return buffer->name;
        }
    }
    return 0;
}

int guard_check(int step, guard_damage *damage)
{
    int damaged = 0;

    for (int level = 0; level < net_level_count; level++) {
        const unsigned char *bytes = zone(level);

        unpoison(zone(level), zone_bytes(level));
        for (size_t i = 0; i < zone_bytes(level) && !damaged; i++) {
            if (!writable[level][i] && bytes[i] != before[level][i]) {
                damaged = 1;
                damage->level = net_levels[level].name;
                damage->offset = (int32_t)i - TL_GUARD_BYTES;
                damage->buffer = buffer_at(step, level, damage->offset);
            }
        }
    }
    return damaged;
}

#else

void guard_open(void)
{
}

void guard_begin(int step)
{
    (void)step;
}

int guard_check(int step, guard_damage *damage)
{
    (void)step;
    (void)damage;
    return 0;
}

void guard_close(void)
{
}

#endif
