// dropout.c: zeroes a fraction of elements in training and divides the rest by what is left (Srivastava et al. 2014).
//
// The mask is a function of (seed, name, step, row of the batch, column), so backward draws it again instead of keeping it, and
// it depends neither on lanes nor on how rows are cut.
#ifndef REAL

#include <stdio.h>

#include "base/random.h"
#include "tensor/ops/op.h"

struct dropout {
    double rate;
    char name[TENSOR_NAME_SIZE];
};

#include "tensor/twice.h"
#include "dropout.c"
#include "tensor/twice.h"
#include "dropout.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}

static struct cost cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 1, 1);
}

static const struct op dropout = {
    .name = "dropout",
    .rows = OP_ROWS_LOCAL,
    .attributes_size = sizeof(struct dropout),
    .plan = plan,
    .cost = cost,
    .kernels = {&kernels_float, &kernels_double},
};

struct tensor *op_dropout(struct graph *graph, struct tensor *x, double rate, const char *name)
{
    if (graph->mode != GRAPH_TRAIN || rate == 0)
        return x;
    struct dropout attributes = {.rate = rate};
    snprintf(attributes.name, sizeof attributes.name, "dropout %s", name);
    return graph_op(graph, &dropout, &attributes, (struct tensor *const[]){x}, 1);
}

#else

// y = mask x / (1 - rate), or += ; four columns share one block of random bits.
static void NAME(mask)(const struct node *node, struct span rows, const struct lane *lane, const REAL *x, REAL *y,
                       bool accumulate)
{
    const struct dropout *attributes = node->attributes;
    int64_t width = node->inputs[0]->width;
    uint64_t key = random_key(lane->seed, attributes->name, lane->step);
    uint32_t threshold = (uint32_t)(attributes->rate * 4294967296.0);
    REAL factor = (REAL)(1 / (1 - attributes->rate));
    for (int64_t row = rows.begin; row < rows.end; row++)
        for (int64_t column = 0; column < width; column += 4) {
            struct random_block block = random_block(key, (uint64_t)(lane->first_row + row), (uint64_t)column);
            for (int64_t i = row * width + column, j = 0; j < 4 && column + j < width; j++) {
                REAL value = block.word[j] >= threshold ? x[i + j] * factor : 0;
                y[i + j] = accumulate ? y[i + j] + value : value;
            }
        }
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->inputs[0]->width;
    const REAL *x = lane_input(node, 0, lane);
    REAL *y = lane_output(node, 0, lane);
    if (lane->training)
        NAME(mask)(node, rows, lane, x, y, false);
    else
        memcpy(y + rows.begin * width, x + rows.begin * width, (size_t)(span_count(rows) * width) * sizeof(REAL));
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(mask)
    (node, rows, lane, lane_output_gradient(node, 0, lane), lane_input_gradient(node, 0, lane),
     lane_accumulates(node, 0, lane));
}

static const struct kernels NAME(kernels) = {NAME(forward), NAME(backward), NULL};

#endif
