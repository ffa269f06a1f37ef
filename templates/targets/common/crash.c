#include "crash.h"

#include "tl/port.h"
#include "tl/print.h"

enum { CRASHED = 3 };

__attribute__((weak)) const char *tl_doing(int core)
{
    (void)core;
    return 0;
}

static void print_hex(uint32_t value)
{
    tl_print_str("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        tl_putc("0123456789abcdef"[value >> shift & 15]);
    }
}

void tl_crash(const char *cause, uint32_t address, uint32_t pc, int core)
{
    const char *doing = tl_doing(core);

    tl_print_str("\ntrap: ");
    tl_print_str(cause);
    tl_print_str(" at address ");
    print_hex(address);
    tl_print_str(", pc ");
    print_hex(pc);
    tl_print_str(", core ");
    tl_print_int(core);
    if (doing) {
        tl_print_str(", in ");
        tl_print_str(doing);
    }
    tl_print_str("\n");
    tl_exit(CRASHED);
    for (;;) {
    }
}
