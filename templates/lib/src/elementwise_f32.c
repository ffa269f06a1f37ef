#include "tl/elementwise.h"

#include "tl/each.h"
#include "tl/elem_f32.h"
#include "tl/xpulp_each.h"

#include "elementwise_body.h"
