// softplus.c: softplus(x W1 + b1) W2 + b2, softplus(x) = log(1 + e^x): a worked plug-in with an operation of its own.
//
// Made outside the tree, the file is a plug-in; put under variants/ffn/, it is built in. Build and use it with
//   gcc -O3 -fPIC -shared -fno-math-errno -fopenmp-simd -I HARNESS -o softplus.so softplus.c
//   ablate check ffn/softplus --plugin softplus.so
// where HARNESS is the program's folder harness/. The part under `#else` is compiled twice, for float and for double.
#ifndef REAL

#include "registry/component.h"
#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

#include "tensor/twice.h"
#include "softplus.c"
#include "tensor/twice.h"
#include "softplus.c"
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

static const struct op softplus_op = {
    .name = "softplus",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0,
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

static struct tensor *softplus(struct graph *graph, struct tensor *x)
{
    return graph_op(graph, &softplus_op, NULL, (struct tensor *const[]){x}, 1);
}

static struct tensor *build(const struct block *block, const void *width, struct tensor *x)
{
    return ffn_plain(block, width, x, softplus);
}

const struct component ffn_softplus = {
    .slot = SLOT_FFN,
    .name = "softplus",
    .version = 1,
    .summary = "softplus(x W1 + b1) W2 + b2",
    .source = "Dugas et al. 2001, Incorporating Second-Order Functional Knowledge for Better Option Pricing",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .accepts = ffn_plain_accepts,
    .ffn = {.build = build},
};

#else

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which does not overflow.
static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    REAL *restrict y = (REAL *)lane_output(node, 0, lane) + rows.begin * width;
    for (int64_t i = 0; i < count; i++)
        y[i] = (x[i] > 0 ? x[i] : 0) + NAME(log_of)(1 + NAME(exp_of)(x[i] > 0 ? -x[i] : x[i]));
}

// dx = dy sigmoid(x)
static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * width;
    REAL *restrict dx = (REAL *)lane_input_gradient(node, 0, lane) + rows.begin * width;
    bool accumulates = lane_accumulates(node, 0, lane);
    for (int64_t i = 0; i < count; i++) {
        REAL change = dy[i] / (1 + NAME(exp_of)(-x[i]));
        dx[i] = accumulates ? dx[i] + change : change;
    }
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NULL};

#endif
