// other_name.c: its descriptor calls itself otherwise than its file.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *options, struct tensor *x)
{
    (void)options;
    return op_relu(block->graph, x);
}

const struct component ffn_other_name = {
    .slot = SLOT_FFN, .name = "elsewhere", .version = 1, .summary = "max(0, x)", .ffn = {.build = build}};
