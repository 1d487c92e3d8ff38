// attention_explicit.c: attention as the textbook has it, with the whole matrix of probabilities: what the tiled op is held
// against.
//
// It asks the pattern for the pairs themselves and shares no schedule, tile or approximation with the tiled op. Slow, and n x n
// memory a head: for tests and `check`, where model_request asks for explicit attention.
#ifndef REAL

#include "tensor/attention_lsh.h"
#include "tensor/lane.h"

#include <math.h>
#include <string.h>

// Both ops, whatever their kernels: shapes, refusals, output and log-sum-exps.
bool attention_plan(struct graph *graph, struct node *node, struct error *error)
{
    const struct attention *attention = node->attributes;
    int64_t query_width = attention->n_head * attention->head_dim, key_width = attention->kv_heads * attention->head_dim;
    int inputs = attention->lsh ? 4 : 3;
    if (node->input_count != inputs)
        return error_add(error, "attention takes query, key and value%s, not %d inputs", attention->lsh ? " and buckets" : "",
                         node->input_count);
    if (attention->lsh && (attention->kv_heads != attention->n_head || node->inputs[3]->dtype != DTYPE_INT32 ||
                           node->inputs[3]->width != attention->n_head * attention->lsh->rounds))
        return error_add(error, "hashed attention takes one bucket for each head and round, and heads that share no keys");
    if (attention->n_head < 1 || attention->kv_heads < 1 || attention->head_dim < 1 || attention->n_head % attention->kv_heads)
        return error_add(error,
                         "attention with %lld heads, %lld kv heads and head_dim %lld: n_head must be a multiple of kv_heads",
                         (long long)attention->n_head, (long long)attention->kv_heads, (long long)attention->head_dim);
    if (node->inputs[0]->width != query_width || node->inputs[1]->width != key_width || node->inputs[2]->width != key_width)
        return error_add(error,
                         "attention: query, key and value are %lld, %lld and %lld wide; the heads need %lld, %lld and %lld",
                         (long long)node->inputs[0]->width, (long long)node->inputs[1]->width,
                         (long long)node->inputs[2]->width, (long long)query_width, (long long)key_width, (long long)key_width);
    if (attention->schedule->time != graph->time || attention->schedule->n_head != attention->n_head)
        return error_add(error, "attention: its schedule is for %lld positions and %lld heads, the graph has %lld and %lld",
                         (long long)attention->schedule->time, (long long)attention->schedule->n_head, (long long)graph->time,
                         (long long)attention->n_head);
    graph_output(graph, node, query_width);
    graph_saved(graph, node, DTYPE_REAL, attention->n_head);
    return true;
}

// Products over visible pairs alone: q.k and p.v forward; dO.v, dQ, dK, dV backward. Rebuilding scores is not counted.
struct cost attention_cost(const struct node *node, int64_t sequences, int64_t time)
{
    const struct attention *attention = node->attributes;
    double pairs = (double)attention->schedule->visible_pairs * (double)sequences;
    double rows = (double)time * (double)sequences;
    double product = 2 * (double)attention->head_dim * pairs;
    double width = (double)(attention->n_head + attention->kv_heads) * (double)attention->head_dim; // query and key
    double bytes = rows * (2 * width + (double)attention->n_head) * (double)sizeof(float);
    return (struct cost){
        .phases[PHASE_FORWARD] = {.flops = 2 * product + 4 * pairs, .product_flops = 2 * product, .bytes = bytes},
        .phases[PHASE_BACKWARD] = {.flops = 4 * product + 4 * pairs,
                                   .product_flops = 4 * product,
                                   .bytes = 2 * bytes}, // values, and the gradient of each
    };
}

static bool plan_explicit(struct graph *graph, struct node *node, struct error *error)
{
    if (!attention_plan(graph, node, error))
        return false;
    const struct attention *attention = node->attributes;
    size_t pairs = (size_t)graph->time * (size_t)graph->time;
    node->workspace = 2 * pairs * real_size(graph->real);
    if (attention->lsh)
        node->workspace += pairs * sizeof(bool) + (size_t)graph->time * sizeof(int64_t);
    return true;
}

// chunk [time]: rank / chunk of every position in one round, whose buckets stand `stride` apart.
static void count_chunks(const struct lsh *lsh, const int32_t *buckets, int64_t stride, int64_t time, int64_t *chunk)
{
    for (int64_t i = 0; i < time; i++) {
        int64_t rank = 0;
        for (int64_t j = 0; j < i; j++)
            rank += buckets[j * stride] == buckets[i * stride];
        chunk[i] = rank / lsh->chunk;
    }
}

void lsh_show_by_definition(const struct lsh *lsh, const int32_t *buckets, int64_t stride, int64_t time, int64_t *chunk,
                            bool *visible)
{
    memset(visible, 0, (size_t)(time * time) * sizeof *visible);
    for (int64_t round = 0; round < lsh->rounds; round++, buckets++) {
        count_chunks(lsh, buckets, stride, time, chunk);
        for (int64_t i = 0; i < time; i++)
            for (int64_t j = 0; j < i; j++)
                visible[i * time + j] |= buckets[i * stride] == buckets[j * stride] && chunk[i] - chunk[j] <= 1;
    }
    for (int64_t i = 0; i < time; i++) {
        bool alone = true;
        for (int64_t j = 0; j < i; j++)
            alone = alone && !visible[i * time + j];
        visible[i * time + i] = alone;
    }
}

#include "tensor/twice.h"
#include "attention_explicit.c"
#include "tensor/twice.h"
#include "attention_explicit.c"
#include "tensor/twice.h"

const struct op attention_explicit = {
    .name = "attention_explicit",
    .rows = OP_ROWS_SEQUENCE,
    .keeps = OP_KEEPS_INPUT_0 | OP_KEEPS_INPUT_1 | OP_KEEPS_INPUT_2 | OP_KEEPS_INPUT_3 | OP_KEEPS_OUTPUT_0,
    .attributes_size = sizeof(struct attention),
    .plan = plan_explicit,
    .cost = attention_cost,
    .kernels = {[REAL_FLOAT] = &kernels_float, [REAL_DOUBLE] = &kernels_double},
};

#else

// The rows of one head in one sequence: row i of a tensor at rows + i * width. Keys and values are shared by a group of heads.
struct NAME(head) {
    const struct attention *attention;
    int64_t index, time, query_width, key_width;
    const REAL *query, *key, *value;
    REAL *probabilities, *gradients; // [time, time]; gradients: of the scores
    const bool *visible;
};

// What the pattern shows, or what the hashes of this sequence do, in the workspace.
static const bool *NAME(visible_of)(const struct node *node, const struct lane *lane, int64_t first_row, int64_t index)
{
    const struct attention *attention = node->attributes;
    const struct lsh *lsh = attention->lsh;
    if (!lsh)
        return attention->visible[index];
    int64_t time = attention->schedule->time, stride = node->inputs[3]->width;
    int64_t *chunk = (int64_t *)((REAL *)lane->workspace + 2 * time * time);
    bool *visible = (bool *)(chunk + time);
    const int32_t *buckets = (const int32_t *)lane_input(node, 3, lane) + first_row * stride + index * lsh->rounds;
    lsh_show_by_definition(lsh, buckets, stride, time, chunk, visible);
    return visible;
}

static struct NAME(head) NAME(head_open)(const struct node *node, const struct lane *lane, int64_t first_row, int64_t index)
{
    const struct attention *attention = node->attributes;
    int64_t time = attention->schedule->time, head_dim = attention->head_dim;
    int64_t query_width = attention->n_head * head_dim, key_width = attention->kv_heads * head_dim;
    int64_t kv_head = index / (attention->n_head / attention->kv_heads);
    return (struct NAME(head)){
        .attention = attention,
        .index = index,
        .time = time,
        .query_width = query_width,
        .key_width = key_width,
        .query = (const REAL *)lane_input(node, 0, lane) + first_row * query_width + index * head_dim,
        .key = (const REAL *)lane_input(node, 1, lane) + first_row * key_width + kv_head * head_dim,
        .value = (const REAL *)lane_input(node, 2, lane) + first_row * key_width + kv_head * head_dim,
        .probabilities = (REAL *)lane->workspace,
        .gradients = (REAL *)lane->workspace + time * time,
        .visible = NAME(visible_of)(node, lane, first_row, index),
    };
}

static bool NAME(sees)(const struct NAME(head) * head, int64_t i, int64_t j) { return head->visible[i * head->time + j]; }

static REAL NAME(dot)(const struct NAME(head) * head, const REAL *a, const REAL *b)
{
    REAL sum = 0;
    for (int64_t d = 0; d < head->attention->head_dim; d++)
        sum += a[d] * b[d];
    return sum;
}

// Score of a visible pair; *derivative is that of the score by q.k.
static REAL NAME(score)(const struct NAME(head) * head, int64_t i, int64_t j, REAL *derivative)
{
    const struct attention *attention = head->attention;
    double scale = 1 / sqrt((double)attention->head_dim), derived = scale;
    double score = scale * NAME(dot)(head, head->query + i * head->query_width, head->key + j * head->key_width);
    if (attention->softcap > 0) {
        double tangent = tanh(score / attention->softcap);
        score = attention->softcap * tangent;
        derived = scale * (1 - tangent * tangent);
    }
    if (attention->slopes)
        score -= attention->slopes[head->index] * (double)(i > j ? i - j : j - i);
    *derivative = (REAL)derived;
    return (REAL)score;
}

// Row i of the probabilities: softmax over what query i sees, zeros elsewhere and where it sees nothing; row i of `gradients`
// gets the scores' derivatives.
// Returns the log-sum-exp.
static REAL NAME(fill_row)(const struct NAME(head) * head, int64_t i)
{
    REAL *row = head->probabilities + i * head->time, *derivatives = head->gradients + i * head->time;
    REAL max = (REAL)-INFINITY, sum = 0;
    for (int64_t j = 0; j < head->time; j++) {
        row[j] = derivatives[j] = 0;
        if (!NAME(sees)(head, i, j))
            continue;
        row[j] = NAME(score)(head, i, j, &derivatives[j]);
        max = row[j] > max ? row[j] : max;
    }
    for (int64_t j = 0; j < head->time; j++)
        if (NAME(sees)(head, i, j))
            sum += row[j] = (REAL)exp((double)(row[j] - max));
    for (int64_t j = 0; j < head->time; j++)
        row[j] /= sum > 0 || isnan(sum) ? sum : 1;
    return max + (REAL)log((double)sum);
}

static void NAME(forward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct attention *attention = node->attributes;
    int64_t time = attention->schedule->time;
    REAL *saved = lane_saved(node, lane);
    for (int64_t first = rows.begin; first < rows.end; first += time)
        for (int64_t index = 0; index < attention->n_head; index++) {
            struct NAME(head) head = NAME(head_open)(node, lane, first, index);
            REAL *output = (REAL *)lane_output(node, 0, lane) + first * head.query_width + index * attention->head_dim;
            for (int64_t i = 0; i < time; i++) {
                saved[(first + i) * attention->n_head + index] = NAME(fill_row)(&head, i);
                for (int64_t d = 0; d < attention->head_dim; d++) {
                    REAL sum = 0;
                    for (int64_t j = 0; j < time; j++)
                        if (NAME(sees)(&head, i, j))
                            sum += head.probabilities[i * time + j] * head.value[j * head.key_width + d];
                    output[i * head.query_width + d] = sum;
                }
            }
        }
    lane->counted_flops += attention_cost(node, (rows.end - rows.begin) / time, time).phases[PHASE_FORWARD].product_flops;
}

// dP = dO V', and the scores' gradients P (dP - sum over j of P dP), through the derivative of the score by q.k.
static void NAME(differentiate_row)(const struct NAME(head) * head, int64_t i, const REAL *output_gradient)
{
    REAL *row = head->probabilities + i * head->time, *gradients = head->gradients + i * head->time, mean = 0;
    for (int64_t j = 0; j < head->time; j++)
        if (row[j] != 0)
            mean += row[j] * NAME(dot)(head, output_gradient, head->value + j * head->key_width);
    for (int64_t j = 0; j < head->time; j++)
        if (row[j] != 0)
            gradients[j] *= row[j] * (NAME(dot)(head, output_gradient, head->value + j * head->key_width) - mean);
        else
            gradients[j] = 0;
}

// result row a += sum over b of weights (a, b) times row b of `rows`; weights are read at a * step_a + b * step_b.
static void NAME(add_weighted)(const struct NAME(head) * head, const REAL *weights, int64_t step_a, int64_t step_b,
                               const REAL *rows, int64_t width, REAL *result, int64_t result_width)
{
    for (int64_t a = 0; result && a < head->time; a++)
        for (int64_t b = 0; b < head->time; b++)
            for (int64_t d = 0; d < head->attention->head_dim; d++)
                if (weights[a * step_a + b * step_b] != 0)
                    result[a * result_width + d] += weights[a * step_a + b * step_b] * rows[b * width + d];
}

static void NAME(backward)(const struct node *node, struct span rows, struct lane *lane)
{
    const struct attention *attention = node->attributes;
    int64_t time = attention->schedule->time, group = attention->n_head / attention->kv_heads;
    REAL *gradients[3];
    for (int i = 0; i < 3; i++) {
        gradients[i] = lane_input_gradient(node, i, lane);
        int64_t width = node->inputs[i]->width;
        for (int64_t k = rows.begin * width; gradients[i] && !lane_accumulates(node, i, lane) && k < rows.end * width; k++)
            gradients[i][k] = 0;
    }
    for (int64_t first = rows.begin; first < rows.end; first += time)
        for (int64_t index = 0; index < attention->n_head; index++) {
            struct NAME(head) head = NAME(head_open)(node, lane, first, index);
            int64_t query_at = first * head.query_width + index * attention->head_dim;
            int64_t key_at = first * head.key_width + index / group * attention->head_dim;
            const REAL *output_gradient = (const REAL *)lane_output_gradient(node, 0, lane) + query_at;
            for (int64_t i = 0; i < time; i++) {
                NAME(fill_row)(&head, i);
                NAME(differentiate_row)(&head, i, output_gradient + i * head.query_width);
            }
            NAME(add_weighted)
            (&head, head.gradients, time, 1, head.key, head.key_width, gradients[0] ? gradients[0] + query_at : NULL,
             head.query_width);
            NAME(add_weighted)
            (&head, head.gradients, 1, time, head.query, head.query_width, gradients[1] ? gradients[1] + key_at : NULL,
             head.key_width);
            NAME(add_weighted)
            (&head, head.probabilities, 1, time, output_gradient, head.query_width, gradients[2] ? gradients[2] + key_at : NULL,
             head.key_width);
        }
    lane->counted_flops += attention_cost(node, (rows.end - rows.begin) / time, time).phases[PHASE_BACKWARD].product_flops;
}

static const struct kernels NAME(kernels) = {.forward = NAME(forward), .backward = NAME(backward)};

#endif
