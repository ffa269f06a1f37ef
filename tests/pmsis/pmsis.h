/* See README.md. */

#ifndef PMSIS_H
#define PMSIS_H

#include <stdint.h>

/* ---- data placement, core, program ---- */

#define PI_L1 __attribute__((section(".data_l1")))
#define PI_L2 __attribute__((section(".l2_data")))

uint32_t pi_core_id(void);
uint32_t pi_is_fc(void);
int pmsis_kickoff(void *arg);
void pmsis_exit(int err);

/* ---- devices ---- */

struct pi_device_api;

typedef struct pi_device {
    struct pi_device_api *api;
    void *config;
    void *data;
} pi_device_t;

struct pi_task_implem {
    unsigned int time;
} __attribute__((packed));

typedef struct pi_task {
    struct pi_task *next;
    uintptr_t arg[4];
    int8_t done;
    int id;
    uint32_t data[8];
    struct pi_task_implem implem;
} pi_task_t;

void pi_open_from_conf(struct pi_device *device, void *conf);

/* ---- cluster ---- */

typedef enum { PI_DEVICE_UNKWN_TYPE, PI_DEVICE_CLUSTER_TYPE } pi_device_e;
typedef enum { PI_CLUSTER_FLAGS_FORK_BASED = 0, PI_CLUSTER_FLAGS_TASK_BASED = 1 } pi_cluster_flags_e;

struct pmsis_event_kernel_wrap;

struct pi_cluster_conf {
    pi_device_e device_type;
    int id;
    void *heap_start;
    uint32_t heap_size;
    struct pmsis_event_kernel_wrap *event_kernel;
    pi_cluster_flags_e flags;
};

struct pi_cluster_task {
    void (*entry)(void *);
    void *arg;
    void *stacks;
    uint32_t stack_size;
    uint32_t slave_stack_size;
    int nb_cores;
    pi_task_t *completion_callback;
    int stack_allocated;
    struct pi_cluster_task *next;
};

void pi_cluster_conf_init(struct pi_cluster_conf *conf);
int pi_cluster_open(struct pi_device *device);
int pi_cluster_close(struct pi_device *device);
struct pi_cluster_task *pi_cluster_task(
    struct pi_cluster_task *task, void (*entry)(void *), void *arg);
int pi_cluster_send_task_to_cl(struct pi_device *device, struct pi_cluster_task *task);

/* ---- team ---- */

int pi_cl_cluster_nb_cores(void);
void pi_cl_team_fork(int nb_cores, void (*entry)(void *), void *arg);
void pi_cl_team_barrier(void);

/* ---- DMA ---- */

typedef enum { PI_CL_DMA_DIR_LOC2EXT = 0, PI_CL_DMA_DIR_EXT2LOC = 1 } pi_cl_dma_dir_e;

typedef struct pi_cl_dma_cmd_s {
    int id;
    struct pi_cl_dma_cmd_s *next;
} pi_cl_dma_cmd_t;

void pi_cl_dma_cmd(
    uint32_t ext, uint32_t loc, uint32_t size, pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd);
void pi_cl_dma_cmd_2d(
    uint32_t ext, uint32_t loc, uint32_t size, uint32_t stride, uint32_t length,
    pi_cl_dma_dir_e dir, pi_cl_dma_cmd_t *cmd);
void pi_cl_dma_cmd_wait(pi_cl_dma_cmd_t *cmd);

/* ---- counters ---- */

typedef enum { PI_PERF_ACTIVE_CYCLES = 0, PI_PERF_CYCLES = 17 } pi_perf_event_e;

void pi_perf_conf(unsigned events);
void pi_perf_reset(void);
void pi_perf_start(void);
unsigned int pi_perf_read(int event);

#endif
