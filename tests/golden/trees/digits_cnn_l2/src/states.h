/* The saved states of data/: golden ones, and what was trained. Include it in main.c alone. */

#ifndef STATES_H
#define STATES_H

#include "net.h"
#include "tl/data.h"
#include "tl/print.h"

/* A state may be larger than the memory beside the plan: it moves in pieces. */
typedef struct state_place {
    tl_data_file file;
    uint32_t offset; /* where it goes on */
} state_place;

static int read_state(void *context, void *piece, uint32_t bytes)
{
    state_place *place = context;
    const uint32_t read = tl_data_read(place->file, place->offset, piece, bytes);

    place->offset += bytes;
    return read == bytes;
}

static int write_state(void *context, const void *piece, uint32_t bytes)
{
    state_place *place = context;
    const uint32_t written = tl_data_write(place->file, place->offset, piece, bytes);

    place->offset += bytes;
    return written == bytes;
}

/* State `index` of TL_DATA_STATE, or what keep_state() has written: TL_DATA_BEST, 0. */
static int load_state(tl_data_file file, uint32_t index)
{
    state_place place = {file, index * NET_STATE_BYTES};

    return net_load_from(read_state, &place) == 0;
}

static int keep_state(void)
{
    state_place place = {TL_DATA_TRAINED, 0};

    if (net_save_to(write_state, &place) != 0) {
        tl_print_str("data: cannot write the trained parameters\n");
        return 0;
    }
    return 1;
}

#endif
