// unit.c: vectors of length one: y = x / |x|, each group of a row by itself.
//
// x [rows, groups * width]. Keys that are a query's direction alone. No eps: a vector of zeros has no direction, stays zeros
// and gets no gradient. Saved for backward, for each group of each row: 1 / |x|.
#ifndef REAL

#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

#include "tensor/twice.h"
#include "unit.c"
#include "tensor/twice.h"
#include "unit.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    int64_t group = *(const int64_t *)node->attributes, width = node->inputs[0]->width;
    if (group < 1 || width % group)
        return error_add(error, "rows of %lld numbers are no multiple of %lld", (long long)width, (long long)group);
    graph_output(graph, node, width);
    graph_saved(graph, node, DTYPE_REAL, width / group);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 3, 5);
}

static const struct op unit = {
    .name = "unit",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_OUTPUT_0,
    .attributes_size = sizeof(int64_t),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_unit(struct graph *graph, struct tensor *x, int64_t width) { return graph_op(graph, &unit, &width, &x, 1); }

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = *(const int64_t *)node->attributes, groups = node->inputs[0]->width / width;
    REAL *saved = lane_saved(node, lane);
    for (int64_t group = rows.begin * groups; group < rows.end * groups; group++) {
        const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + group * width;
        REAL *restrict y = (REAL *)lane_output(node, 0, lane) + group * width, squares = 0;
#pragma omp simd reduction(+ : squares)
        for (int64_t i = 0; i < width; i++)
            squares += x[i] * x[i];
        REAL factor = squares == 0 ? 0 : 1 / NAME(sqrt_of)(squares);
        saved[group] = factor;
        for (int64_t i = 0; i < width; i++)
            y[i] = x[i] * factor;
    }
}

// dx = (dy - y (y . dy)) / |x|
static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = *(const int64_t *)node->attributes, groups = node->inputs[0]->width / width;
    const REAL *saved = lane_saved(node, lane);
    REAL *gradient = lane_input_gradient(node, 0, lane);
    bool accumulate = lane_accumulates(node, 0, lane);
    for (int64_t group = rows.begin * groups; gradient && group < rows.end * groups; group++) {
        const REAL *restrict y = (const REAL *)lane_output(node, 0, lane) + group * width;
        const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + group * width;
        REAL *restrict dx = gradient + group * width, along = 0;
#pragma omp simd reduction(+ : along)
        for (int64_t i = 0; i < width; i++)
            along += y[i] * dy[i];
        for (int64_t i = 0; i < width; i++) {
            REAL change = saved[group] * (dy[i] - y[i] * along);
            dx[i] = accumulate ? dx[i] + change : change;
        }
    }
}

static const struct kernels NAME(kernels) = {.forward = NAME(forward), .backward = NAME(backward)};

#endif
