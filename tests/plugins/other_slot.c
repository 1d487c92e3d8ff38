// other_slot.c: its symbol says ffn, its descriptor norm.
#include "registry/component.h"

static struct tensor *build(const struct block *block, const void *options, struct tensor *x)
{
    (void)options;
    return op_relu(block->graph, x);
}

const struct component ffn_other_slot = {
    .slot = SLOT_NORM, .name = "other_slot", .version = 1, .summary = "max(0, x)", .ffn = {.build = build}};
