// swiglu.c: (silu(x W) * x V) W2, the feed-forward layer of Llama and PaLM. Shazeer 2020.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_gated(block, width, x, op_silu);
}

const struct component ffn_swiglu = {
    .slot = SLOT_FFN,
    .name = "swiglu",
    .version = 1,
    .summary = "(silu(x W) * x V) W2",
    .source = "arXiv 2002.05202",
    .options = ffn_gated_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_gated_accepts,
    .ffn = {.build = build},
};
