#include "protect.h"

#include "tl_target.h"

/* Memory Protection Unit (ARMv7-M): eight regions of a power of two bytes, each of eight parts that can
   be left out. What no region holds is out of reach; the processor's own registers are not. */
static volatile uint32_t *const mpu_ctrl = (volatile uint32_t *)0xe000ed94;
static volatile uint32_t *const mpu_rnr = (volatile uint32_t *)0xe000ed98;
static volatile uint32_t *const mpu_rbar = (volatile uint32_t *)0xe000ed9c;
static volatile uint32_t *const mpu_rasr = (volatile uint32_t *)0xe000eda0;

enum { ENABLE = 1, LEFT_OUT_SHIFT = 8, SIZE_SHIFT = 1 };
enum { PROGRAM = 6 << 24 | 1 << 17, DATA = 1 << 28 | 3 << 24 | 1 << 17, DEVICE = 1 << 28 | 3 << 24 | 1 << 16 };
enum { DIVISIBLE_LOG2 = 8 }; /* the smallest region that has parts */

extern char tl_l1_start[], tl_l1_end[], tl_l2_start[], tl_l2_end[], tl_harness_start[];

static void region(uint32_t number, uint32_t base, uint32_t log2_bytes, uint32_t attributes)
{
    *mpu_rnr = number;
    *mpu_rbar = base;
    *mpu_rasr = attributes | (log2_bytes - 1) << SIZE_SHIFT | ENABLE;
}

/* Data of so many bytes: the whole parts of the smallest region that holds them, then the same in the
   part that is not whole, with `count` regions; the last one rounds up. */
static void allow(uint32_t number, uint32_t count, uint32_t base, uint32_t bytes)
{
    uint32_t log2_bytes = DIVISIBLE_LOG2;

    while ((1u << log2_bytes) < bytes) {
        log2_bytes++;
    }
    for (; count > 0 && bytes > 0; count--, number++) {
        const uint32_t part_log2 = log2_bytes - 3;
        uint32_t parts = bytes >> part_log2;

        bytes -= parts << part_log2;
        if (bytes > 0 && (count == 1 || part_log2 < DIVISIBLE_LOG2)) {
            parts++;
            bytes = 0;
        }
        if (parts > 0) {
            const uint32_t left_out = 0xffu << parts & 0xffu;

            region(number, base, log2_bytes, DATA | left_out << LEFT_OUT_SHIFT);
        }
        base += parts << part_log2;
        log2_bytes = part_log2;
    }
}

void tl_protect(void)
{
    enum { L1_REGIONS = 3, L2_REGIONS = 2, L1 = 3, L2 = L1 + L1_REGIONS };
    enum { MIB_4 = 22, MIB_8 = 23, KIB_4 = 12, TIMER = 0x40002000 };

    region(0, 0, MIB_4, PROGRAM);
    region(1, TIMER, KIB_4, DEVICE);
    region(2, (uintptr_t)tl_harness_start, MIB_8, DATA);
    allow(L1, L1_REGIONS, (uintptr_t)tl_l1_start, (uint32_t)(tl_l1_end - tl_l1_start));
    allow(L2, L2_REGIONS, (uintptr_t)tl_l2_start, (uint32_t)(tl_l2_end - tl_l2_start));
    *mpu_ctrl = ENABLE;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
