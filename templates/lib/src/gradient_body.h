/* How a weight gradient ends: its sum alone, or on top of what is there. */

static inline void gradient_store(
    tl_elem *to, tl_acc sum, int32_t accumulate, float scale, float decay)
{
    *to = TL_STORE(accumulate ? decay * TL_LOAD(*to) + scale * sum : scale * sum);
}
