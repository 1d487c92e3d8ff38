// fp32.c: every value and every product in IEEE single precision; sums over rows of losses and norms in double.
#include "registry/component.h"

const struct component precision_fp32 = {
    .slot = SLOT_PRECISION,
    .name = "fp32",
    .version = 1,
    .summary = "single precision throughout",
    .source = "IEEE 754 binary32",
    .precision = {.products = GEMM_REAL},
};
