// relu2.c: max(0, x W1 + b1)^2 W2 + b2. So et al. 2021 (Primer).
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_plain(block, width, x, op_relu2);
}

const struct component ffn_relu2 = {
    .slot = SLOT_FFN,
    .name = "relu2",
    .version = 1,
    .summary = "max(0, x W1 + b1)^2 W2 + b2",
    .source = "arXiv 2109.08668",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};
