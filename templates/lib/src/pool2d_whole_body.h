/* The average of whole planes. A core owns planes. */

enum { WHOLE_BLOCK = 16 };

void TL_NAME(avg_pool2d_whole_fw)(const tl_pool2d *op, tl_elem *y, const tl_elem *x)
{
    const int32_t size = op->kh * op->kw;
    const tl_acc scale = 1 / (tl_acc)size;
    const tl_range own = tl_share(op->n * op->c);

    x += own.first * size;
    for (int32_t plane = own.first; plane < own.last; plane++) {
        const tl_elem *const end = x + size;
        tl_acc sum = TL_TURNS(sum)(&x, size);

        for (; x + WHOLE_BLOCK <= end; x += WHOLE_BLOCK) {
            tl_acc next = TL_LOAD(x[0]);

            for (int i = 0; i < WHOLE_BLOCK; i++) {
                const tl_acc now = next;

                next = TL_LOAD(x[i + 1 < WHOLE_BLOCK ? i + 1 : i]);
                sum += now;
            }
        }
        for (; x < end; x++) {
            sum += TL_LOAD(*x);
        }
        y[plane] = TL_STORE(sum * scale);
    }
}

void TL_NAME(avg_pool2d_whole_ig)(const tl_pool2d *op, tl_elem *dx, const tl_elem *dy)
{
    const int32_t size = op->kh * op->kw;
    const int32_t accumulate = op->accumulate;
    const tl_acc scale = 1 / (tl_acc)size;
    const tl_range own = tl_share(op->n * op->c);

    dx += own.first * size;
    for (int32_t plane = own.first; plane < own.last; plane++) {
        const tl_acc part = TL_LOAD(dy[plane]) * scale;
        tl_elem *const end = dx + size;

        for (; accumulate && dx < end; dx++) {
            *dx = TL_STORE(TL_LOAD(*dx) + part);
        }
        dx = accumulate ? dx : TL_TURNS(fill)(dx, size, part);
        for (; dx + WHOLE_BLOCK <= end; dx += WHOLE_BLOCK) {
            for (int i = 0; i < WHOLE_BLOCK; i++) {
                dx[i] = TL_STORE(part);
            }
        }
        for (; dx < end; dx++) {
            *dx = TL_STORE(part);
        }
    }
}
