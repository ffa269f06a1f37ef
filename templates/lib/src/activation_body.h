/* Selections are made by masks: branches on data cost more than they save (but those over
   a product on PULP). */

#define LOAD_1(i) const tl_acc x_i = TL_LOAD(x[i])
#define LOAD_2(i) const tl_acc dy_i = TL_LOAD(dy[i]), s_i = TL_LOAD(s[i])
#define LOAD_3(i) LOAD_2(i), old_i = TL_LOAD(dx[i])

void TL_NAME(relu_fw)(const tl_relu *op, tl_elem *y, const tl_elem *x)
{
    tl_range own = tl_share_blocks(op->count, TL_RELU_TURN);

    own.first += TL_TURNS(relu)(own.last - own.first, y + own.first, x + own.first);
    TL_EACH_REST(own, y, LOAD_1, tl_unless(x_i <= 0, x_i));
}

void TL_NAME(relu_ig)(const tl_relu *op, tl_elem *dx, const tl_elem *dy, const tl_elem *s)
{
    tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

    if (op->accumulate) {
        TL_EACH_IN(own, dx, LOAD_3, old_i + tl_unless(s_i <= 0, dy_i));
    } else {
        own.first += TL_TURNS(unless_negative)(
            own.last - own.first, dx + own.first, dy + own.first, s + own.first, 0);
        TL_EACH_REST(own, dx, LOAD_2, tl_unless(s_i <= 0, dy_i));
    }
}

void TL_NAME(leaky_relu_fw)(const tl_leaky_relu *op, tl_elem *y, const tl_elem *x)
{
    const tl_acc slope = op->negative_slope;

    if (slope > 0 && slope <= 1) {
        tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

        own.first += TL_TURNS(leaky)(
            own.last - own.first, y + own.first, x + own.first, 0, slope);
        TL_EACH_REST(own, y, LOAD_1, TL_MAX(x_i, slope * x_i));
    } else {
        TL_EACH(op->count, y, LOAD_1, x_i * tl_either(x_i > 0, 1, slope));
    }
}

void TL_NAME(leaky_relu_ig)(
    const tl_leaky_relu *op, tl_elem *dx, const tl_elem *dy, const tl_elem *s)
{
    const tl_acc slope = op->negative_slope;

    if (op->accumulate) {
        TL_EACH(op->count, dx, LOAD_3, old_i + dy_i * tl_either(s_i > 0, 1, slope));
    } else {
        tl_range own = tl_share_blocks(op->count, TL_EACH_TURN);

        own.first += TL_TURNS(leaky_back)(
            own.last - own.first, dx + own.first, dy + own.first, s + own.first, slope);
        TL_EACH_REST(own, dx, LOAD_2, dy_i * tl_either(s_i > 0, 1, slope));
    }
}

#undef LOAD_3
#undef LOAD_2
#undef LOAD_1
