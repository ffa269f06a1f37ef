#include "tl/elementwise.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "elementwise_body.h"
