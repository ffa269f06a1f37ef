/* The verification program's files: golden values and samples. A host reads data/, a chip a region
   of its own. */

#ifndef TL_DATA_H
#define TL_DATA_H

#include <stdint.h>

typedef enum tl_data_file {
    TL_DATA_GOLDEN,
    TL_DATA_STATE,
    TL_DATA_TRAIN_X,
    TL_DATA_TRAIN_Y,
    TL_DATA_VALIDATION_X,
    TL_DATA_VALIDATION_Y,
    TL_DATA_TEST_X,
    TL_DATA_TEST_Y,
    TL_DATA_EXPECTED_FULL,
    TL_DATA_EXPECTED_FINGERPRINT,
    TL_DATA_TRAINED, /* written */
    TL_DATA_BEST, /* the same file, to read */
    TL_DATA_FILES
} tl_data_file;

/* Where a target with files finds each, from the project's folder. */
extern const char *const tl_data_paths[TL_DATA_FILES];

/* Bytes read at `offset`: fewer than `bytes` where the file is missing or ends. */
uint32_t tl_data_read(tl_data_file file, uint32_t offset, void *to, uint32_t bytes);

/* Bytes written at `offset`. */
uint32_t tl_data_write(tl_data_file file, uint32_t offset, const void *from, uint32_t bytes);

#endif
