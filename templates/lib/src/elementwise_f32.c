#include "tl/elementwise.h"

#include "tl/each.h"
#include "tl/elem_f32.h"

#include "elementwise_body.h"
