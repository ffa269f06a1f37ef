#include "tl/data.h"

const char *const tl_data_paths[TL_DATA_FILES] = {
    [TL_DATA_GOLDEN] = "data/golden.bin",
    [TL_DATA_STATE] = "data/state.bin",
    [TL_DATA_TRAIN_X] = "data/train_x.bin",
    [TL_DATA_TRAIN_Y] = "data/train_y.bin",
    [TL_DATA_VALIDATION_X] = "data/validation_x.bin",
    [TL_DATA_VALIDATION_Y] = "data/validation_y.bin",
    [TL_DATA_TEST_X] = "data/test_x.bin",
    [TL_DATA_TEST_Y] = "data/test_y.bin",
    [TL_DATA_EXPECTED_FULL] = "data/expected_full.bin",
    [TL_DATA_EXPECTED_FINGERPRINT] = "data/expected_fingerprint.bin",
    [TL_DATA_TRAINED] = "data/trained.bin",
    [TL_DATA_BEST] = "data/trained.bin",
};
