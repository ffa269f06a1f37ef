#include "tl/linear.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/share.h"
#include "tl/xpulp.h"
#include "tl/xpulp_blocks.h"
#include "tl/xpulp_product.h"

#include "gradient_body.h"
#include "linear_body.h"
#include "linear_n1_body.h"
