/* Element type f32 for the kernel bodies: stored, loaded and summed as float. */

#define TL_NAME(op) tl_##op##_f32

typedef float tl_elem;
typedef float tl_acc;

#define TL_LOAD(x) (x)
#define TL_STORE(x) (x)
