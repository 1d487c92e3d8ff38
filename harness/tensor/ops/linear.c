// linear.c: y = x W^T + b.  x [rows, in], W [out, in], b [out] or none, y [rows, out].
//
// dx = dy W,  dW = dy^T x,  db = sum over rows of dy. Three products of the same size, in the graph's way (gemm.h): x comes rounded,
// W is packed before the batch, dy is rounded here, in the workspace.
#ifndef REAL

#include "tensor/ops/op.h"

// What planning prepares. A pack is NULL where the weight's own values serve.
struct linear {
    struct gemm_product *forward, *backward, *weight;
    const struct graph_pack *forward_pack, *backward_pack;
    size_t rounded_bytes; // of dy, in front of the products' scratch
};

#include "tensor/twice.h"
#include "linear.c"
#include "tensor/twice.h"
#include "linear.c"
#include "tensor/twice.h"

static size_t largest_scratch(const struct linear *linear)
{
    struct gemm_product *const products[] = {linear->forward, linear->backward, linear->weight};
    size_t most = 0;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        if (products[i] && gemm_scratch(products[i]) > most)
            most = gemm_scratch(products[i]);
    return most;
}

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    const struct tensor *x = node->inputs[0], *weight = node->inputs[1];
    if (weight->rank != 2 || weight->shape[1] != x->width)
        return error_add(error, "%s takes rows of %lld numbers and gets %lld", weight->name, (long long)weight->shape[1],
                         (long long)x->width);
    if (node->input_count == 3 && node->inputs[2]->width != weight->shape[0])
        return error_add(error, "%s has not one number for each row of the matrix", node->inputs[2]->name);
    struct linear *linear = arena_allocate(&graph->arena, 1, sizeof *linear);
    int64_t out = weight->shape[0], in = weight->shape[1], rows = graph->sequences * graph->time;
    const struct gemm forward = {.transpose_b = true, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out};
    const struct gemm backward = {.m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in};
    const struct gemm gradient = {.transpose_a = true, .m = out, .n = in, .k = rows, .lda = out, .ldb = in, .ldc = in};
    *linear = (struct linear){.forward = graph_product(graph, &forward, false, true, error)};
    if (!linear->forward)
        return false;
    linear->forward_pack = graph_pack(graph, weight, linear->forward);
    if (x->wants_gradient) {
        linear->backward = graph_product(graph, &backward, false, true, error);
        if (!linear->backward)
            return false;
        linear->backward_pack = graph_pack(graph, weight, linear->backward);
    }
    if (weight->wants_gradient) {
        linear->weight = graph_product(graph, &gradient, true, false, error);
        if (!linear->weight)
            return false;
    }
    if (graph->way.format != GEMM_REAL && graph->mode == GRAPH_TRAIN)
        linear->rounded_bytes =
            size_align((size_t)(rows * out) * gemm_element_size(gemm_storage(graph->way, graph->real), graph->real));
    node->workspace = linear->rounded_bytes + largest_scratch(linear);
    node->prepared = linear;
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

static const struct op linear_op = {
    .name = "linear",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_linear(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias)
{
    return graph_op(graph, &linear_op, NULL, (struct tensor *const[]){op_rounded(graph, x), weight, bias}, bias ? 3 : 2);
}

#else

// Row `row` of the input in its storage.
static const void *NAME(input_at)(const struct node *node, int64_t row, const struct lane *lane)
{
    const struct graph *graph = lane->graph;
    size_t element = gemm_element_size(gemm_storage(graph->way, graph->real), graph->real);
    return (const char *)lane_input(node, 0, lane) + (size_t)(row * node->inputs[0]->width) * element;
}

static const void *NAME(weight_of)(const struct node *node, const struct graph_pack *pack, const struct lane *lane)
{
    return pack ? lane->packs + pack->offset : lane_input(node, 1, lane);
}

// The output's gradient as products want it: itself, or rounded in the workspace.
static const void *NAME(output_gradient)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct graph *graph = lane->graph;
    int64_t out = node->outputs[0]->width;
    const REAL *dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * out;
    if (graph->way.format == GEMM_REAL)
        return dy;
    gemm_round(graph->way, graph->real, span_count(rows), out, dy, lane->workspace);
    return lane->workspace;
}

static void NAME(multiply)(const struct node *node, struct gemm_product *product, int64_t rows, struct gemm_call call,
                           struct lane *lane)
{
    const struct linear *linear = node->prepared;
    call.scratch = lane->workspace + linear->rounded_bytes;
    call.lane = lane->index;
    gemm_run(product, rows, &call);
    lane->counted_flops += 2.0 * (double)rows * (double)node->inputs[0]->width * (double)node->outputs[0]->width;
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    int64_t out = node->outputs[0]->width, count = span_count(rows);
    REAL *y = (REAL *)lane_output(node, 0, lane) + rows.begin * out;
    if (node->input_count == 3)
        for (int64_t row = 0; row < count; row++)
            memcpy(y + row * out, lane_input(node, 2, lane), (size_t)out * sizeof(REAL));
    const struct gemm_call call = {.a = NAME(input_at)(node, rows.begin, lane),
                                   .b = NAME(weight_of)(node, linear->forward_pack, lane),
                                   .c = y,
                                   .accumulate = node->input_count == 3};
    NAME(multiply)(node, linear->forward, count, call, lane);
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    REAL *dx = lane_input_gradient(node, 0, lane);
    if (!dx)
        return;
    const struct gemm_call call = {.a = NAME(output_gradient)(node, rows, lane),
                                   .b = NAME(weight_of)(node, linear->backward_pack, lane),
                                   .c = dx + rows.begin * node->inputs[0]->width,
                                   .accumulate = lane_accumulates(node, 0, lane)};
    NAME(multiply)(node, linear->backward, span_count(rows), call, lane);
}

static void NAME(backward_parameters)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    int64_t out = node->outputs[0]->width, count = span_count(rows);
    REAL *dweight = lane_input_gradient(node, 1, lane);
    if (dweight) {
        const struct gemm_call call = {.a = NAME(output_gradient)(node, rows, lane),
                                       .b = NAME(input_at)(node, rows.begin, lane),
                                       .c = dweight,
                                       .accumulate = lane_accumulates(node, 1, lane)};
        NAME(multiply)(node, linear->weight, count, call, lane);
    }
    REAL *dbias = node->input_count == 3 ? lane_input_gradient(node, 2, lane) : NULL;
    if (!dbias)
        return;
    const REAL *dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * out;
    if (!lane_accumulates(node, 2, lane))
        memset(dbias, 0, (size_t)out * sizeof(REAL));
    for (int64_t row = 0; row < count; row++)
        for (int64_t i = 0; i < out; i++)
            dbias[i] += dy[row * out + i];
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NAME(backward_parameters)};

#endif
