// fixture_attention.c: see fixture_attention.h.
#include "fixture_attention.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

// ---- Patterns ---------------------------------------------------------------------------------------------------------------

const int64_t lengths[LENGTHS] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};
const struct sliding windows[WINDOWS] = {{1, 1}, {5, 1}, {64, 1}, {7, 3}, {3, 16}, {1000, 1}};

static void strided_order(const void *options, int pass, int64_t time, int32_t *order)
{
    (void)options;
    int64_t place = 0, step = pass == 0 ? 1 : 4;
    for (int64_t residue = 0; residue < step; residue++)
        for (int64_t position = residue; position < time; position += step)
            order[place++] = (int32_t)position;
}

static void strided_spans(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)options, (void)time;
    span_list_add(keys, pass == 0 ? queries.begin - 3 : 0, queries.end);
}

static bool strided_sees(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options;
    int64_t age = query - key;
    return pass == 0 ? age >= 0 && age < 4 : age >= 4 && age % 4 == 0;
}

const struct attention_pattern strided = {.passes = 2, .order = strided_order, .spans = strided_spans, .sees = strided_sees};

void all_spans(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)options, (void)pass, (void)queries;
    span_list_add(keys, 0, time);
}
bool everything(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options, (void)pass, (void)query, (void)key;
    return true;
}
const struct attention_pattern bidirectional = {.spans = all_spans, .sees = everything};

// ---- One attention node -----------------------------------------------------------------------------------------------------

static bool plan_source(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, *(const int64_t *)node->attributes);
    return true;
}
static const struct op source = {.name = "source", .attributes_size = sizeof(int64_t), .plan = plan_source};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

double bench_get(enum real real, const void *array, int64_t i)
{
    return real == REAL_FLOAT ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static void set(enum real real, void *array, int64_t i, double value)
{
    if (real == REAL_FLOAT)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

static const struct tensor *tensor_of(const struct bench *bench, enum array array)
{
    return array == OUTPUT ? bench->node->outputs[0] : bench->node->inputs[array];
}
int64_t bench_count(const struct bench *bench, enum array array) { return bench->rows * tensor_of(bench, array)->width; }
void *bench_values(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->offset;
}
void *bench_gradients(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->gradient_offset;
}

static void fill(struct bench *bench)
{
    memset(bench->arena, 0xff, bench->arena_bytes);
    memset(bench->workspace, 0xff, bench->node->workspace);
    uint64_t state = 7;
    for (enum array array = QUERY; array <= OUTPUT; array++)
        for (int64_t i = 0; i < bench_count(bench, array); i++) {
            double value = (float)((2 * uniform(&state) - 1) * (array <= KEY ? 2 : 1));
            set(bench->graph.real, array == OUTPUT ? bench_gradients(bench, array) : bench_values(bench, array), i, value);
        }
}

void bench_open(struct bench *bench, const struct setup *setup)
{
    memset(bench, 0, sizeof *bench);
    struct graph *graph = &bench->graph;
    bench->rows = setup->sequences * setup->time;
    graph_open(graph, GRAPH_TRAIN, setup->real, setup->sequences, setup->time, &bench->parameters, &bench->error);
    cr_assert(attention_schedule_open(&bench->schedule, setup->pattern, setup->options, setup->time, &graph->arena,
                                      &bench->error),
              "%s", bench->error.text);
    for (int64_t head = 0; head < setup->n_head; head++)
        bench->slopes[head] = exp2(-8.0 * (double)(head + 1) / (double)setup->n_head);
    struct attention attention = {.n_head = setup->n_head,
                                  .kv_heads = setup->kv_heads,
                                  .head_dim = setup->head_dim,
                                  .schedule = &bench->schedule,
                                  .softcap = setup->softcap,
                                  .slopes = setup->alibi ? bench->slopes : NULL,
                                  .explicit_scores = setup->explicit_scores};
    struct tensor *inputs[3];
    for (int i = 0; i < 3; i++) {
        int64_t width = setup->head_dim * (i ? setup->kv_heads : setup->n_head);
        inputs[i] = graph_op(graph, &source, &width, NULL, 0);
        inputs[i]->wants_gradient = true;
    }
    struct tensor *output = op_attention(graph, inputs[0], inputs[1], inputs[2], &attention);
    cr_assert(output, "%s", bench->error.text);
    bench->node = output->producer;
    for (int i = 0; i < graph->tensor_count; i++) {
        size_t bytes = size_align((size_t)(bench->rows * graph->tensors[i]->width) * real_size(setup->real));
        graph->tensors[i]->offset = bench->arena_bytes;
        graph->tensors[i]->gradient_offset = bench->arena_bytes + bytes;
        bench->arena_bytes += 2 * bytes;
    }
    cr_assert(memory_large(&bench->arena, bench->arena_bytes, "the arena", &bench->error));
    cr_assert(memory_large(&bench->workspace, bench->node->workspace, "the workspace", &bench->error));
    bench->lane = (struct lane){
        .graph = graph, .arena = bench->arena, .workspace = bench->workspace, .parts = 1, .first_pass = true, .training = true};
    fill(bench);
}

void bench_close(struct bench *bench)
{
    memory_large_free(bench->arena, bench->arena_bytes);
    memory_large_free(bench->workspace, bench->node->workspace);
    graph_close(&bench->graph);
}

void bench_forward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->forward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}
void bench_backward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->backward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}
