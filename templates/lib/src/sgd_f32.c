#include "tl/optimizer.h"

#include "tl/each.h"
#include "tl/elem_f32.h"

#include "sgd_body.h"
