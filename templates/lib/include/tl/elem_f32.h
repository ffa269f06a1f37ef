/* Element type f32 for the kernel bodies: stored, loaded and summed as float. */

#define TL_NAME(op) tl_##op##_f32

typedef float tl_elem;
typedef float tl_acc;

#define TL_LOAD(x) (x)
#define TL_STORE(x) (x)
#define TL_LOAD_STEP(from, bytes) tl_load_step_f32(from, bytes) /* of tl/xpulp.h */
#define TL_STORE_STEP(to, value, bytes) tl_store_step_f32(to, value, bytes)
#define TL_LOAD_NEXT(from, bytes) tl_load_next_f32(from, bytes)
#define TL_PRODUCT tl_product_f32 /* of tl/xpulp_product.h */
#define TL_BLOCKS tl_blocks_f32 /* of tl/xpulp_blocks.h */
#define TL_BLOCKS_TAKE tl_blocks_take_f32
#define TL_TURNS(op) tl_##op##_turns_f32 /* of tl/xpulp_each.h and tl/xpulp_sum.h */
#define TL_ROWS(op) tl_##op##_rows_f32 /* of tl/xpulp_{pool,window,taps,depthwise}.h */
#define TL_CORRELATE tl_correlate_f32 /* of tl/xpulp_correlate.h */
#define TL_DW3_WINDOWS tl_dw3_windows_f32 /* of tl/xpulp_depthwise.h */
#define TL_DW3_PAIRS tl_dw3_pairs_f32
