// bilinear.c: (x W * x V) W2: a gate without a function. Shazeer 2020.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_gated(block, width, x, NULL);
}

const struct component ffn_bilinear = {
    .slot = SLOT_FFN,
    .name = "bilinear",
    .version = 1,
    .summary = "(x W * x V) W2",
    .source = "arXiv 2002.05202",
    .options = ffn_gated_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_gated_accepts,
    .ffn = {.build = build},
};
