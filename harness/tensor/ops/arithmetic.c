// arithmetic.c: sums, means and products of rows, element by element.
#ifndef REAL

#include "tensor/ops/op.h"

#include "tensor/twice.h"
#include "arithmetic.c"
#include "tensor/twice.h"
#include "arithmetic.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    if (!op_same_width(node, error))
        return false;
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}

static struct cost add_cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 1, 0);
}

static struct cost multiply_cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 1, 2);
}

static struct cost average_cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 2, 2);
}

static const struct op subtract = {
    .name = "subtract",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = add_cost,
    .kernels = {&subtract_kernels_float, &subtract_kernels_double},
};
static const struct op add = {
    .name = "add",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = add_cost,
    .passes_gradient = true,
    .inverse = &subtract,
    .kernels = {&add_kernels_float, &add_kernels_double},
};
static const struct op average = {
    .name = "average",
    .rows = OP_ROWS_LOCAL,
    .plan = plan,
    .cost = average_cost,
    .kernels = {&average_kernels_float, &average_kernels_double},
};
static const struct op multiply = {
    .name = "multiply",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0 | OP_KEEPS_INPUT_1,
    .plan = plan,
    .cost = multiply_cost,
    .kernels = {&multiply_kernels_float, &multiply_kernels_double},
};

struct tensor *op_add(struct graph *graph, struct tensor *x, struct tensor *f)
{
    return graph_op(graph, &add, NULL, (struct tensor *const[]){x, f}, 2);
}

struct tensor *op_average(struct graph *graph, struct tensor *x, struct tensor *f)
{
    return graph_op(graph, &average, NULL, (struct tensor *const[]){x, f}, 2);
}

struct tensor *op_multiply(struct graph *graph, struct tensor *x, struct tensor *f)
{
    return graph_op(graph, &multiply, NULL, (struct tensor *const[]){x, f}, 2);
}

#else

// dx = factor dy, or += ; `factor` NULL stands for ones.
static inline void NAME(hand_on)(REAL *restrict dx, const REAL *restrict dy, const REAL *restrict factor, int64_t count,
                                 bool accumulate)
{
    for (int64_t i = 0; i < count; i++) {
        REAL change = factor ? factor[i] * dy[i] : dy[i];
        dx[i] = accumulate ? dx[i] + change : change;
    }
}

static void NAME(add_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const REAL *x = lane_input(node, 0, lane), *f = lane_input(node, 1, lane);
    REAL *y = lane_output(node, 0, lane);
    for (int64_t i = rows.begin * width; i < rows.end * width; i++)
        y[i] = x[i] + f[i];
}

// Where the plan let an input share the output's gradient, there is nothing to do.
static void NAME(add_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t first = rows.begin * node->outputs[0]->width, count = span_count(rows) * node->outputs[0]->width;
    const REAL *dy = lane_output_gradient(node, 0, lane);
    for (int i = 0; i < 2; i++) {
        REAL *dx = lane_input_gradient(node, i, lane);
        if (dx && dx != dy)
            NAME(hand_on)(dx + first, dy + first, NULL, count, lane_accumulates(node, i, lane));
    }
}

// x = y - f, the inverse of y = x + f. Runs in the backward pass alone and has none of its own.
static void NAME(subtract_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const REAL *y = lane_input(node, 0, lane), *f = lane_input(node, 1, lane);
    REAL *x = lane_output(node, 0, lane);
    for (int64_t i = rows.begin * width; i < rows.end * width; i++)
        x[i] = y[i] - f[i];
}

static void NAME(average_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const REAL *x = lane_input(node, 0, lane), *f = lane_input(node, 1, lane);
    REAL *y = lane_output(node, 0, lane);
    for (int64_t i = rows.begin * width; i < rows.end * width; i++)
        y[i] = (x[i] + f[i]) / 2;
}

static void NAME(average_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const REAL *dy = lane_output_gradient(node, 0, lane);
    for (int input = 0; input < 2; input++) {
        REAL *dx = lane_input_gradient(node, input, lane);
        bool accumulate = lane_accumulates(node, input, lane);
        for (int64_t i = rows.begin * width; dx && i < rows.end * width; i++)
            dx[i] = accumulate ? dx[i] + dy[i] / 2 : dy[i] / 2;
    }
}

static void NAME(multiply_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    const REAL *x = lane_input(node, 0, lane), *f = lane_input(node, 1, lane);
    REAL *y = lane_output(node, 0, lane);
    for (int64_t i = rows.begin * width; i < rows.end * width; i++)
        y[i] = x[i] * f[i];
}

static void NAME(multiply_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t first = rows.begin * node->outputs[0]->width, count = span_count(rows) * node->outputs[0]->width;
    const REAL *dy = lane_output_gradient(node, 0, lane);
    for (int i = 0; i < 2; i++) {
        REAL *dx = lane_input_gradient(node, i, lane);
        const REAL *other = lane_input(node, 1 - i, lane);
        if (dx)
            NAME(hand_on)(dx + first, dy + first, other + first, count, lane_accumulates(node, i, lane));
    }
}

static const struct kernels NAME(add_kernels) = {NAME(add_forward), NAME(add_backward), NULL};
static const struct kernels NAME(subtract_kernels) = {.forward = NAME(subtract_forward)};
static const struct kernels NAME(average_kernels) = {NAME(average_forward), NAME(average_backward), NULL};
static const struct kernels NAME(multiply_kernels) = {NAME(multiply_forward), NAME(multiply_backward), NULL};

#endif
