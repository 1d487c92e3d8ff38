// bf16x3.c: the operands of matrix products as sums of two bfloat16 numbers: nearly fp32, on the units of bf16.
//
// a b = ah bh + al bh + ah bl, three products with sums in fp32, error below 1e-5 of the largest term. Attention stays in fp32.
// Henry, Tang and Heinecke 2019, arXiv 1904.06376.
#include "registry/component.h"

const struct component precision_bf16x3 = {
    .slot = SLOT_PRECISION,
    .name = "bf16x3",
    .version = 1,
    .summary = "operands of products as sums of two bfloat16 numbers, close to single precision",
    .source = "arXiv 1904.06376",
    .precision = {.products = GEMM_BF16X3},
};
