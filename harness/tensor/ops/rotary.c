// rotary.c: position by angles: rope rotates the halves of each head, sinusoidal adds waves to the embeddings.
//
//   rope        (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin), angle = position theta^(-2i/head_dim)    arXiv 2104.09864
//   sinusoidal  even columns + sin, odd columns + cos of position / 10000^(2 (column/2) / width)         arXiv 1706.03762
// Cosines and sines are tabulated in double at planning for every position below graph->position_limit.
#ifndef REAL

#include <math.h>

#include "tensor/ops/op.h"

struct rotary {
    int64_t head_dim;  // of the angles: columns that share a table row
    const void *table; // real[position_limit][head_dim / 2][2]: cosine, sine
};

#include "tensor/twice.h"
#include "rotary.c"
#include "tensor/twice.h"
#include "rotary.c"
#include "tensor/twice.h"

static bool plan(struct graph *graph, struct node *node, struct error *error)
{
    const struct rotary *attributes = node->attributes;
    if (node->inputs[0]->width % attributes->head_dim)
        return error_add(error, "rows of %lld numbers are no multiple of %lld", (long long)node->inputs[0]->width,
                         (long long)attributes->head_dim);
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}

static struct cost rope_cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 3, 3);
}

static struct cost sinusoidal_cost(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 1, 0);
}

static const struct op rope = {
    .name = "rope",
    .rows = OP_ROWS_LOCAL,
    .attributes_size = sizeof(struct rotary),
    .plan = plan,
    .cost = rope_cost,
    .kernels = {&rope_kernels_float, &rope_kernels_double},
};
static const struct op sinusoidal = {
    .name = "sinusoidal",
    .rows = OP_ROWS_LOCAL,
    .attributes_size = sizeof(struct rotary),
    .passes_gradient = true,
    .plan = plan,
    .cost = sinusoidal_cost,
    .kernels = {&sinusoidal_kernels_float, &sinusoidal_kernels_double},
};

// The same table serves every layer's queries and keys: it is made once for each (head_dim, theta) of a graph.
struct angle_table {
    struct angle_table *next;
    int64_t head_dim;
    double theta;
    void *values;
};

static const void *tabulate(struct graph *graph, int64_t head_dim, double theta)
{
    for (struct angle_table *table = graph->angle_tables; table; table = table->next)
        if (table->head_dim == head_dim && table->theta == theta)
            return table->values;
    int64_t pairs = (head_dim + 1) / 2;
    size_t numbers = (size_t)(graph->position_limit * pairs * 2);
    void *values = arena_allocate(&graph->arena, numbers, real_size(graph->real));
    for (int64_t position = 0; position < graph->position_limit; position++)
        for (int64_t pair = 0; pair < pairs; pair++) {
            double angle = (double)position * pow(theta, -2.0 * (double)pair / (double)head_dim);
            double both[2] = {cos(angle), sin(angle)};
            for (int64_t i = 0, at = (position * pairs + pair) * 2; i < 2; i++) {
                if (graph->real == REAL_FLOAT)
                    ((float *)values)[at + i] = (float)both[i];
                else
                    ((double *)values)[at + i] = both[i];
            }
        }
    struct angle_table *table = arena_allocate(&graph->arena, 1, sizeof *table);
    *table = (struct angle_table){graph->angle_tables, head_dim, theta, values};
    graph->angle_tables = table;
    return values;
}

struct tensor *op_rope(struct graph *graph, struct tensor *x, struct tensor *positions, int64_t head_dim, double theta)
{
    if (!x)
        return NULL;
    const struct rotary attributes = {.head_dim = head_dim, .table = tabulate(graph, head_dim, theta)};
    return graph_op(graph, &rope, &attributes, (struct tensor *const[]){x, positions}, 2);
}

struct tensor *op_sinusoidal(struct graph *graph, struct tensor *x, struct tensor *positions)
{
    if (!x)
        return NULL;
    const struct rotary attributes = {.head_dim = x->width, .table = tabulate(graph, x->width, 10000)};
    return graph_op(graph, &sinusoidal, &attributes, (struct tensor *const[]){x, positions}, 2);
}

#else

// y = x turned by the angles times `direction`: 1 forward, -1 backward (a rotation's gradient is the inverse rotation).
static void NAME(turn)(const struct node *node, struct span rows, const int32_t *positions, const REAL *restrict x,
                       REAL *restrict y, REAL direction, bool accumulate)
{
    const struct rotary *attributes = node->attributes;
    int64_t width = node->inputs[0]->width, head_dim = attributes->head_dim, half = head_dim / 2;
    for (int64_t row = rows.begin; row < rows.end; row++) {
        const REAL *restrict table = (const REAL *)attributes->table + positions[row] * half * 2;
        for (int64_t head = row * width; head < (row + 1) * width; head += head_dim)
            for (int64_t i = 0; i < half; i++) {
                REAL cosine = table[2 * i], sine = direction * table[2 * i + 1], a = x[head + i], b = x[head + half + i];
                REAL first = a * cosine - b * sine, second = b * cosine + a * sine;
                y[head + i] = accumulate ? y[head + i] + first : first;
                y[head + half + i] = accumulate ? y[head + half + i] + second : second;
            }
    }
}

static void NAME(rope_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(turn)(node, rows, lane_input(node, 1, lane), lane_input(node, 0, lane), lane_output(node, 0, lane), 1, false);
}

static void NAME(rope_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    NAME(turn)
    (node, rows, lane_input(node, 1, lane), lane_output_gradient(node, 0, lane), lane_input_gradient(node, 0, lane), -1,
     lane_accumulates(node, 0, lane));
}

static void NAME(sinusoidal_forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct rotary *attributes = node->attributes;
    int64_t width = node->inputs[0]->width, pairs = (width + 1) / 2;
    const int32_t *positions = lane_input(node, 1, lane);
    const REAL *x = lane_input(node, 0, lane);
    REAL *y = lane_output(node, 0, lane);
    for (int64_t row = rows.begin; row < rows.end; row++) {
        const REAL *table = (const REAL *)attributes->table + positions[row] * pairs * 2;
        for (int64_t i = 0; i < width; i++)
            y[row * width + i] = x[row * width + i] + table[i % 2 ? i - 1 : i + 1];
    }
}

static void NAME(sinusoidal_backward)(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->inputs[0]->width;
    const REAL *dy = lane_output_gradient(node, 0, lane);
    REAL *dx = lane_input_gradient(node, 0, lane);
    bool accumulate = lane_accumulates(node, 0, lane);
    for (int64_t i = rows.begin * width; dx != dy && i < rows.end * width; i++)
        dx[i] = accumulate ? dx[i] + dy[i] : dy[i];
}

static const struct kernels NAME(rope_kernels) = {NAME(rope_forward), NAME(rope_backward), NULL};
static const struct kernels NAME(sinusoidal_kernels) = {NAME(sinusoidal_forward), NAME(sinusoidal_backward), NULL};

#endif
