// test_activation.c: in float, activations and the slopes that forward saves are those of their formulas in double.
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tensor/lane.h"
#include "tensor/ops.h"

enum { COUNT = 24001 }; // from -12 to 12 in steps of 0.001
static const double ROOT_HALF = 0.70710678118654752440, DENSITY = 0.39894228040143267794;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double gelu(double x) { return x * 0.5 * erfc(-x * ROOT_HALF); }
static double gelu_slope(double x) { return 0.5 * erfc(-x * ROOT_HALF) + x * DENSITY * exp(-0.5 * x * x); }
static double silu(double x) { return x * sigmoid(x); }
static double silu_slope(double x) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }
static double sigmoid_slope(double x) { return sigmoid(x) * (1 - sigmoid(x)); }
static double relu2(double x) { return x > 0 ? x * x : 0; }
static double relu2_slope(double x) { return x > 0 ? 2 * x : 0; }

static const struct {
    const char *name;
    struct tensor *(*op)(struct graph *graph, struct tensor *x);
    double (*value)(double), (*slope)(double);
} cases[] = {
    {"gelu", op_gelu, gelu, gelu_slope},
    {"silu", op_silu, silu, silu_slope},
    {"sigmoid", op_sigmoid, sigmoid, sigmoid_slope},
    {"relu2", op_relu2, relu2, relu2_slope},
};

static bool plan_source(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, 1);
    return true;
}
static const struct op source = {.name = "source", .plan = plan_source};

// y and dx, for dy = 1, of `count` rows of one number each.
static void apply(struct tensor *(*op)(struct graph *, struct tensor *), enum graph_mode mode, int64_t count, const float *x,
                  float *y, float *dx)
{
    static unsigned char arena[6 * COUNT * sizeof(float)];
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    graph_open(&graph, mode, REAL_FLOAT, 1, count, &parameters, &error);
    struct tensor *input = graph_op(&graph, &source, NULL, NULL, 0);
    input->wants_gradient = true;
    const struct node *node = op(&graph, input)->producer;
    size_t bytes = (size_t)count * sizeof(float), offset = 0;
    for (int i = 0; i < graph.tensor_count; i++, offset += 2 * bytes) {
        graph.tensors[i]->offset = offset;
        graph.tensors[i]->gradient_offset = offset + bytes;
    }
    memcpy(arena + input->offset, x, bytes);
    for (int64_t i = 0; i < count; i++)
        ((float *)(arena + node->outputs[0]->gradient_offset))[i] = 1;
    struct lane lane = {.graph = &graph, .arena = arena, .parts = 1, .first_pass = true, .training = mode == GRAPH_TRAIN};
    const struct kernels *kernels = node->op->kernels[REAL_FLOAT];
    kernels->forward(node, (struct span){0, count}, &lane);
    memcpy(y, arena + node->outputs[0]->offset, bytes);
    if (mode == GRAPH_TRAIN) {
        kernels->backward(node, (struct span){0, count}, &lane);
        memcpy(dx, arena + input->gradient_offset, bytes);
    }
    graph_close(&graph);
}

// A few roundings of numbers of the result's size, and of 1 where that is less: Phi(x) is 1 minus its tail.
Test(activation, values_and_slopes_are_those_of_the_formulas)
{
    static float x[COUNT], y[COUNT], evaluated[COUNT], dx[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(i - COUNT / 2) * 0.001f;
    for (size_t a = 0; a < sizeof cases / sizeof *cases; a++) {
        apply(cases[a].op, GRAPH_TRAIN, COUNT, x, y, dx);
        apply(cases[a].op, GRAPH_EVAL, COUNT, x, evaluated, NULL);
        for (int i = 0; i < COUNT; i++) {
            double value = cases[a].value((double)x[i]), slope = cases[a].slope((double)x[i]);
            cr_assert(fabs((double)y[i] - value) <= 1e-6 * fmax(1, fabs(value)), "%s(%g) is %.9g, not %.9g", cases[a].name,
                      (double)x[i], (double)y[i], value);
            cr_assert(fabs((double)dx[i] - slope) <= 1e-6 * fmax(1, fabs(slope)), "%s's slope at %g is %.9g, not %.9g",
                      cases[a].name, (double)x[i], (double)dx[i], slope);
            cr_assert(fabs((double)(y[i] - evaluated[i])) <= 2e-7 * fmax(1, fabs(value)),
                      "%s(%g) is %.9g in training and %.9g in evaluation", cases[a].name, (double)x[i], (double)y[i],
                      (double)evaluated[i]);
        }
    }
}

// Where (1 + erf(x)) / 2 would cancel, the tail keeps its digits.
Test(activation, the_tail_of_gelu_keeps_its_digits)
{
    static float x[COUNT], y[COUNT], dx[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = -8 * (float)(i + 1) / COUNT;
    apply(op_gelu, GRAPH_TRAIN, COUNT, x, y, dx);
    for (int i = 0; i < COUNT; i++)
        cr_assert(fabs((double)y[i] / gelu((double)x[i]) - 1) < 5e-6, "gelu(%g) is %.9g, not %.9g", (double)x[i], (double)y[i],
                  gelu((double)x[i]));
}

Test(activation, far_away_and_nan)
{
    const float x[] = {40, -40, 1e20f, -1e20f, NAN};
    float y[5], dx[5];
    apply(op_gelu, GRAPH_TRAIN, 5, x, y, dx);
    cr_expect(y[0] == 40 && dx[0] == 1 && y[1] == 0 && dx[1] == 0 && y[2] == 1e20f && dx[2] == 1 && y[3] == 0 && dx[3] == 0);
    cr_expect(isnan(y[4]) && isnan(dx[4]));
}
