#include "tl/optimizer.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "sgd_momentum_body.h"
