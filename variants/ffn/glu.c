// glu.c: (sigmoid(x W) * x V) W2: the gated linear unit. Dauphin et al. 2016; as a feed-forward layer Shazeer 2020.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_gated(block, width, x, op_sigmoid);
}

const struct component ffn_glu = {
    .slot = SLOT_FFN,
    .name = "glu",
    .version = 1,
    .summary = "(sigmoid(x W) * x V) W2",
    .source = "arXiv 2002.05202",
    .options = ffn_gated_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_gated_accepts,
    .ffn = {.build = build},
};
