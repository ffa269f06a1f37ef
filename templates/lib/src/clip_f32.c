#include "tl/clip.h"

#include "tl/each.h"
#include "tl/elem_f32.h"
#include "tl/math.h"

#include "clip_body.h"
