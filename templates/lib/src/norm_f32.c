#include "tl/norm.h"

#include "tl/elem_f32.h"
#include "tl/math.h"
#include "tl/share.h"

#include "norm_common.h"
#include "norm_sums_body.h"
#include "norm_apply_body.h"
