// silu.c: silu(x W1 + b1) W2 + b2, silu(x) = x sigmoid(x), also called swish. Ramachandran et al. 2017.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_plain(block, width, x, op_silu);
}

const struct component ffn_silu = {
    .slot = SLOT_FFN,
    .name = "silu",
    .version = 1,
    .summary = "silu(x W1 + b1) W2 + b2",
    .source = "arXiv 1710.05941",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};
