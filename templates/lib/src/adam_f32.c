#include "tl/optimizer.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "adam_body.h"
