/* The average of whole planes. A core owns planes. */

enum { WHOLE_BLOCK = 16 };

/* 1 / size. PULP's cores share one divider, and powers of two need none. */
static TL_INLINE tl_acc whole_part(int32_t size)
{
    tl_bits u = {(float)size};

    u.bits = 0x7f000000u - u.bits;
    return __builtin_expect((size & (size - 1)) == 0, 1) ? (tl_acc)u.value : 1 / (tl_acc)size;
}

void TL_NAME(avg_pool2d_whole_fw)(const tl_pool2d *op, tl_elem *y, const tl_elem *x)
{
    const int32_t size = op->kh * op->kw;
    const tl_acc scale = whole_part(size);
    const tl_range own = tl_share(op->n * op->c);

    x += own.first * size;
    if (TL_ROWS(avg_plane)(own.last - own.first, size, y + own.first, x, scale)) {
        return;
    }
    for (int32_t plane = own.first; plane < own.last; plane++) {
        const tl_elem *const end = x + size;
        tl_acc sum = 0;

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
    const tl_acc scale = whole_part(size);
    const tl_range own = tl_share(op->n * op->c);

    dx += own.first * size;
    if (!accumulate
        && TL_ROWS(avg_plane_back)(own.last - own.first, size, dx, dy + own.first, scale)) {
        return;
    }
    for (int32_t plane = own.first; plane < own.last; plane++) {
        const tl_acc part = TL_LOAD(dy[plane]) * scale;
        tl_elem *const end = dx + size;

        for (; accumulate && dx < end; dx++) {
            *dx = TL_STORE(TL_LOAD(*dx) + part);
        }
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
