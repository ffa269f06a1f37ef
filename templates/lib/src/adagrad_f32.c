#include "tl/optimizer.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "adagrad_body.h"
