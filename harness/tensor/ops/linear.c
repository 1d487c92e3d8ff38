// linear.c: y = x W^T + b.  x [rows, in], W [out, in], b [out] or none, y [rows, out].
//
// dx = dy W,  dW = dy^T x,  db = sum over rows of dy. Three products of the same size.
#ifndef REAL

#include "tensor/gemm.h"
#include "tensor/ops/op.h"

#include "tensor/twice.h"
#include "linear.c"
#include "tensor/twice.h"
#include "linear.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    const struct tensor *weight = node->inputs[1];
    if (weight->rank != 2 || weight->shape[1] != node->inputs[0]->width)
        return error_add(error, "%s takes rows of %lld numbers and gets %lld", weight->name, (long long)weight->shape[1],
                         (long long)node->inputs[0]->width);
    if (node->input_count == 3 && node->inputs[2]->width != weight->shape[0])
        return error_add(error, "%s has not one number for each row of the matrix", node->inputs[2]->name);
    // The gradients' products have the same three sizes in another order.
    int64_t out = weight->shape[0], in = weight->shape[1];
    const struct gemm product = {
        .transpose_b = true, .m = graph->sequences * graph->time, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out};
    if (!gemm_plan(&product, error))
        return false;
    graph_output(graph, node, out);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    double rows = (double)(sequences * time), in = (double)node->inputs[0]->width, out = (double)node->outputs[0]->width;
    double product = 2 * rows * in * out;
    int gradients = node->inputs[0]->wants_gradient + node->inputs[1]->wants_gradient;
    return (struct cost){.flops = product + (node->input_count == 3 ? rows * out : 0),
                         .product_flops = product,
                         .backward_product_flops = gradients * product,
                         .bytes = 4 * (rows * (in + out) + in * out)};
}

static const struct op linear = {
    .name = "linear",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_linear(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias)
{
    return graph_op(graph, &linear, NULL, (struct tensor *const[]){x, weight, bias}, bias ? 3 : 2);
}

#else

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t in = node->inputs[0]->width, out = node->outputs[0]->width, count = span_count(rows);
    const REAL *x = (const REAL *)lane_input(node, 0, lane) + rows.begin * in;
    REAL *y = (REAL *)lane_output(node, 0, lane) + rows.begin * out;
    if (node->input_count == 3)
        for (int64_t row = 0; row < count; row++)
            memcpy(y + row * out, lane_input(node, 2, lane), (size_t)out * sizeof(REAL));
    const struct gemm product = {.transpose_b = true, .m = count, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out};
    NAME(gemm_run)(&product, 1, x, lane_input(node, 1, lane), node->input_count == 3, y);
    lane->counted_flops += 2.0 * (double)count * (double)in * (double)out;
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t in = node->inputs[0]->width, out = node->outputs[0]->width, count = span_count(rows);
    REAL *dx = lane_input_gradient(node, 0, lane);
    if (!dx)
        return;
    const REAL *dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * out;
    const struct gemm product = {.m = count, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in};
    NAME(gemm_run)(&product, 1, dy, lane_input(node, 1, lane), lane_accumulates(node, 0, lane), dx + rows.begin * in);
    lane->counted_flops += 2.0 * (double)count * (double)in * (double)out;
}

static void NAME(backward_parameters)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t in = node->inputs[0]->width, out = node->outputs[0]->width, count = span_count(rows);
    const REAL *x = (const REAL *)lane_input(node, 0, lane) + rows.begin * in;
    const REAL *dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * out;
    REAL *dweight = lane_input_gradient(node, 1, lane);
    if (dweight) {
        const struct gemm product = {.transpose_a = true, .m = out, .n = in, .k = count, .lda = out, .ldb = in, .ldc = in};
        NAME(gemm_run)(&product, 1, dy, x, lane_accumulates(node, 1, lane), dweight);
        lane->counted_flops += 2.0 * (double)count * (double)in * (double)out;
    }
    REAL *dbias = node->input_count == 3 ? lane_input_gradient(node, 2, lane) : NULL;
    if (!dbias)
        return;
    if (!lane_accumulates(node, 2, lane))
        memset(dbias, 0, (size_t)out * sizeof(REAL));
    for (int64_t row = 0; row < count; row++)
        for (int64_t i = 0; i < out; i++)
            dbias[i] += dy[row * out + i];
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NAME(backward_parameters)};

#endif
