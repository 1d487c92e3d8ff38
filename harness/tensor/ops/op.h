// op.h: what every op file includes: the table's types, row arithmetic, and costs that many ops share.
#ifndef TENSOR_OPS_OP_H
#define TENSOR_OPS_OP_H

#include <string.h>

#include "tensor/lane.h"
#include "tensor/ops.h"

static inline int64_t span_count(struct span rows) { return rows.end - rows.begin; }

enum { OP_NUMBER_BYTES = sizeof(float) }; // costs are those of training

// Whether backward finds this input's gradient where the output's already is (op->passes_gradient).
static inline bool op_shares_gradient(const struct node *node, int input)
{
    const struct tensor *from = node->outputs[0], *to = node->inputs[input];
    return to->gradient_of && to->gradient_of == (from->gradient_of ? from->gradient_of : from);
}

// An elementwise op: so many FLOPs for each of the output's elements, and one where a gradient is added to. Forward moves every
// input, the output and what is saved; backward the output's gradient, what was kept, and the inputs' gradients.
static inline struct cost op_elementwise_cost(const struct node *node, int64_t sequences, int64_t time, double forward_flops,
                                              double backward_flops)
{
    double rows = (double)(sequences * time), width = (double)node->outputs[0]->width;
    double saved = node->saved ? (double)node->saved->width : 0, read = 0, kept = 0, changed = 0, added = 0;
    kept += node->op->keeps & OP_KEEPS_OUTPUT_0 ? width : 0;
    for (int i = 0; i < node->input_count; i++) {
        const struct tensor *input = node->inputs[i];
        if (input->kind != TENSOR_ACTIVATION)
            continue;
        read += (double)input->width;
        kept += node->op->keeps & (1u << i) ? (double)input->width : 0;
        if (!input->wants_gradient || op_shares_gradient(node, i))
            continue;
        changed += (double)input->width;
        added += node->accumulate[i] ? (double)input->width : 0;
    }
    struct cost cost = {.phases[PHASE_FORWARD] = {.flops = forward_flops * rows * width,
                                                  .bytes = OP_NUMBER_BYTES * rows * (read + width + saved)}};
    if (changed > 0)
        cost.phases[PHASE_BACKWARD] =
            (struct phase_cost){.flops = rows * (backward_flops * width + added),
                                .bytes = OP_NUMBER_BYTES * rows * (width + kept + saved + changed + added)};
    return cost;
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
