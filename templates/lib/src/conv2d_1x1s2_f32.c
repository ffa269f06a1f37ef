#include "tl/conv2d.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/share.h"
#include "tl/xpulp.h"
#include "tl/xpulp_blocks.h"
#include "tl/xpulp_product.h"
#include "tl/xpulp_sum.h"

#define CONV2D_NAME(phase) TL_NAME(conv2d_1x1s2_##phase)
#define POINTWISE_STRIDE 2

#include "conv2d_common.h"
#include "gradient_body.h"
#include "conv2d_wg_common_body.h"
#include "product_body.h"
#include "conv2d_1x1_body.h"
#include "conv2d_1x1_wg_body.h"
