/* Copies that land when they are waited for, and not before. Until then their destination holds NaN,
   or is poisoned under AddressSanitizer, and their source is remembered: a wait that is missing or
   comes too late, and a buffer that is used again too early, end the program with one message. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copies.h"
#include "tl/port.h"

#if defined(__SANITIZE_ADDRESS__)
#define COPIES_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COPIES_ASAN 1
#endif
#endif

#ifdef COPIES_ASAN
#include <sanitizer/asan_interface.h>
#define poison(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define unpoison(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#define poison(address, bytes) ((void)0)
#define unpoison(address, bytes) ((void)0)
#endif

enum { NOT_LANDED = 0xff, WRONG_COPY = 4, UNDER_WAY_MAX = TL_COPIES_MAX + TL_FAR_COPIES_MAX };

/* rows of bytes, `stride` from start to start */
typedef struct {
    unsigned char *first;
    size_t stride;
    size_t row_bytes;
    size_t rows;
} area;

typedef struct {
    tl_copy number; /* 0: free */
    area to;
    area from;
    unsigned char *source; /* as it was at the start */
    const char *step;
} transfer;

/* core 0 alone touches them inside a run */
static transfer transfers[UNDER_WAY_MAX];
static tl_copy newest;

__attribute__((weak)) const char *tl_doing(int core)
{
    (void)core;
    return 0;
}

static const char *step_now(void)
{
    const char *step = tl_doing(0);

    return step ? step : "no step";
}

static size_t bytes_of(const area *what)
{
    return what->row_bytes * what->rows;
}

static void fail(const transfer *which, const char *what)
{
    fflush(stdout);
    fprintf(
        stderr, "copy: in %s: %s: %zu bytes from %p to %p, started in %s\n", step_now(), what,
        bytes_of(&which->to), (void *)which->from.first, (void *)which->to.first, which->step);
    _Exit(WRONG_COPY);
}

static unsigned char *row_of(const area *what, size_t row)
{
    return what->first + row * what->stride;
}

static int meet(const area *a, const area *b)
{
    for (size_t i = 0; i < a->rows; i++) {
        const unsigned char *start = row_of(a, i);
        const unsigned char *end = start + a->row_bytes;
        /* the first row of b that ends behind `start` */
        size_t row = 0;

        if (b->stride > 0 && start >= b->first + b->row_bytes) {
            row = (size_t)(start - b->first - b->row_bytes) / b->stride + 1;
        }
        if (row < b->rows && row_of(b, row) < end && row_of(b, row) + b->row_bytes > start) {
            return 1;
        }
    }
    return 0;
}

static void check_free(const transfer *new)
{
    if (tl_core_id() != 0) {
        fail(new, "started by another core than core 0");
    }
    if (meet(&new->to, &new->from)) {
        fail(new, "source and destination meet");
    }
    for (int i = 0; i < UNDER_WAY_MAX; i++) {
        const transfer *other = &transfers[i];

        if (other->number == 0) {
            continue;
        }
        if (meet(&new->from, &other->to)) {
            fail(other, "has not landed, and another copy reads its destination");
        }
        if (meet(&new->to, &other->to) || meet(&new->to, &other->from)) {
            fail(other, "has not landed, and another copy overwrites its bytes");
        }
    }
}

static tl_copy start(area to, area from)
{
    transfer new = {0, to, from, 0, step_now()};
    int slot = 0;

    check_free(&new);
    while (slot < UNDER_WAY_MAX && transfers[slot].number != 0) {
        slot++;
    }
    if (slot == UNDER_WAY_MAX) {
        fail(&new, "more copies are under way than TL_COPIES_MAX and TL_FAR_COPIES_MAX");
    }
    new.number = ++newest;
    new.source = malloc(bytes_of(&from) + 1);
    if (!new.source) {
        abort();
    }
    for (size_t row = 0; row < from.rows; row++) {
        memcpy(new.source + row * from.row_bytes, row_of(&from, row), from.row_bytes);
        memset(row_of(&to, row), NOT_LANDED, to.row_bytes);
        poison(row_of(&to, row), to.row_bytes);
    }
    transfers[slot] = new;
    return new.number;
}

static void land(transfer *which)
{
    for (size_t row = 0; row < which->to.rows; row++) {
        const unsigned char *source = which->source + row * which->from.row_bytes;
        unsigned char *to = row_of(&which->to, row);

        unpoison(to, which->to.row_bytes);
        for (size_t i = 0; i < which->to.row_bytes; i++) {
            if (to[i] != NOT_LANDED) {
                fail(which, "its destination was written before it landed");
            }
        }
        if (memcmp(source, row_of(&which->from, row), which->from.row_bytes) != 0) {
            fail(which, "its source was written before it landed");
        }
        memcpy(to, source, which->to.row_bytes);
    }
    free(which->source);
    which->number = 0;
}

void tl_copy_wait(tl_copy copy)
{
    static const transfer unknown = {.step = "no step"};

    for (int i = 0; i < UNDER_WAY_MAX; i++) {
        if (transfers[i].number == copy && copy != 0) {
            land(&transfers[i]);
            return;
        }
    }
    fail(&unknown, "waited for twice, or never started");
}

void copies_end(void)
{
    for (int i = 0; i < UNDER_WAY_MAX; i++) {
        if (transfers[i].number != 0) {
            fail(&transfers[i], "never waited for");
        }
    }
}

static area rows_at(const void *first, uint32_t stride, uint32_t row_bytes, uint32_t rows)
{
    return (area){(unsigned char *)(uintptr_t)first, stride, row_bytes, rows};
}

tl_copy tl_copy_1d(void *to, const void *from, uint32_t bytes)
{
    return start(rows_at(to, bytes, bytes, 1), rows_at(from, bytes, bytes, 1));
}

tl_copy tl_copy_2d_in(
    void *near, const void *far, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return start(
        rows_at(near, row_bytes, row_bytes, rows), rows_at(far, far_stride, row_bytes, rows));
}

tl_copy tl_copy_2d_out(
    void *far, const void *near, uint32_t row_bytes, uint32_t rows, uint32_t far_stride)
{
    return start(
        rows_at(far, far_stride, row_bytes, rows), rows_at(near, row_bytes, row_bytes, rows));
}
