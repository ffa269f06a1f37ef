#include "tl/conv2d.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/share.h"
#include "tl/xpulp.h"
#include "tl/xpulp_correlate.h"
#include "tl/xpulp_sum.h"
#include "tl/xpulp_taps.h"

#define CONV2D_NAME(phase) TL_NAME(conv2d_k7_##phase)
#define CONV2D_TAPS 7
#define CONV2D_STRIDES 1 /* horizontal: 1 alone */
#define CONV2D_WG_ROWS TL_ROWS(taps7)

#include "conv2d_common.h"
#include "gradient_body.h"
#include "conv2d_correlate_body.h"
#include "conv2d_fw_body.h"
#include "conv2d_ig_body.h"
#include "conv2d_wg_common_body.h"
#include "conv2d_wg_taps_body.h"
