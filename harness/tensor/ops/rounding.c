// rounding.c: y = x as the graph's products keep their operands (gemm.h): rounded once for all products that read it.
//
// Called by op_linear, which asks for the rounded twin of its input; where operands are not rounded the twin is x itself. The
// rounding passes the gradient on as it is. Backward reads the twin alone, so x may die, which halves what a bf16 step keeps.
#ifndef REAL

#include "tensor/ops/op.h"

#include "tensor/twice.h"
#include "rounding.c"
#include "tensor/twice.h"
#include "rounding.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    static const enum dtype dtypes[] = {
        [GEMM_STORAGE_REAL] = DTYPE_REAL, [GEMM_STORAGE_BF16] = DTYPE_BF16, [GEMM_STORAGE_BF16_PAIR] = DTYPE_BF16_PAIR};
    (void)error;
    graph_output(graph, node, node->inputs[0]->width)->dtype = dtypes[gemm_storage(graph->way, graph->real)];
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 1, 0);
}

static const struct op rounding = {
    .name = "rounding",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = cost,
    .passes_gradient = true,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_rounded(struct graph *graph, struct tensor *x)
{
    if (!x || graph->way.format == GEMM_REAL)
        return x;
    for (int i = graph->node_count - 1; i >= 0; i--)
        if (graph->nodes[i]->op == &rounding && graph->nodes[i]->inputs[0] == x)
            return graph->nodes[i]->outputs[0];
    return graph_op(graph, &rounding, NULL, &x, 1);
}

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct graph *graph = lane->graph;
    int64_t width = node->inputs[0]->width;
    size_t element = gemm_element_size(gemm_storage(graph->way, graph->real), graph->real);
    const REAL *x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    char *y = (char *)lane_output(node, 0, lane) + (size_t)(rows.begin * width) * element;
    gemm_round(graph->way, graph->real, span_count(rows), width, x, y);
}

// Where the plan let the input share the output's gradient, there is nothing to do.
static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->inputs[0]->width;
    const REAL *dy = lane_output_gradient(node, 0, lane);
    REAL *dx = lane_input_gradient(node, 0, lane);
    bool accumulate = dx && lane_accumulates(node, 0, lane);
    for (int64_t i = rows.begin * width; dx && dx != dy && i < rows.end * width; i++)
        dx[i] = accumulate ? dx[i] + dy[i] : dy[i];
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NULL};

#endif
