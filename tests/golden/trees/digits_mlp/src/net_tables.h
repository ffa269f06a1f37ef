/* digits_mlp: the plan as tables for the verification program; part of net.c. */

const char net_name[] = "digits_mlp";

const char *const net_step_names[] = {
    "fc1.fw",
    "r1.fw",
    "fc2.fw",
    "loss.fw",
    "loss.ig",
    "fc2.ig",
    "fc2.wg",
    "r1.ig",
    "fc1.wg",
};
const int net_step_count = sizeof net_step_names / sizeof net_step_names[0];

const net_level net_levels[] = {
    {"l1", l1_arena + TL_GUARD_BYTES, 10200, 65536},
};
const int net_level_count = sizeof net_levels / sizeof net_levels[0];

const net_buffer net_buffers[] = {
    {"fc1.weight", 0, 0, 8192, 0, 9},
    {"fc1.bias", 0, 8192, 128, 0, 9},
    {"fc2.weight", 0, 8320, 1280, 0, 9},
    {"fc2.bias", 0, 9600, 40, 0, 9},
    {"input", 0, 9640, 256, 0, 9},
    {"target", 0, 10064, 4, 0, 5},
    {"fc1", 0, 9896, 128, 0, 8},
    {"fc2", 0, 10024, 40, 2, 5},
    {"loss", 0, 10192, 4, 3, 9},
    {"fc2.grad", 0, 10152, 40, 4, 7},
    {"r1.grad", 0, 10024, 128, 5, 9},
};
const int net_buffer_count = sizeof net_buffers / sizeof net_buffers[0];

const net_span net_spans[] = {
    { 0, 0, 9896, 128, 1, 1 },
    { 0, 0, 9640, 256, 0, 0 },
    { 0, 0, 0, 8192, 0, 0 },
    { 0, 0, 8192, 128, 0, 0 },
    { 1, 0, 9896, 128, 1, 0 },
    { 2, 0, 10024, 40, 1, 1 },
    { 2, 0, 9896, 128, 0, 0 },
    { 2, 0, 8320, 1280, 0, 0 },
    { 2, 0, 9600, 40, 0, 0 },
    { 3, 0, 10192, 4, 1, 1 },
    { 3, 0, 10024, 40, 0, 0 },
    { 3, 0, 10064, 4, 0, 0 },
    { 4, 0, 10152, 40, 1, 1 },
    { 4, 0, 10024, 40, 0, 0 },
    { 4, 0, 10064, 4, 0, 0 },
    { 5, 0, 10024, 128, 1, 1 },
    { 5, 0, 10152, 40, 0, 0 },
    { 5, 0, 8320, 1280, 0, 0 },
    { 6, 0, 8320, 1280, 1, 0 },
    { 6, 0, 9600, 40, 1, 0 },
    { 6, 0, 9896, 128, 0, 0 },
    { 6, 0, 10152, 40, 0, 0 },
    { 7, 0, 10024, 128, 1, 0 },
    { 7, 0, 9896, 128, 0, 0 },
    { 8, 0, 0, 8192, 1, 0 },
    { 8, 0, 8192, 128, 1, 0 },
    { 8, 0, 9640, 256, 0, 0 },
    { 8, 0, 10024, 128, 0, 0 },
};
const int net_span_count = sizeof net_spans / sizeof net_spans[0];

const net_check net_checks[] = {
    { 0, "activation", "fc1", fc1_y, fc1_y, 32, 32, 0, 1.525879e-05f, 0, 0 },
    { 1, "activation", "r1", r1_y, r1_y, 32, 32, 0, 1.716614e-05f, 0, 0 },
    { 2, "activation", "fc2", fc2_y, fc2_y, 10, 10, 0, 2.795573e-05f, 0, 0 },
    { 3, "activation", "loss", loss_value, loss_value, 1, 0, 0, 3.39873e-05f, 0, 0 },
    { 4, "input_grad", "fc2", fc2_dy, fc2_dy, 10, 10, 0, 3.39873e-05f, 0, 0 },
    { 5, "input_grad", "r1", r1_dy, r1_dy, 32, 32, 0, 4.001886e-05f, 0, 0 },
    { 6, "weight_grad", "fc2.weight", fc2_weight, fc2_weight, 320, 0, 0, 3.589465e-05f, 0, 8328 },
    { 6, "weight_grad", "fc2.bias", fc2_bias, fc2_bias, 10, 0, 0, 3.589465e-05f, 0, 9608 },
    { 6, "weight", "fc2.weight", fc2_weight, fc2_weight, 320, 0, 0, 3.780199e-05f, 0, 0 },
    { 6, "weight", "fc2.bias", fc2_bias, fc2_bias, 10, 0, 0, 3.780199e-05f, 0, 0 },
    { 7, "input_grad", "fc1", fc1_dy, fc1_dy, 32, 32, 0, 4.192621e-05f, 0, 0 },
    { 8, "weight_grad", "fc1.weight", fc1_weight, fc1_weight, 2048, 0, 0, 4.383356e-05f, 0, 8 },
    { 8, "weight_grad", "fc1.bias", fc1_bias, fc1_bias, 32, 0, 0, 4.383356e-05f, 0, 8200 },
    { 8, "weight", "fc1.weight", fc1_weight, fc1_weight, 2048, 0, 0, 4.574091e-05f, 0, 0 },
    { 8, "weight", "fc1.bias", fc1_bias, fc1_bias, 32, 0, 0, 4.574091e-05f, 0, 0 },
};
const int net_check_count = sizeof net_checks / sizeof net_checks[0];
