// bf16.c: the operands of matrix products and of attention rounded to bfloat16; sums, weights, gradients and the rest in fp32.
//
// Real on CPUs that multiply bfloat16 (AMX, AVX512_BF16), through oneDNN; elsewhere the same rounding in front of fp32
// products, which is no faster and says so. Micikevicius et al. 2018, arXiv 1710.03740 (master weights); Kalamkar et al. 2019.
#include "registry/component.h"

const struct component precision_bf16 = {
    .slot = SLOT_PRECISION,
    .name = "bf16",
    .version = 1,
    .summary = "operands of products in bfloat16, sums and weights in single precision",
    .source = "arXiv 1905.12322",
    .precision = {.products = GEMM_BF16},
};
