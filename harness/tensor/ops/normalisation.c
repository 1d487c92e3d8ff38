// normalisation.c: layer norm and RMS norm, over groups of a row.
//
// x [rows, groups * width], gain [width], bias [width] or none. A block's norm has one group; qk_norm has one for each head.
//   layernorm  y = gain (x - mean) / sqrt(variance + eps) + bias        Ba et al. 2016, arXiv 1607.06450
//   rmsnorm    y = gain x / sqrt(mean(x^2) + eps)                       Zhang and Sennrich 2019, arXiv 1910.07467
// Saved for backward, for each group of each row: the mean (0 for rmsnorm) and the reciprocal of the root.
#ifndef REAL

#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

struct normalisation {
    double eps;
    bool centred;
};

#include "tensor/twice.h"
#include "normalisation.c"
#include "tensor/twice.h"
#include "normalisation.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    int64_t width = node->inputs[1]->width;
    if (node->inputs[0]->width % width)
        return error_add(error, "rows of %lld numbers are no multiple of %s's %lld", (long long)node->inputs[0]->width,
                         node->inputs[1]->name, (long long)width);
    graph_output(graph, node, node->inputs[0]->width);
    graph_saved(graph, node, DTYPE_REAL, 2 * (node->inputs[0]->width / width));
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    const struct normalisation *attributes = node->attributes;
    const double flops[PHASE_COUNT] = {attributes->centred ? 8 : 4, attributes->centred ? 11 : 7, attributes->centred ? 5 : 3};
    struct cost cost = op_elementwise_cost(node, sequences, time, flops[PHASE_FORWARD], flops[PHASE_BACKWARD]);
    double numbers = (double)(sequences * time * node->inputs[0]->width);
    if (node->inputs[1]->wants_gradient)
        cost.phases[PHASE_BACKWARD_PARAMETERS] =
            (struct phase_cost){.flops = flops[PHASE_BACKWARD_PARAMETERS] * numbers, .bytes = OP_NUMBER_BYTES * 2 * numbers};
    return cost;
}

static const struct op layernorm = {
    .name = "layernorm",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0,
    .attributes_size = sizeof(struct normalisation),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};
static const struct op rmsnorm = {
    .name = "rmsnorm",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0,
    .attributes_size = sizeof(struct normalisation),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_layernorm(struct graph *graph, struct tensor *x, struct tensor *gain, struct tensor *bias, double eps)
{
    const struct normalisation attributes = {.eps = eps, .centred = true};
    return graph_op(graph, &layernorm, &attributes, (struct tensor *const[]){x, gain, bias}, bias ? 3 : 2);
}

struct tensor *op_rmsnorm(struct graph *graph, struct tensor *x, struct tensor *gain, double eps)
{
    const struct normalisation attributes = {.eps = eps, .centred = false};
    return graph_op(graph, &rmsnorm, &attributes, (struct tensor *const[]){x, gain}, 2);
}

#else

static inline REAL NAME(mean_of)(const REAL *x, int64_t width)
{
    REAL sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++)
        sum += x[i];
    return sum / (REAL)width;
}

static inline REAL NAME(mean_square)(const REAL *x, REAL centre, int64_t width)
{
    REAL sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++)
        sum += (x[i] - centre) * (x[i] - centre);
    return sum / (REAL)width;
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct normalisation *attributes = node->attributes;
    int64_t width = node->inputs[1]->width, groups = node->inputs[0]->width / width;
    const REAL *gain = lane_input(node, 1, lane), *bias = node->input_count == 3 ? lane_input(node, 2, lane) : NULL;
    REAL *saved = lane_saved(node, lane);
    for (int64_t group = rows.begin * groups; group < rows.end * groups; group++) {
        const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + group * width;
        REAL *restrict y = (REAL *)lane_output(node, 0, lane) + group * width;
        REAL mean = attributes->centred ? NAME(mean_of)(x, width) : 0;
        REAL factor = 1 / NAME(sqrt_of)(NAME(mean_square)(x, mean, width) + (REAL)attributes->eps);
        saved[2 * group] = mean;
        saved[2 * group + 1] = factor;
        if (bias)
            for (int64_t i = 0; i < width; i++)
                y[i] = (x[i] - mean) * factor * gain[i] + bias[i];
        else
            for (int64_t i = 0; i < width; i++)
                y[i] = (x[i] - mean) * factor * gain[i];
    }
}

// With n = (x - mean) factor and dn = dy gain: dx = factor (dn - mean(dn) - n mean(dn n)); rmsnorm lacks the middle term.
static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct normalisation *attributes = node->attributes;
    int64_t width = node->inputs[1]->width, groups = node->inputs[0]->width / width;
    const REAL *restrict gain = lane_input(node, 1, lane), *saved = lane_saved(node, lane);
    REAL *gradient = lane_input_gradient(node, 0, lane);
    bool accumulate = lane_accumulates(node, 0, lane);
    if (!gradient)
        return;
    for (int64_t group = rows.begin * groups; group < rows.end * groups; group++) {
        const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + group * width;
        const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + group * width;
        REAL *restrict dx = gradient + group * width;
        REAL mean = saved[2 * group], factor = saved[2 * group + 1], sum = 0, along = 0;
#pragma omp simd reduction(+ : sum, along)
        for (int64_t i = 0; i < width; i++) {
            REAL dn = dy[i] * gain[i];
            sum += dn;
            along += dn * (x[i] - mean);
        }
        sum = attributes->centred ? sum / (REAL)width : 0;
        along = along * factor * factor / (REAL)width;
        for (int64_t i = 0; i < width; i++) {
            REAL change = factor * (dy[i] * gain[i] - sum - (x[i] - mean) * along);
            dx[i] = accumulate ? dx[i] + change : change;
        }
    }
}

static void NAME(backward_parameters)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->inputs[1]->width, groups = node->inputs[0]->width / width;
    const REAL *saved = lane_saved(node, lane);
    REAL *restrict dgain = lane_input_gradient(node, 1, lane);
    REAL *restrict dbias = node->input_count == 3 ? lane_input_gradient(node, 2, lane) : NULL;
    if (dgain && !lane_accumulates(node, 1, lane))
        memset(dgain, 0, (size_t)width * sizeof(REAL));
    if (dbias && !lane_accumulates(node, 2, lane))
        memset(dbias, 0, (size_t)width * sizeof(REAL));
    for (int64_t group = rows.begin * groups; group < rows.end * groups; group++) {
        const REAL *restrict x = (const REAL *)lane_input(node, 0, lane) + group * width;
        const REAL *restrict dy = (const REAL *)lane_output_gradient(node, 0, lane) + group * width;
        REAL mean = saved[2 * group], factor = saved[2 * group + 1];
        for (int64_t i = 0; dgain && i < width; i++)
            dgain[i] += dy[i] * (x[i] - mean) * factor;
        for (int64_t i = 0; dbias && i < width; i++)
            dbias[i] += dy[i];
    }
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NAME(backward_parameters)};

#endif
