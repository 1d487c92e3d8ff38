// embedding.c: y[row] = table[index[row]].  index [rows] int32, table [count, width], y [rows, width].
//
// Indices are checked where data enters (dataset_check); here they are trusted.
#ifndef REAL

#include "tensor/ops/op.h"

#include "tensor/twice.h"
#include "embedding.c"
#include "tensor/twice.h"
#include "embedding.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    if (node->inputs[0]->dtype != DTYPE_INT32 || node->inputs[1]->rank != 2)
        return error_add(error, "takes an index and a table");
    graph_output(graph, node, node->inputs[1]->shape[1]);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    double numbers = (double)(sequences * time * node->outputs[0]->width), cleared = (double)node->inputs[1]->width;
    struct cost cost = {.phases[PHASE_FORWARD] = {.bytes = OP_NUMBER_BYTES * 2 * numbers}};
    if (node->inputs[1]->wants_gradient)
        cost.phases[PHASE_BACKWARD_PARAMETERS] =
            (struct phase_cost){.flops = numbers,
                                .bytes = OP_NUMBER_BYTES * (3 * numbers + (node->accumulate[1] ? 0 : cleared))};
    return cost;
}

static const struct op embedding = {
    .name = "embedding",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_embedding(struct graph *graph, struct tensor *index, struct tensor *table)
{
    return graph_op(graph, &embedding, NULL, (struct tensor *const[]){index, table}, 2);
}

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const int32_t *index = lane_input(node, 0, lane);
    const REAL *table = lane_input(node, 1, lane);
    REAL *y = lane_output(node, 0, lane);
    for (int64_t row = rows.begin; row < rows.end; row++)
        memcpy(y + row * width, table + index[row] * width, (size_t)width * sizeof(REAL));
}

static void NAME(backward_parameters)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const int32_t *index = lane_input(node, 0, lane);
    const REAL *dy = lane_output_gradient(node, 0, lane);
    REAL *dtable = lane_input_gradient(node, 1, lane);
    if (!dtable)
        return;
    if (!lane_accumulates(node, 1, lane))
        memset(dtable, 0, (size_t)node->inputs[1]->width * sizeof(REAL));
    for (int64_t row = rows.begin; row < rows.end; row++)
        for (int64_t i = 0; i < width; i++)
            dtable[index[row] * width + i] += dy[row * width + i];
}

static const struct kernels NAME(kernels) = {NAME(forward), NULL, NAME(backward_parameters)};

#endif
