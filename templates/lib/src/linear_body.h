#include "gradient_body.h"
#include "matmul_body.h"

void TL_NAME(linear_fw)(
    const tl_linear *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const matmul m = {.rows = op->n, .columns = op->co, .depth = op->ci,
                      .a_row = op->ci, .a_depth = 1, .b_column = op->ci, .b_depth = 1,
                      .accumulate = op->accumulate, .scale = 1, .decay = 1};

    matmul_run(&m, y, x, w, b);
}

void TL_NAME(linear_wg)(
    const tl_linear *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const matmul m = {.rows = op->co, .columns = op->ci, .depth = op->n,
                      .a_row = 1, .a_depth = op->co, .b_column = 1, .b_depth = op->ci,
                      .accumulate = op->accumulate, .scale = op->scale, .decay = op->decay};
    const tl_range own = db ? tl_share(op->co) : (tl_range){0, 0};

    for (int32_t co = own.first; co < own.last; co++) {
        tl_acc sum = 0;

        for (int32_t n = 0; n < op->n; n++) {
            sum += TL_LOAD(dy[n * op->co + co]);
        }
        gradient_store(db + co, sum, op->accumulate, op->scale, op->bias_decay);
    }
    matmul_run(&m, dw, dy, x, 0);
}

void TL_NAME(linear_ig)(const tl_linear *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const matmul m = {.rows = op->n, .columns = op->ci, .depth = op->co,
                      .a_row = op->co, .a_depth = 1, .b_column = 1, .b_depth = op->ci,
                      .accumulate = op->accumulate, .scale = 1, .decay = 1};

    matmul_run(&m, dx, dy, w, 0);
}
