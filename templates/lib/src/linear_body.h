#include "product_body.h"
#include "matmul_body.h"

MM_BLOCKS(linear_fw, MM_ALONG_K, MM_ALONG_K)
MM_BLOCKS(linear_wg, MM_ACROSS_K, MM_ACROSS_K)
MM_BLOCKS(linear_ig, MM_ALONG_K, MM_ACROSS_K)

void TL_NAME(linear_fw)(
    const tl_linear *op, tl_elem *y, const tl_elem *x, const tl_elem *w, const tl_elem *b)
{
    const int32_t ci = op->ci;
    const matmul m = {.rows = op->n, .columns = op->co, .depth = ci, .a_step = ci,
                      .accumulate = op->accumulate, .scale = 1, .decay = 1,
                      .plain = !op->accumulate};
    const mm_blocks blocks = {ci, linear_fw_whole, linear_fw_full, linear_fw_row, linear_fw_single};

    matmul_run(&m, &blocks, y, x, w, b);
}

void TL_NAME(linear_wg)(
    const tl_linear *op, tl_elem *dw, tl_elem *db, const tl_elem *x, const tl_elem *dy)
{
    const matmul m = {.rows = op->co, .columns = op->ci, .depth = op->n, .a_step = op->co,
                      .accumulate = op->accumulate, .scale = op->scale, .decay = op->decay,
                      .plain = op->scale == 1 && !op->accumulate};
    const mm_blocks blocks = {1, linear_wg_whole, linear_wg_full, linear_wg_row, linear_wg_single};
    const tl_range own = db ? tl_share(m.rows) : (tl_range){0, 0};

    for (int32_t co = own.first; co < own.last; co++) {
        tl_acc sum = 0;

        for (int32_t n = 0; n < m.depth; n++) {
            sum += TL_LOAD(dy[n * m.rows + co]);
        }
        gradient_store(db + co, sum, m.accumulate, m.scale, op->bias_decay);
    }
    matmul_run(&m, &blocks, dw, dy, x, 0);
}

void TL_NAME(linear_ig)(const tl_linear *op, tl_elem *dx, const tl_elem *dy, const tl_elem *w)
{
    const matmul m = {.rows = op->n, .columns = op->ci, .depth = op->co, .a_step = op->co,
                      .accumulate = op->accumulate, .scale = 1, .decay = 1,
                      .plain = !op->accumulate};
    const mm_blocks blocks = {
        m.depth, linear_ig_whole, linear_ig_full, linear_ig_row, linear_ig_single};

    matmul_run(&m, &blocks, dx, dy, w, 0);
}
