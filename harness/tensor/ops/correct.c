// correct.c: whether each row's target is what the model holds most likely: accuracy is the mean over counted rows.
//
// logits [rows, vocab], targets [rows] (-1 counts for nothing) -> correct [rows]: 1 where the target's logit is above every
// other, else 0. A tie is no answer, so a model that says nothing scores 0 and not by the order of its tokens. It has no
// gradient: only graphs that evaluate hold it.
#ifndef REAL

#include "tensor/ops/op.h"

#include "tensor/twice.h"
#include "correct.c"
#include "tensor/twice.h"
#include "correct.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    if (node->inputs[1]->dtype != DTYPE_INT32)
        return error_add(error, "targets are no indices");
    graph_output(graph, node, 1);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    double numbers = (double)(sequences * time * node->inputs[0]->width);
    return (struct cost){.phases[PHASE_FORWARD] = {.flops = numbers, .bytes = OP_NUMBER_BYTES * numbers}};
}

static const struct op correct = {
    .name = "correct",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_correct(struct graph *graph, struct tensor *logits, struct tensor *targets)
{
    return graph_op(graph, &correct, NULL, (struct tensor *const[]){logits, targets}, 2);
}

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t vocab = node->inputs[0]->width;
    const int32_t *targets = lane_input(node, 1, lane);
    REAL *correct = lane_output(node, 0, lane);
    for (int64_t row = rows.begin; row < rows.end; row++) {
        const REAL *logits = (const REAL *)lane_input(node, 0, lane) + row * vocab;
        int64_t as_high = 0; // the target itself among them
        for (int64_t i = 0; targets[row] >= 0 && i < vocab; i++)
            as_high += logits[i] >= logits[targets[row]];
        correct[row] = as_high == 1;
    }
}

static const struct kernels NAME(kernels) = {NAME(forward), NULL, NULL};

#endif
