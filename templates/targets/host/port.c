/* host: a team of threads that block, never spin; there may be more of them than processors. */

#include "tl/port.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "copies.h"
#include "tl/data.h"

static pthread_t threads[TL_CORES_MAX];
static int team_size;
static _Thread_local int core_id;

/* one lock for the team: what is below changes under it alone */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_arrived = PTHREAD_COND_INITIALIZER;
static pthread_cond_t work_done = PTHREAD_COND_INITIALIZER;
static pthread_cond_t all_met = PTHREAD_COND_INITIALIZER;
static void (*team_work)(void *);
static void *team_argument;
static unsigned run_number;
static int running;
static int closing;
static int met;
static unsigned meeting_number;

static void *core_main(void *argument)
{
    unsigned seen = 0;

    core_id = *(const int *)argument;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (run_number == seen && !closing) {
            pthread_cond_wait(&work_arrived, &lock);
        }
        if (closing) {
            break;
        }
        seen = run_number;
        pthread_mutex_unlock(&lock);
        team_work(team_argument);
        pthread_mutex_lock(&lock);
        if (--running == 0) {
            pthread_cond_signal(&work_done);
        }
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

void tl_team_open(int cores)
{
    static int ids[TL_CORES_MAX];

    if (cores < 1 || cores > TL_CORES_MAX) {
        fprintf(stderr, "host: a team has 1 to %d cores, not %d\n", TL_CORES_MAX, cores);
        exit(3);
    }
    team_size = cores;
    closing = 0;
    run_number = 0;
    for (int i = 0; i < cores; i++) {
        ids[i] = i;
        if (pthread_create(&threads[i], 0, core_main, &ids[i]) != 0) {
            fprintf(stderr, "host: cannot start thread %d of %d\n", i + 1, cores);
            exit(3);
        }
    }
}

void tl_team_run(void (*work)(void *), void *argument)
{
    pthread_mutex_lock(&lock);
    team_work = work;
    team_argument = argument;
    running = team_size;
    run_number++;
    pthread_cond_broadcast(&work_arrived);
    while (running > 0) {
        pthread_cond_wait(&work_done, &lock);
    }
    pthread_mutex_unlock(&lock);
    copies_end();
}

void tl_team_close(void)
{
    pthread_mutex_lock(&lock);
    closing = 1;
    pthread_cond_broadcast(&work_arrived);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < team_size; i++) {
        pthread_join(threads[i], 0);
    }
}

int tl_core_id(void)
{
    return core_id;
}

int tl_num_cores(void)
{
    return team_size;
}

void tl_barrier(void)
{
    pthread_mutex_lock(&lock);
    if (++met == team_size) {
        met = 0;
        meeting_number++;
        pthread_cond_broadcast(&all_met);
    } else {
        const unsigned mine = meeting_number;

        while (meeting_number == mine) {
            pthread_cond_wait(&all_met, &lock);
        }
    }
    pthread_mutex_unlock(&lock);
}

uint32_t tl_counter(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000000000u + (uint32_t)now.tv_nsec;
}

void tl_putc(char c)
{
    putchar(c);
    if (c == '\n') {
        fflush(stdout); /* a crash must not take the line with it */
    }
}

void tl_exit(int status)
{
    exit(status);
}

/* data/ below the folder that the program is started in */
static FILE *files[TL_DATA_FILES];

static FILE *at(tl_data_file file, const char *mode, uint32_t offset)
{
    if (!files[file]) {
        files[file] = fopen(tl_data_paths[file], mode);
    }
    if (files[file] && fseek(files[file], (long)offset, SEEK_SET) != 0) {
        return 0;
    }
    return files[file];
}

uint32_t tl_data_read(tl_data_file file, uint32_t offset, void *to, uint32_t bytes)
{
    FILE *stream = at(file, "rb", offset);

    return stream ? (uint32_t)fread(to, 1, bytes, stream) : 0;
}

uint32_t tl_data_write(tl_data_file file, uint32_t offset, const void *from, uint32_t bytes)
{
    FILE *stream = at(file, "wb", offset);
    uint32_t written;

    if (!stream) {
        return 0;
    }
    written = (uint32_t)fwrite(from, 1, bytes, stream);
    return fflush(stream) == 0 ? written : 0;
}
