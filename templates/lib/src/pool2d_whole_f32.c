#include "tl/pool2d.h"

#include "tl/codegen.h"
#include "tl/elem_f32.h"
#include "tl/select.h"
#include "tl/share.h"
#include "tl/xpulp_pool.h"

#include "pool2d_whole_body.h"
