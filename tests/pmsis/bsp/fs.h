/* See ../README.md. */

#ifndef BSP_FS_H
#define BSP_FS_H

#include <stdbool.h>

#include "pmsis.h"

typedef enum { PI_FS_READ_ONLY = 0, PI_FS_HOST = 1, PI_FS_LFS = 2 } pi_fs_type_e;
typedef enum {
    PI_FS_FLAGS_READ = 0,
    PI_FS_FLAGS_WRITE = 1,
    PI_FS_FLAGS_APPEND = 2
} pi_fs_flags_e;

typedef struct __pi_fs_api_t pi_fs_api_t;
typedef struct pi_fs_file_s pi_fs_file_t;

struct pi_fs_conf {
    pi_fs_type_e type;
    struct pi_device *flash;
    char *partition_name;
    bool auto_format;
    pi_fs_api_t *api;
};

typedef struct pi_cl_fs_req_s {
    pi_fs_file_t *file;
    uint8_t done;
    char result;
} pi_cl_fs_req_t;

int32_t pi_fs_mount(struct pi_device *device);
pi_fs_file_t *pi_fs_open(struct pi_device *device, const char *file, int flags);
int32_t pi_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size);
int32_t pi_fs_write(pi_fs_file_t *file, void *buffer, uint32_t size);
int32_t pi_fs_seek(pi_fs_file_t *file, unsigned int offset);

void pi_cl_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size, pi_cl_fs_req_t *req);
void pi_cl_fs_seek(pi_fs_file_t *file, uint32_t offset, pi_cl_fs_req_t *req);
int32_t pi_cl_fs_wait(pi_cl_fs_req_t *req);

#endif
