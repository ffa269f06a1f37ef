/* Text to the console, on top of tl_putc; no printf, no double. */

#ifndef TL_PRINT_H
#define TL_PRINT_H

#include <stdint.h>

void tl_print_str(const char *text);
void tl_print_int(int32_t value);

/* Seven significant digits, as 2.302585e+00, within one unit of the last; 0, inf and nan by name. */
void tl_print_float(float value);

#endif
