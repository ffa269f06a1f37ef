#include "ram.h"

#include "bsp/ram.h"
#include "bsp/ram/hyperram.h"
#include "pmsis.h"
#include "tl/port.h"

static struct pi_device ram;
static struct pi_hyperram_conf ram_conf;
static uint32_t ram_start_address;

/* in L2: the fabric controller serves them */
enum { REQUEST_AT_ONCE = TL_FAR_COPIES_MAX };
static pi_cl_ram_req_t requests[REQUEST_AT_ONCE + 1];

int ram_open(void)
{
    if (TL_L3_BYTES == 0) {
        return 1;
    }
    pi_hyperram_conf_init(&ram_conf);
    ram_conf.reserve_addr_0 = 0;
    pi_open_from_conf(&ram, &ram_conf);
    return pi_ram_open(&ram) == 0 && pi_ram_alloc(&ram, &ram_start_address, TL_L3_BYTES) == 0;
}

static uint32_t in_device(const void *address)
{
    return ram_start_address + (uint32_t)((uintptr_t)address - RAM_FIRST);
}

void ram_start(
    int copy, const void *in_l2, const void *address, uint32_t row_bytes, uint32_t rows,
    uint32_t stride, int reads)
{
    void *const memory = (void *)(uintptr_t)in_l2;

    if (rows == 1 || row_bytes == stride) {
        pi_cl_ram_copy(
            &ram, in_device(address), memory, row_bytes * rows, reads, &requests[copy]);
    } else {
        pi_cl_ram_copy_2d(
            &ram, in_device(address), memory, row_bytes * rows, stride, row_bytes, reads,
            &requests[copy]);
    }
}

void ram_wait(int copy)
{
    pi_cl_ram_copy_wait(&requests[copy]);
}

void ram_move(const void *in_l2, const void *address, uint32_t bytes, int reads)
{
    if (pi_is_fc()) {
        pi_ram_copy(&ram, in_device(address), (void *)(uintptr_t)in_l2, bytes, reads);
    } else {
        ram_start(REQUEST_AT_ONCE, in_l2, address, bytes, 1, bytes, reads);
        ram_wait(REQUEST_AT_ONCE);
    }
}
