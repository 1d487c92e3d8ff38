// gelu.c: gelu(x W1 + b1) W2 + b2 with the exact Gaussian error linear unit. Hendrycks and Gimpel 2016.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_plain(block, width, x, op_gelu);
}

const struct component ffn_gelu = {
    .slot = SLOT_FFN,
    .name = "gelu",
    .version = 1,
    .summary = "gelu(x W1 + b1) W2 + b2, the exact erf form",
    .source = "arXiv 1606.08415",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};
