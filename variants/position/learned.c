// learned.c: a trained vector for each position, added to the embeddings. As in GPT-2 (Radford et al. 2019).
#include "registry/component.h"

static struct tensor *embed(const struct block *block, const void *self, struct tensor *x)
{
    (void)self;
    const int64_t shape[] = {block->model->seq_len, block->model->d_model}; // [seq_len, d_model]
    if (block->graph->time > block->model->seq_len)
        return graph_refuse(block->graph, "learned positions reach to model.seq_len=%lld and not to %lld",
                            (long long)block->model->seq_len, (long long)block->graph->time);
    struct tensor *table = block_parameter(block, "embed_positions.weight", ROLE_EMBEDDING, 2, shape);
    return op_add(block->graph, x, op_embedding(block->graph, block->graph->positions, table));
}

const struct component position_learned = {
    .slot = SLOT_POSITION,
    .name = "learned",
    .version = 1,
    .summary = "a trained vector for each position, added to the embeddings",
    .source = "GPT-2, Radford et al. 2019",
    .position = {.embed = embed},
};
