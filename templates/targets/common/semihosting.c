/* tl/data.h by semihosting: data/ below the folder that the simulator is started in. */

#include "semihosting.h"

#include "tl/data.h"

static uint32_t length(const char *text)
{
    uint32_t count = 0;

    while (text[count]) {
        count++;
    }
    return count;
}

intptr_t semihosting_open(const char *path, intptr_t mode)
{
    const uintptr_t arguments[3] = {(uintptr_t)path, (uintptr_t)mode, length(path)};

    return semihosting_call(SEMIHOSTING_OPEN, arguments);
}

/* Read or write; the call returns the bytes that were not moved. */
static uint32_t move(intptr_t operation, intptr_t handle, uintptr_t memory, uint32_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)handle, memory, bytes};
    const intptr_t rest = semihosting_call(operation, arguments);

    return rest < 0 || (uintptr_t)rest > bytes ? 0 : bytes - (uint32_t)rest;
}

uint32_t semihosting_write(intptr_t handle, const void *from, uint32_t bytes)
{
    return move(SEMIHOSTING_WRITE, handle, (uintptr_t)from, bytes);
}

/* handles are stored plus one: 0 is a file that nobody has opened yet */
static intptr_t handles[TL_DATA_FILES];

static intptr_t at(tl_data_file file, intptr_t mode, uint32_t offset)
{
    uintptr_t arguments[2];

    if (handles[file] == 0) {
        handles[file] = semihosting_open(tl_data_paths[file], mode) + 1;
    }
    arguments[0] = (uintptr_t)handles[file] - 1;
    arguments[1] = offset;
    if (handles[file] <= 0 || semihosting_call(SEMIHOSTING_SEEK, arguments) != 0) {
        return -1;
    }
    return handles[file] - 1;
}

uint32_t tl_data_read(tl_data_file file, uint32_t offset, void *to, uint32_t bytes)
{
    const intptr_t handle = at(file, SEMIHOSTING_RB, offset);

    return handle < 0 ? 0 : move(SEMIHOSTING_READ, handle, (uintptr_t)to, bytes);
}

uint32_t tl_data_write(tl_data_file file, uint32_t offset, const void *from, uint32_t bytes)
{
    const intptr_t handle = at(file, SEMIHOSTING_WB, offset);

    return handle < 0 ? 0 : semihosting_write(handle, from, bytes);
}
