/* cortex-m7: QEMU's mps2-an500, a Cortex-M7 with FPU. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#define TL_TARGET_NAME "cortex-m7"
#define TL_GUARD_BYTES 0 /* what lies behind a level faults */

#include "cortex_m.h"

#endif
