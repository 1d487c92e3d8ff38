// as_printed.c: max(0, (x W1 + b1) W2 + b2), the lecture notes' misprint: the relu stands outside, so two matrices act as one.
//
// Kept to show what the misprint costs; `relu` is the formula that was meant.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return op_relu(block->graph, ffn_plain(block, width, x, NULL));
}

const struct component ffn_as_printed = {
    .slot = SLOT_FFN,
    .name = "as_printed",
    .version = 1,
    .summary = "max(0, (x W1 + b1) W2 + b2), as the lecture notes misprint relu",
    .source = "the lecture notes, section Hyperparameter for FFN Layer",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};
