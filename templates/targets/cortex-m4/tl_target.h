/* cortex-m4: QEMU's mps2-an386, a Cortex-M4 with FPU. */

#ifndef TL_TARGET_H
#define TL_TARGET_H

#define TL_TARGET_NAME "cortex-m4"
#define TL_GUARD_BYTES 0 /* what lies behind a level faults */

#include "cortex_m.h"

#endif
