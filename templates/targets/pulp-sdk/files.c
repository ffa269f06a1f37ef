#include "files.h"

#include "bsp/fs.h"
#include "bsp/fs/hostfs.h"
#include "pmsis.h"
#include "tl/data.h"

#ifdef CHECK_FULL
static const tl_data_file expected_file = TL_DATA_EXPECTED_FULL;
#else
static const tl_data_file expected_file = TL_DATA_EXPECTED_FINGERPRINT;
#endif

static struct pi_device file_system;
static struct pi_hostfs_conf file_system_conf;
static pi_fs_file_t *files[TL_DATA_FILES];
/* of those that the cluster reads: what is compared, and the state before a checked step */
static uint32_t file_bytes[TL_DATA_FILES];

static pi_fs_file_t *opened(tl_data_file file, int flags)
{
    if (!files[file]) {
        files[file] = pi_fs_open(&file_system, tl_data_paths[file], flags);
    }
    return files[file];
}

/* The cluster's reads do not tell how much came: the length must be known before. */
static uint32_t length(pi_fs_file_t *file)
{
    static char piece[1024];
    uint32_t bytes = 0;
    int32_t got;

    do {
        got = pi_fs_read(file, piece, sizeof piece);
        bytes += got > 0 ? (uint32_t)got : 0;
    } while (got == (int32_t)sizeof piece);
    return bytes;
}

static void open_for_cluster(tl_data_file file)
{
    pi_fs_file_t *stream = opened(file, PI_FS_FLAGS_READ);

    file_bytes[file] = stream ? length(stream) : 0;
}

int files_open(void)
{
    pi_hostfs_conf_init(&file_system_conf);
    pi_open_from_conf(&file_system, &file_system_conf);
    if (pi_fs_mount(&file_system) != 0) {
        return 0;
    }
    open_for_cluster(expected_file);
    open_for_cluster(TL_DATA_STATE);
    return 1;
}

/* The controller does the work. */
static uint32_t read_from_cluster(tl_data_file file, uint32_t offset, void *to, uint32_t bytes)
{
    pi_cl_fs_req_t request;

    if (offset > file_bytes[file] || bytes > file_bytes[file] - offset) {
        return 0;
    }
    pi_cl_fs_seek(files[file], offset, &request);
    pi_cl_fs_wait(&request);
    pi_cl_fs_read(files[file], to, bytes, &request);
    pi_cl_fs_wait(&request);
    return bytes;
}

uint32_t tl_data_read(tl_data_file file, uint32_t offset, void *to, uint32_t bytes)
{
    pi_fs_file_t *stream;
    int32_t got;

    if (!pi_is_fc()) {
        return read_from_cluster(file, offset, to, bytes);
    }
    stream = opened(file, PI_FS_FLAGS_READ);
    if (!stream || pi_fs_seek(stream, offset) != 0) {
        return 0;
    }
    got = pi_fs_read(stream, to, bytes);
    return got > 0 ? (uint32_t)got : 0;
}

uint32_t tl_data_write(tl_data_file file, uint32_t offset, const void *from, uint32_t bytes)
{
    pi_fs_file_t *stream = opened(file, PI_FS_FLAGS_WRITE);
    int32_t written;

    if (!stream || pi_fs_seek(stream, offset) != 0) {
        return 0;
    }
    written = pi_fs_write(stream, (void *)(uintptr_t)from, bytes);
    return written > 0 ? (uint32_t)written : 0;
}
