#include "tl/linear.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "linear_body.h"
