// sinusoidal.c: fixed waves added to the embeddings: sine on even columns, cosine on odd. Vaswani et al. 2017, section 3.5.
#include "registry/component.h"

static struct tensor *embed(const struct block *block, const void *self, struct tensor *x)
{
    (void)self;
    return op_sinusoidal(block->graph, x, block->graph->positions);
}

const struct component position_sinusoidal = {
    .slot = SLOT_POSITION,
    .name = "sinusoidal",
    .version = 1,
    .summary = "fixed waves of many lengths, added to the embeddings",
    .source = "arXiv 1706.03762, section 3.5",
    .position = {.embed = embed},
};
