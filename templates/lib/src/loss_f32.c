#include "tl/loss.h"

#include "tl/each.h"
#include "tl/elem_f32.h"
#include "tl/share.h"

#include "loss_body.h"
