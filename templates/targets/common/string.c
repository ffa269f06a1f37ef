#include "string.h"

#include <stdint.h>

/* Words may alias anything here. Compile with -fno-tree-loop-distribute-patterns, or the loops
   become calls of themselves. */
typedef uint32_t __attribute__((may_alias)) word;

enum { WORD = sizeof(word) };

static int is_aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (is_aligned(to, from)) {
        for (; bytes >= WORD; bytes -= WORD, t += WORD, f += WORD) {
            *(word *)(void *)t = *(const word *)(const void *)f;
        }
    }
    while (bytes-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if ((uintptr_t)t - (uintptr_t)f >= bytes) {
        while (bytes-- > 0) {
            *t++ = *f++;
        }
    } else {
        while (bytes-- > 0) {
            t[bytes] = f[bytes];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    unsigned char *t = to;
    const word all = (unsigned char)value * 0x01010101u;

    if (is_aligned(to, to)) {
        for (; bytes >= WORD; bytes -= WORD, t += WORD) {
            *(word *)(void *)t = all;
        }
    }
    while (bytes-- > 0) {
        *t++ = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (; bytes > 0; bytes--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}
