// gelu.c: a name that a built-in component has.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *options, struct tensor *x)
{
    (void)options;
    return op_relu(block->graph, x);
}

const struct component ffn_gelu = {
    .slot = SLOT_FFN, .name = "gelu", .version = 1, .summary = "max(0, x)", .ffn = {.build = build}};
