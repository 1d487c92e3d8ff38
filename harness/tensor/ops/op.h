// op.h: what every op file includes: the table's types, row arithmetic, and costs that many ops share.
#ifndef TENSOR_OPS_OP_H
#define TENSOR_OPS_OP_H

#include <string.h>

#include "tensor/lane.h"
#include "tensor/ops.h"

static inline int64_t span_count(struct span rows) { return rows.end - rows.begin; }

// An elementwise op: `flops` for each of the output's elements, every input and output moved once.
static inline struct cost op_elementwise_cost(const struct node *node, int64_t sequences, int64_t time, double flops)
{
    double rows = (double)(sequences * time), moved = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]->kind == TENSOR_ACTIVATION)
            moved += (double)node->inputs[i]->width;
    moved += (double)node->outputs[0]->width;
    return (struct cost){.flops = flops * rows * (double)node->outputs[0]->width, .bytes = 4 * rows * moved};
}

// Both inputs are rows of the same width.
static inline bool op_same_width(const struct node *node, struct error *error)
{
    if (node->inputs[0]->width != node->inputs[1]->width)
        return error_add(error, "rows of %lld and of %lld numbers", (long long)node->inputs[0]->width,
                         (long long)node->inputs[1]->width);
    return true;
}

#endif
