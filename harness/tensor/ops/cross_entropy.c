// cross_entropy.c: the loss of each row and the root of the backward pass.
//
// logits [rows, vocab], targets [rows] (-1 counts for nothing) -> loss [rows] = log Z - logit[target], log Z [rows].
// Z sums exp(logit - largest), so it cannot overflow. The objective is mean(loss) + z_loss mean(log Z^2), so
//   dlogit = weight (p (1 + 2 z_loss log Z) - [it is the target]),  weight = 1 / targets counted in the whole batch.
#ifndef REAL

#include "tensor/ops/op.h"
#include "tensor/vector_math.h"

#include "tensor/twice.h"
#include "cross_entropy.c"
#include "tensor/twice.h"
#include "cross_entropy.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    if (node->inputs[1]->dtype != DTYPE_INT32)
        return error_add(error, "targets are no indices");
    graph_output(graph, node, 1);
    graph_output(graph, node, 1);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    double numbers = (double)(sequences * time * node->inputs[0]->width);
    struct cost cost = {.phases[PHASE_FORWARD] = {.flops = 4 * numbers, .bytes = OP_NUMBER_BYTES * numbers}};
    if (node->inputs[0]->wants_gradient)
        cost.phases[PHASE_BACKWARD] = (struct phase_cost){.flops = 3 * numbers, .bytes = OP_NUMBER_BYTES * 2 * numbers};
    return cost;
}

static const struct op cross_entropy = {
    .name = "cross_entropy",
    .rows = OP_ROWS_LOCAL,
    .keeps = OP_KEEPS_INPUT_0 | OP_KEEPS_OUTPUT_1,
    .attributes_size = sizeof(double),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_cross_entropy(struct graph *graph, struct tensor *logits, struct tensor *targets, double z_loss,
                                struct tensor **log_z)
{
    struct tensor *loss = graph_op(graph, &cross_entropy, &z_loss, (struct tensor *const[]){logits, targets}, 2);
    *log_z = loss ? loss->producer->outputs[1] : NULL;
    return loss;
}

#else

static inline REAL NAME(log_sum_exp)(const REAL *x, int64_t width)
{
    REAL largest = x[0], sum = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 1; i < width; i++)
        largest = x[i] > largest ? x[i] : largest;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++)
        sum += NAME(exp_of)(x[i] - largest);
    return largest + NAME(log_of)(sum);
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t vocab = node->inputs[0]->width;
    const int32_t *targets = lane_input(node, 1, lane);
    REAL *loss = lane_output(node, 0, lane), *log_z = lane_output(node, 1, lane);
    for (int64_t row = rows.begin; row < rows.end; row++) {
        const REAL *logits = (const REAL *)lane_input(node, 0, lane) + row * vocab;
        log_z[row] = NAME(log_sum_exp)(logits, vocab);
        loss[row] = targets[row] < 0 ? 0 : log_z[row] - logits[targets[row]];
    }
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t vocab = node->inputs[0]->width;
    const int32_t *targets = lane_input(node, 1, lane);
    const REAL *log_z = lane_output(node, 1, lane);
    REAL *gradient = lane_input_gradient(node, 0, lane);
    REAL weight = (REAL)lane->loss_weight, z_loss = (REAL) * (const double *)node->attributes;
    for (int64_t row = rows.begin; row < rows.end; row++) {
        const REAL *restrict logits = (const REAL *)lane_input(node, 0, lane) + row * vocab;
        REAL *restrict dlogits = gradient + row * vocab;
        REAL factor = targets[row] < 0 ? 0 : weight * (1 + 2 * z_loss * log_z[row]), z = log_z[row];
        for (int64_t i = 0; i < vocab; i++)
            dlogits[i] = factor * NAME(exp_of)(logits[i] - z);
        if (targets[row] >= 0)
            dlogits[targets[row]] -= weight;
    }
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NULL};

#endif
