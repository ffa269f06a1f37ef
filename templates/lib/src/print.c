#include "tl/print.h"

#include "tl/port.h"

enum { DIGITS = 7 }; /* significant */

void tl_print_str(const char *text)
{
    while (*text) {
        tl_putc(*text++);
    }
}

static void print_digits(uint32_t value, int least)
{
    char digits[10];
    int count = 0;

    do {
        digits[count++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value > 0 || count < least);
    while (count > 0) {
        tl_putc(digits[--count]);
    }
}

void tl_print_int(int32_t value)
{
    uint32_t magnitude = (uint32_t)value;

    if (value < 0) {
        tl_putc('-');
        magnitude = 0u - magnitude;
    }
    print_digits(magnitude, 1);
}

/* A tenth by shifts and adds, exact to a few units of 2^-60: bare targets lack 64-bit division. */
static uint64_t tenth(uint64_t value)
{
    uint64_t part = (value >> 1) + (value >> 2);

    part += part >> 4;
    part += part >> 8;
    part += part >> 16;
    part += part >> 32;
    return part >> 3;
}

/* mantissa * 2^binary = result * 10^decimal, the result with 8 to 10 digits */
static uint32_t to_decimal(uint32_t mantissa, int binary, int *decimal)
{
    uint64_t wide = (uint64_t)mantissa << 32;

    binary -= 32;
    *decimal = 0;
    while (binary > -32) {
        while (wide >> 63 == 0 && binary > -32) {
            wide <<= 1;
            binary--;
        }
        if (binary > -32) {
            wide = tenth(wide);
            (*decimal)++;
        }
    }
    while (binary < -32) {
        while (wide >> 60 != 0 && binary < -32) {
            wide >>= 1;
            binary++;
        }
        if (binary < -32) {
            wide *= 10u;
            (*decimal)--;
        }
    }
    while (wide >> 60 == 0) {
        wide *= 10u;
        (*decimal)--;
    }
    return (uint32_t)(wide >> 32);
}

static void print_finite(uint32_t mantissa, int binary)
{
    const uint32_t limit = 10000000u; /* 10^DIGITS */
    uint32_t divisor = 1;
    uint32_t digits;
    int decimal;
    uint32_t value = to_decimal(mantissa, binary, &decimal);

    while (value / divisor >= limit) {
        divisor *= 10u;
        decimal++;
    }
    digits = value / divisor;
    if (value - digits * divisor >= divisor - divisor / 2u) {
        digits++;
    }
    if (digits == limit) {
        digits /= 10u;
        decimal++;
    }
    decimal += DIGITS - 1;
    tl_putc((char)('0' + digits / (limit / 10u)));
    tl_putc('.');
    print_digits(digits % (limit / 10u), DIGITS - 1);
    tl_print_str(decimal < 0 ? "e-" : "e+");
    print_digits((uint32_t)(decimal < 0 ? -decimal : decimal), 2);
}

void tl_print_float(float value)
{
    union {
        float value;
        uint32_t bits;
    } u = {value};
    const uint32_t exponent = (u.bits >> 23) & 0xffu;
    const uint32_t fraction = u.bits & 0x7fffffu;

    if (exponent == 0xffu && fraction != 0) {
        tl_print_str("nan");
        return;
    }
    if (u.bits >> 31) {
        tl_putc('-');
    }
    if (exponent == 0xffu) {
        tl_print_str("inf");
    } else if (exponent == 0 && fraction == 0) {
        tl_print_str("0.000000e+00");
    } else if (exponent == 0) {
        print_finite(fraction, -149);
    } else {
        print_finite(fraction | 0x800000u, (int)exponent - 150);
    }
}
