#include "tl/conv2d.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "conv2d_common.h"
#include "gradient_body.h"
#include "conv2d_fw_body.h"
#include "conv2d_ig_body.h"
#include "conv2d_wg_body.h"
