// softcap.c: y = cap tanh(x / cap), for output logits (attention caps its scores inside its own kernel).
//
// dx = dy (1 - (y / cap)^2). Gemma 2, arXiv 2408.00118, section 2.
#ifndef REAL

#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

#include "tensor/twice.h"
#include "softcap.c"
#include "tensor/twice.h"
#include "softcap.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 3, 4);
}

static const struct op softcap = {
    .name = "softcap",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_OUTPUT_0,
    .attributes_size = sizeof(double),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_softcap(struct graph *graph, struct tensor *x, double cap)
{
    return graph_op(graph, &softcap, &cap, (struct tensor *const[]){x}, 1);
}

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    REAL *restrict y = (REAL *)lane_output(node, 0, lane) + rows.begin * width;
    REAL cap = (REAL) * (const double *)node->attributes, inverse = 1 / cap;
    for (int64_t i = 0; i < count; i++)
        y[i] = cap * NAME(tanh_of)(x[i] * inverse);
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict y = (const REAL *)lane_output(node, 0, lane) + rows.begin * width;
    const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * width;
    REAL *restrict dx = (REAL *)lane_input_gradient(node, 0, lane) + rows.begin * width;
    REAL inverse = 1 / (REAL) * (const double *)node->attributes;
    bool accumulate = lane_accumulates(node, 0, lane);
    for (int64_t i = 0; i < count; i++) {
        REAL t = y[i] * inverse, change = dy[i] * (1 - t * t);
        dx[i] = accumulate ? dx[i] + change : change;
    }
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NULL};

#endif
