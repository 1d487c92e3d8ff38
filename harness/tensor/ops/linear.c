// linear.c: y = x W^T + b.  x [rows, in], W [out, in], b [out] or none, y [rows, out].
//
// dx = dy W,  dW = dy^T x,  db = sum over rows of dy. Three products of the same size, in the graph's way (gemm.h): x comes
// rounded, W is packed before the batch, dy is rounded here, once, in the workspace.
//
// Queries and keys in GEMM_BF16X3 take x as it is and round it for dW alone. A score's error of 4e-6 is multiplied by the
// steepness of the softmax: with rounded scores one of PyTorch's cases misses its gradients by 1.5e-4, with these none by more
// than 1e-4.
#ifndef REAL

#include "tensor/ops/op.h"

// What planning prepares. A pack is NULL where the weight's own values serve.
struct linear {
    struct gemm_way way; // of the gradients' products
    struct gemm_product *forward, *backward, *weight;
    const struct graph_pack *forward_pack, *backward_pack;
    size_t dy_bytes, x_bytes; // rounded, in the workspace, in front of the products' scratch; 0: as they are
    size_t element;           // bytes of an operand's number
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

static bool check_shapes(const struct node *node, struct error *error)
{
    const struct tensor *x = node->inputs[0], *weight = node->inputs[1];
    if (weight->rank != 2 || weight->shape[1] != x->width)
        return error_add(error, "%s takes rows of %lld numbers and gets %lld", weight->name, (long long)weight->shape[1],
                         (long long)x->width);
    if (node->input_count == 3 && node->inputs[2]->width != weight->shape[0])
        return error_add(error, "%s has not one number for each row of the matrix", node->inputs[2]->name);
    return true;
}

static bool open_products(struct graph *graph, struct linear *linear, struct gemm_way forward_way, const struct node *node,
                          struct error *error)
{
    const struct tensor *x = node->inputs[0], *weight = node->inputs[1];
    int64_t out = weight->shape[0], in = weight->shape[1], rows = graph_call_rows(graph);
    const struct gemm_request forward = {.way = forward_way,
                                         .b_is_weight = true,
                                         .gemm = {false, true, rows, out, in, in, in, out}};
    const struct gemm_request backward = {.way = linear->way,
                                          .b_is_weight = true,
                                          .gemm = {false, false, rows, in, out, out, in, in}};
    const struct gemm_request gradient = {.way = linear->way,
                                          .rows_are_k = true,
                                          .gemm = {true, false, out, in, rows, out, in, in}};
    if (!(linear->forward = graph_product(graph, &forward, error)) ||
        (x->wants_gradient && !(linear->backward = graph_product(graph, &backward, error))) ||
        (weight->wants_gradient && !(linear->weight = graph_product(graph, &gradient, error))))
        return false;
    linear->forward_pack = graph_pack(graph, weight, linear->forward);
    linear->backward_pack = linear->backward ? graph_pack(graph, weight, linear->backward) : NULL;
    return true;
}

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    bool plain = *(const bool *)node->attributes;
    struct linear *linear = arena_allocate(&graph->arena, 1, sizeof *linear);
    struct gemm_way forward_way = graph->way;
    *linear =
        (struct linear){.way = graph->way, .element = gemm_element_size(gemm_storage(graph->way, graph->real), graph->real)};
    if (plain)
        forward_way = (struct gemm_way){.format = GEMM_REAL, .library = graph->way.library};
    if (!check_shapes(node, error) || !open_products(graph, linear, forward_way, node, error))
        return false;
    if (graph->way.format != GEMM_REAL && graph->mode == GRAPH_TRAIN) {
        size_t rows = (size_t)graph_call_rows(graph);
        linear->dy_bytes = size_align(rows * (size_t)node->inputs[1]->shape[0] * linear->element);
        linear->x_bytes = plain ? size_align(rows * (size_t)node->inputs[1]->shape[1] * linear->element) : 0;
    }
    node->workspace = linear->dy_bytes + linear->x_bytes + largest_scratch(linear);
    node->prepared = linear;
    graph_output(graph, node, node->inputs[1]->shape[0]);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    double rows = (double)(sequences * time), in = (double)node->inputs[0]->width, out = (double)node->outputs[0]->width;
    double product = 2 * rows * in * out, moved = rows * (in + out) + in * out,
           biased = node->input_count == 3 ? rows * out : 0;
    struct cost cost = {.phases[PHASE_FORWARD] = {product + biased, product, OP_NUMBER_BYTES * moved}};
    if (node->inputs[0]->wants_gradient)
        cost.phases[PHASE_BACKWARD] =
            (struct phase_cost){product, product, OP_NUMBER_BYTES * (moved + (node->accumulate[0] ? rows * in : 0))};
    if (node->inputs[1]->wants_gradient)
        cost.phases[PHASE_BACKWARD_PARAMETERS] =
            (struct phase_cost){product + biased, product, OP_NUMBER_BYTES * (moved + (node->accumulate[1] ? in * out : 0))};
    return cost;
}

static const struct op linear_op = {
    .name = "linear",
    .rows = OP_ROWS_LOCAL,
    .attributes_size = sizeof(bool), // whether x comes as it is, although the graph rounds
    .keeps = OP_KEEPS_INPUT_0,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

static struct tensor *multiply(struct graph *graph, struct tensor *x, bool plain, struct tensor *weight, struct tensor *bias)
{
    struct tensor *inputs[] = {plain ? x : op_rounded(graph, x), weight, bias};
    return graph_op(graph, &linear_op, &plain, inputs, bias ? 3 : 2);
}

struct tensor *op_linear(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias)
{
    return multiply(graph, x, false, weight, bias);
}

struct tensor *op_linear_of_scores(struct graph *graph, struct tensor *x, struct tensor *weight, struct tensor *bias)
{
    return multiply(graph, x, graph->way.format == GEMM_BF16X3, weight, bias);
}

struct gemm_way op_linear_forward_way(const struct node *node)
{
    return gemm_product_request(((const struct linear *)node->prepared)->forward)->way;
}

#else

// Row `row` of the input, as it is kept.
static const void *NAME(input_at)(const struct node *node, int64_t row, const struct lane *lane)
{
    bool plain = *(const bool *)node->attributes;
    size_t element = plain ? sizeof(REAL) : ((const struct linear *)node->prepared)->element;
    return (const char *)lane_input(node, 0, lane) + (size_t)(row * node->inputs[0]->width) * element;
}

static const void *NAME(weight_of)(const struct node *node, const struct graph_pack *pack, const struct lane *lane)
{
    return pack ? lane->packs + pack->offset : lane_input(node, 1, lane);
}

// The output's gradient and the input as the gradients' products want them: themselves, or rounded in the workspace. Of the two
// products that read the gradient, the weight's comes first and rounds it for both.
static const void *NAME(gradient_operand)(const struct node *node, struct span rows, bool is_rounded, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    int64_t out = node->outputs[0]->width;
    const REAL *dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * out;
    if (!linear->dy_bytes)
        return dy;
    if (!is_rounded)
        gemm_round(linear->way, lane->graph->real, span_count(rows), out, dy, lane->workspace);
    return lane->workspace;
}
static const void *NAME(input_operand)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    const void *x = NAME(input_at)(node, rows.begin, lane);
    if (!linear->x_bytes)
        return x;
    gemm_round(linear->way, lane->graph->real, span_count(rows), node->inputs[0]->width, x, lane->workspace + linear->dy_bytes);
    return lane->workspace + linear->dy_bytes;
}

static void NAME(run_product)(const struct node *node, struct gemm_product *product, int64_t rows, struct gemm_call call,
                              struct lane *lane)
{
    const struct linear *linear = node->prepared;
    call.scratch = lane->workspace + linear->dy_bytes + linear->x_bytes;
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
    NAME(run_product)(node, linear->forward, count, call, lane);
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    REAL *dx = lane_input_gradient(node, 0, lane);
    if (!dx)
        return;
    bool is_rounded = lane_input_gradient(node, 1, lane);
    const struct gemm_call call = {.a = NAME(gradient_operand)(node, rows, is_rounded, lane),
                                   .b = NAME(weight_of)(node, linear->backward_pack, lane),
                                   .c = dx + rows.begin * node->inputs[0]->width,
                                   .accumulate = lane_accumulates(node, 0, lane)};
    NAME(run_product)(node, linear->backward, span_count(rows), call, lane);
}

static void NAME(backward_parameters)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct linear *linear = node->prepared;
    int64_t out = node->outputs[0]->width, count = span_count(rows);
    REAL *dweight = lane_input_gradient(node, 1, lane);
    if (dweight) {
        const struct gemm_call call = {.a = NAME(gradient_operand)(node, rows, false, lane),
                                       .b = NAME(input_operand)(node, rows, lane),
                                       .c = dweight,
                                       .accumulate = lane_accumulates(node, 1, lane)};
        NAME(run_product)(node, linear->weight, count, call, lane);
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
