#include "tl/conv2d.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/share.h"
#include "tl/xpulp_correlate.h"

#define CONV2D_NAME(phase) TL_NAME(conv2d_##phase)
#define CONV2D_TAPS 0 /* any width */
#define CONV2D_STRIDES 0 /* any */

#include "conv2d_common.h"
#include "gradient_body.h"
#include "conv2d_correlate_body.h"
#include "conv2d_fw_body.h"
#include "conv2d_ig_body.h"
#include "conv2d_wg_body.h"
