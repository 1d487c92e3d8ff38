// activation.c: functions of one number, applied to every element: relu, relu2, gelu, silu, sigmoid.
//
// Each is a pair: its value, and its slope at the input. The loops are written once and inline the pair, so that gcc
// vectorises them whole.
#ifndef REAL

#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

#include "tensor/twice.h"
#include "activation.c"
#include "tensor/twice.h"
#include "activation.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}

enum activation { RELU, RELU2, GELU, SILU, SIGMOID, ACTIVATION_COUNT };

// For each element: of the value, and of the slope and its product with the gradient.
static const struct {
    double forward, backward;
} flops[ACTIVATION_COUNT] = {
    [RELU] = {1, 2}, [RELU2] = {2, 3}, [GELU] = {5, 11}, [SILU] = {5, 9}, [SIGMOID] = {4, 7},
};

static struct cost cost(const struct node *node, int64_t sequences, int64_t time);
static const struct op activations[ACTIVATION_COUNT] = {
    [RELU] = {.name = "relu",
              .keeps = OP_KEEPS_INPUT_0,
              .plan = plan,
              .cost = cost,
              .kernels = {&relu_kernels_float, &relu_kernels_double}},
    [RELU2] = {.name = "relu2",
               .keeps = OP_KEEPS_INPUT_0,
               .plan = plan,
               .cost = cost,
               .kernels = {&relu2_kernels_float, &relu2_kernels_double}},
    [GELU] = {.name = "gelu",
              .keeps = OP_KEEPS_INPUT_0,
              .plan = plan,
              .cost = cost,
              .kernels = {&gelu_kernels_float, &gelu_kernels_double}},
    [SILU] = {.name = "silu",
              .keeps = OP_KEEPS_INPUT_0,
              .plan = plan,
              .cost = cost,
              .kernels = {&silu_kernels_float, &silu_kernels_double}},
    [SIGMOID] = {.name = "sigmoid",
                 .keeps = OP_KEEPS_INPUT_0,
                 .plan = plan,
                 .cost = cost,
                 .kernels = {&sigmoid_kernels_float, &sigmoid_kernels_double}},
};

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    ptrdiff_t activation = node->op - activations;
    return op_elementwise_cost(node, sequences, time, flops[activation].forward, flops[activation].backward);
}

static struct tensor *activate(struct graph *graph, enum activation activation, struct tensor *x)
{
    return graph_op(graph, &activations[activation], NULL, (struct tensor *const[]){x}, 1);
}

struct tensor *op_relu(struct graph *graph, struct tensor *x) { return activate(graph, RELU, x); }
struct tensor *op_relu2(struct graph *graph, struct tensor *x) { return activate(graph, RELU2, x); }
struct tensor *op_gelu(struct graph *graph, struct tensor *x) { return activate(graph, GELU, x); }
struct tensor *op_silu(struct graph *graph, struct tensor *x) { return activate(graph, SILU, x); }
struct tensor *op_sigmoid(struct graph *graph, struct tensor *x) { return activate(graph, SIGMOID, x); }

#else

static inline REAL NAME(relu)(REAL x) { return x > 0 ? x : 0; }
static inline REAL NAME(relu_slope)(REAL x) { return x > 0 ? 1 : 0; }

static inline REAL NAME(relu2)(REAL x) { return x > 0 ? x * x : 0; }
static inline REAL NAME(relu2_slope)(REAL x) { return x > 0 ? 2 * x : 0; }

// gelu(x) = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2; slope Phi(x) + x phi(x)
static inline REAL NAME(gelu)(REAL x) { return (REAL)0.5 * x * (1 + NAME(erf_of)(x * (REAL)0.70710678118654752440)); }
static inline REAL NAME(gelu_slope)(REAL x)
{
    REAL below = (REAL)0.5 * (1 + NAME(erf_of)(x * (REAL)0.70710678118654752440));
    return below + x * (REAL)0.39894228040143267794 * NAME(exp_of)((REAL)-0.5 * x * x);
}

static inline REAL NAME(sigmoid)(REAL x) { return 1 / (1 + NAME(exp_of)(-x)); }
static inline REAL NAME(sigmoid_slope)(REAL x) { return NAME(sigmoid)(x) * (1 - NAME(sigmoid)(x)); }

static inline REAL NAME(silu)(REAL x) { return x * NAME(sigmoid)(x); }
static inline REAL NAME(silu_slope)(REAL x)
{
    REAL gate = NAME(sigmoid)(x);
    return gate * (1 + x * (1 - gate));
}

static inline __attribute__((always_inline)) void NAME(map)(const struct node *node, struct span rows, struct lane *lane,
                                                            REAL (*value)(REAL))
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    REAL *restrict y = (REAL *)lane_output(node, 0, lane) + rows.begin * width;
    for (int64_t i = 0; i < count; i++)
        y[i] = value(x[i]);
}

static inline __attribute__((always_inline)) void NAME(map_back)(const struct node *node, struct span rows, struct lane *lane,
                                                                 REAL (*slope)(REAL))
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * width;
    REAL *restrict dx = (REAL *)lane_input_gradient(node, 0, lane) + rows.begin * width;
    if (lane_accumulates(node, 0, lane))
        for (int64_t i = 0; i < count; i++)
            dx[i] += dy[i] * slope(x[i]);
    else
        for (int64_t i = 0; i < count; i++)
            dx[i] = dy[i] * slope(x[i]);
}

static void NAME(relu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(relu));
}
static void NAME(relu_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map_back)(node, rows, lane, NAME(relu_slope));
}
static void NAME(relu2_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(relu2));
}
static void NAME(relu2_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map_back)(node, rows, lane, NAME(relu2_slope));
}
static void NAME(gelu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(gelu));
}
static void NAME(gelu_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map_back)(node, rows, lane, NAME(gelu_slope));
}
static void NAME(silu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(silu));
}
static void NAME(silu_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map_back)(node, rows, lane, NAME(silu_slope));
}
static void NAME(sigmoid_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(sigmoid));
}
static void NAME(sigmoid_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map_back)(node, rows, lane, NAME(sigmoid_slope));
}

static const struct kernels NAME(relu_kernels) = {NAME(relu_forward), NAME(relu_backward), NULL};
static const struct kernels NAME(relu2_kernels) = {NAME(relu2_forward), NAME(relu2_backward), NULL};
static const struct kernels NAME(gelu_kernels) = {NAME(gelu_forward), NAME(gelu_backward), NULL};
static const struct kernels NAME(silu_kernels) = {NAME(silu_forward), NAME(silu_backward), NULL};
static const struct kernels NAME(sigmoid_kernels) = {NAME(sigmoid_forward), NAME(sigmoid_backward), NULL};

#endif
