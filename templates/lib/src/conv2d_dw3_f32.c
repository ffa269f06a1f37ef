#include "tl/conv2d.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/share.h"

#include "conv2d_common.h"
#include "gradient_body.h"
#include "conv2d_dw3_strip_body.h"
#include "conv2d_dw3_body.h"
#include "conv2d_dw3_ig_body.h"
#include "conv2d_dw3_wg_body.h"
