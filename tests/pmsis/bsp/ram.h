/* See ../README.md. */

#ifndef BSP_RAM_H
#define BSP_RAM_H

#include "pmsis.h"

typedef struct __pi_ram_api_t pi_ram_api_t;

struct pi_ram_conf {
    pi_ram_api_t *api;
};

typedef struct pi_cl_ram_req_s {
    struct pi_device *device;
    void *addr;
    uint32_t pi_ram_addr;
    uint32_t size;
    int32_t stride;
    uint32_t length;
    pi_task_t event;
    struct pi_cl_ram_req_s *next;
    uint8_t done;
    unsigned char cid;
    unsigned char ext2loc;
    unsigned char is_2d;
} pi_cl_ram_req_t;

int32_t pi_ram_open(struct pi_device *device);
int pi_ram_alloc(struct pi_device *device, uint32_t *addr, uint32_t size);
void pi_ram_copy(
    struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size, int ext2loc);

void pi_cl_ram_copy(
    struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size, int ext2loc,
    pi_cl_ram_req_t *req);
void pi_cl_ram_copy_2d(
    struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size, uint32_t stride,
    uint32_t length, int ext2loc, pi_cl_ram_req_t *req);
void pi_cl_ram_copy_wait(pi_cl_ram_req_t *req);

#endif
