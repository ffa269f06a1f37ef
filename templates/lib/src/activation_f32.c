#include "tl/activation.h"

#include "tl/elem_f32.h"
#include "tl/share.h"

#include "activation_body.h"
