/* A loop over this core's elements: to[i] = RESULT of what LOAD(i) declares and loads. Inside a block
   an element is stored when the next one's inputs have been loaded, so that nothing waits for a load;
   `to` may be an input. */

#ifndef TL_EACH_H
#define TL_EACH_H

#include "tl/share.h"

#define TL_EACH_BLOCK 16

#define TL_EACH(count, to, LOAD, RESULT) TL_EACH_IN(tl_share(count), to, LOAD, RESULT)

#define TL_EACH_IN(range, to, LOAD, RESULT)                                                        \
    do {                                                                                           \
        const tl_range each_own = range;                                                           \
        int32_t each_i = each_own.first;                                                           \
                                                                                                   \
        for (; each_i + TL_EACH_BLOCK <= each_own.last; each_i += TL_EACH_BLOCK) {                 \
            tl_acc each_last;                                                                      \
                                                                                                   \
            {                                                                                      \
                LOAD(each_i);                                                                      \
                each_last = RESULT;                                                                \
            }                                                                                      \
            for (int each_k = 1; each_k < TL_EACH_BLOCK; each_k++) {                               \
                LOAD(each_i + each_k);                                                             \
                (to)[each_i + each_k - 1] = TL_STORE(each_last);                                   \
                each_last = RESULT;                                                                \
            }                                                                                      \
            (to)[each_i + TL_EACH_BLOCK - 1] = TL_STORE(each_last);                                \
        }                                                                                          \
        for (; each_i < each_own.last; each_i++) {                                                 \
            LOAD(each_i);                                                                          \
            (to)[each_i] = TL_STORE(RESULT);                                                       \
        }                                                                                          \
    } while (0)

/* The same for what is left of a range after turns of a hardware loop. */
#ifdef TL_XPULP
#define TL_EACH_REST(range, to, LOAD, RESULT)                                                      \
    do {                                                                                           \
        for (int32_t each_i = (range).first; each_i < (range).last; each_i++) {                    \
            LOAD(each_i);                                                                          \
            (to)[each_i] = TL_STORE(RESULT);                                                       \
        }                                                                                          \
    } while (0)
#else
#define TL_EACH_REST TL_EACH_IN
#endif

#endif
