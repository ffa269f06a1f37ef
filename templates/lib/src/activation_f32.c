#include "tl/activation.h"

#include "tl/each.h"
#include "tl/elem_f32.h"
#include "tl/select.h"
#include "tl/xpulp_each.h"

#include "activation_body.h"
