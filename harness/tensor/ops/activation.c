// activation.c: functions of one number, applied to every element: relu, relu2, gelu, silu, sigmoid.
//
// In training, forward saves the slope at the input in place of the input: it shares its exponential with the value, and
// backward is one product. The loops are written once and inline the function, so that gcc vectorises them whole.
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
    if (graph->mode == GRAPH_TRAIN)
        graph_saved(graph, node, DTYPE_REAL, node->inputs[0]->width);
    return true;
}

enum activation { RELU, RELU2, GELU, SILU, SIGMOID, ACTIVATION_COUNT };

// For each element, of the value and the slope together.
static const double flops[ACTIVATION_COUNT] = {[RELU] = 2, [RELU2] = 3, [GELU] = 32, [SILU] = 9, [SIGMOID] = 6};

static struct cost cost(const struct node *node, int64_t sequences, int64_t time);
static const struct op activations[ACTIVATION_COUNT] = {
    [RELU] = {.name = "relu", .plan = plan, .cost = cost, .kernels = {&relu_kernels_float, &relu_kernels_double}},
    [RELU2] = {.name = "relu2", .plan = plan, .cost = cost, .kernels = {&relu2_kernels_float, &relu2_kernels_double}},
    [GELU] = {.name = "gelu", .plan = plan, .cost = cost, .kernels = {&gelu_kernels_float, &gelu_kernels_double}},
    [SILU] = {.name = "silu", .plan = plan, .cost = cost, .kernels = {&silu_kernels_float, &silu_kernels_double}},
    [SIGMOID] = {.name = "sigmoid", .plan = plan, .cost = cost, .kernels = {&sigmoid_kernels_float, &sigmoid_kernels_double}},
};

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, flops[node->op - activations], 1);
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

// Each function gives its value, and its slope where that is wanted.

static inline REAL NAME(relu)(REAL x, REAL *slope)
{
    *slope = x > 0 ? 1 : 0;
    return x > 0 ? x : 0;
}

static inline REAL NAME(relu2)(REAL x, REAL *slope)
{
    *slope = x > 0 ? 2 * x : 0;
    return x > 0 ? x * x : 0;
}

// Phi(x) and phi(x) of the standard normal distribution. In float, Phi(-|x|) = t P(t) e^(-x^2/2) / 2 with
// t = 1 / (1 + 0.3 |x| / sqrt 2), the form of Abramowitz and Stegun 7.1.26, takes the exponential that phi needs; P is minimax
// in the relative error, 2e-8 up to |x| = 12.
#if REAL_IS_FLOAT
static inline float normal_float(float x, float *density)
{
    float bell = NAME(exp_of)(-0.5f * x * x), t = 1 / (1 + 0.3f * 0.70710678f * (x < 0 ? -x : x));
    float p = -0x1.08b686p-3f * t + 0x1.efc4fcp-2f;
    p = p * t - 0x1.04a728p-1f;
    p = p * t + 0x1.165ecap-1f;
    p = p * t - 0x1.76f6bp-4f;
    p = p * t + 0x1.b51a66p-3f;
    p = p * t + 0x1.30b2bcp-3f;
    p = p * t + 0x1.5d7a5cp-3f;
    p = p * t + 0x1.5a81dap-3f;
    float tail = 0.5f * t * p * bell;
    *density = 0.3989422804f * bell;
    return x < 0 ? tail : 1 - tail;
}
#else
static inline double normal_double(double x, double *density)
{
    *density = 0.39894228040143267794 * exp(-0.5 * x * x);
    return 0.5 * (1 + erf(x * 0.70710678118654752440));
}
#endif

// x Phi(x); slope Phi(x) + x phi(x)
static inline REAL NAME(gelu)(REAL x, REAL *slope)
{
    REAL density, below = NAME(normal)(x, &density);
    *slope = below + x * density;
    return x * below;
}

static inline REAL NAME(sigmoid)(REAL x, REAL *slope)
{
    REAL gate = 1 / (1 + NAME(exp_of)(-x));
    *slope = gate * (1 - gate);
    return gate;
}

static inline REAL NAME(silu)(REAL x, REAL *slope)
{
    REAL gate = 1 / (1 + NAME(exp_of)(-x));
    *slope = gate * (1 + x * (1 - gate));
    return x * gate;
}

static inline __attribute__((always_inline)) void NAME(map)(const struct node *node, struct span rows, struct lane *lane,
                                                            REAL (*function)(REAL, REAL *))
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + rows.begin * width;
    REAL *restrict y = (REAL *)lane_output(node, 0, lane) + rows.begin * width, unread;
    REAL *restrict slopes = node->saved ? (REAL *)lane_saved(node, lane) + rows.begin * width : NULL;
    if (slopes)
        for (int64_t i = 0; i < count; i++)
            y[i] = function(x[i], &slopes[i]);
    else
        for (int64_t i = 0; i < count; i++)
            y[i] = function(x[i], &unread);
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width, count = span_count(rows) * width;
    const REAL *restrict slopes = (const REAL *)lane_saved(node, lane) + rows.begin * width;
    const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + rows.begin * width;
    REAL *restrict dx = (REAL *)lane_input_gradient(node, 0, lane) + rows.begin * width;
    if (lane_accumulates(node, 0, lane))
        for (int64_t i = 0; i < count; i++)
            dx[i] += dy[i] * slopes[i];
    else
        for (int64_t i = 0; i < count; i++)
            dx[i] = dy[i] * slopes[i];
}

static void NAME(relu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(relu));
}
static void NAME(relu2_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(relu2));
}
static void NAME(gelu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(gelu));
}
static void NAME(silu_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(silu));
}
static void NAME(sigmoid_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(map)(node, rows, lane, NAME(sigmoid));
}

static const struct kernels NAME(relu_kernels) = {NAME(relu_forward), NAME(backward), NULL};
static const struct kernels NAME(relu2_kernels) = {NAME(relu2_forward), NAME(backward), NULL};
static const struct kernels NAME(gelu_kernels) = {NAME(gelu_forward), NAME(backward), NULL};
static const struct kernels NAME(silu_kernels) = {NAME(silu_forward), NAME(backward), NULL};
static const struct kernels NAME(sigmoid_kernels) = {NAME(sigmoid_forward), NAME(backward), NULL};

#endif
