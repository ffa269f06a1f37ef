/* See README.md. */

#ifndef STDIO_H
#define STDIO_H

int printf(const char *format, ...);
int putchar(int c);

#endif
