// lane.h: what a kernel may touch while it runs: one lane's memory, and how to find a tensor in it.
//
// A lane owns whole sequences of the batch from forward to backward, or a fixed share of the rows and heads of a pass that all
// lanes go through together. Its partial gradients are summed with the other lanes' in fixed order afterwards, so bits depend
// on the number of lanes and never on the number of threads that carry them.
#ifndef TENSOR_LANE_H
#define TENSOR_LANE_H

#include "tensor/graph.h"

enum { LANES_MAX = 64 }; // partial sums of a gradient

struct lane {
    const struct graph *graph;
    int index;
    int part, parts;            // which share of the heads, of how many, is this lane's: see OP_ROWS_HEADS
    unsigned char *arena;       // activations of the pass and their gradients, planned offsets
    unsigned char *tile;        // those that live within one tile
    unsigned char *workspace;   // scratch of one kernel call, 64-byte aligned
    const unsigned char *packs; // weights as products want them: graph->packs
    void *gradients;            // real[parameters->elements], this lane's partial sums
    const int32_t *inputs[3];   // tokens, targets, positions, one a row from this call's row 0
    int64_t first_row;          // this call's row 0 in the whole batch: random numbers are keyed by batch rows
    int64_t pass_row;           // and in the pass
    bool first_pass;            // parameter gradients are written, not added to, unless the node accumulates
    bool training;              // dropout is on
    double loss_weight;         // 1 / targets counted in the whole batch
    uint64_t seed, step;
    double counted_flops;                // products and attention as the kernels ran them
    double visited_pairs, visible_pairs; // of queries and keys that forward multiplied, and of these the ones that are seen
};

static inline unsigned char *lane_value(const struct lane *lane, const struct tensor *tensor)
{
    return tensor->tile_only ? lane->tile + tensor->offset
                             : lane->arena + tensor->offset + (size_t)lane->pass_row * tensor->row_bytes;
}
static inline unsigned char *lane_gradient(const struct lane *lane, const struct tensor *tensor)
{
    return tensor->gradient_tile_only
               ? lane->tile + tensor->gradient_offset
               : lane->arena + tensor->gradient_offset + (size_t)lane->pass_row * tensor->gradient_row_bytes;
}

static inline void *lane_tensor(const struct lane *lane, const struct tensor *tensor)
{
    if (tensor->kind == TENSOR_PARAMETER)
        return (char *)lane->graph->parameters->values + tensor->offset * real_size(lane->graph->real);
    if (tensor->kind == TENSOR_INPUT)
        return (void *)lane->inputs[tensor->index];
    return lane_value(lane, tensor);
}
static inline const void *lane_input(const struct node *node, int i, const struct lane *lane)
{
    return lane_tensor(lane, node->inputs[i]);
}
static inline void *lane_output(const struct node *node, int i, const struct lane *lane)
{
    return lane_tensor(lane, node->outputs[i]);
}
static inline void *lane_saved(const struct node *node, const struct lane *lane) { return lane_tensor(lane, node->saved); }

// The gradient of output i, to read.
static inline const void *lane_output_gradient(const struct node *node, int i, const struct lane *lane)
{
    return lane_gradient(lane, node->outputs[i]);
}
// The gradient of input i, to write or to add to (lane_accumulates); NULL when nobody wants it.
static inline void *lane_input_gradient(const struct node *node, int i, const struct lane *lane)
{
    const struct tensor *tensor = node->inputs[i];
    if (!tensor->wants_gradient)
        return NULL;
    if (tensor->kind == TENSOR_PARAMETER)
        return (char *)lane->gradients + tensor->offset * real_size(lane->graph->real);
    return lane_gradient(lane, tensor);
}
// This lane's share of `count` things that can be done apart.
static inline struct span lane_share(const struct lane *lane, int64_t count)
{
    return (struct span){count * lane->part / lane->parts, count * (lane->part + 1) / lane->parts};
}
static inline bool lane_accumulates(const struct node *node, int i, const struct lane *lane)
{
    return node->accumulate[i] || (node->inputs[i]->kind == TENSOR_PARAMETER && !lane->first_pass);
}

#endif
