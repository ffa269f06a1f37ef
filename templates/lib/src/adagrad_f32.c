#include "tl/optimizer.h"

#include "tl/each.h"
#include "tl/elem_f32.h"

#include "adagrad_body.h"
