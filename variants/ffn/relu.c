// relu.c: max(0, x W1 + b1) W2 + b2: the first Transformer's feed-forward layer. Vaswani et al. 2017, section 3.3.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_plain(block, width, x, op_relu);
}

const struct component ffn_relu = {
    .slot = SLOT_FFN,
    .name = "relu",
    .version = 1,
    .summary = "max(0, x W1 + b1) W2 + b2",
    .source = "arXiv 1706.03762, section 3.3",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};
