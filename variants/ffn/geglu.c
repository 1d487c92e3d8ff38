// geglu.c: (gelu(x W) * x V) W2. Shazeer 2020.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_gated(block, width, x, op_gelu);
}

const struct component ffn_geglu = {
    .slot = SLOT_FFN,
    .name = "geglu",
    .version = 1,
    .summary = "(gelu(x W) * x V) W2",
    .source = "arXiv 2002.05202",
    .options = ffn_gated_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_gated_accepts,
    .ffn = {.build = build},
};
