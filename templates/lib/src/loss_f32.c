#include "tl/loss.h"

#include "tl/codegen.h"
#include "tl/each.h"
#include "tl/elem_f32.h"
#include "tl/share.h"
#include "tl/xpulp_each.h"

#include "loss_body.h"
