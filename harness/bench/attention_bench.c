// attention_bench.c: see attention_bench.h.
#include "bench/attention_bench.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"
#include "tensor/executor.h"
#include "tensor/gemm.h"

enum { STEPS_MIN = 3, STEPS_MAX = 1000, VOCAB = 64, TILE_ROWS = 256 };

struct bench {
    struct run run;
    struct arena arena;
    struct parameters parameters;
    struct graph graph;
    struct block block; // for a component that builds its attention itself
    struct team *team;
    struct executor *executor;
    struct attention_schedule schedule;
    int32_t *inputs; // tokens, targets, positions: [3, seq_len]
};

static bool choose(struct bench *bench, const struct attention_bench_options *options, struct error *error)
{
    run_defaults(&bench->run, &bench->arena);
    bench->run.model.d_model = options->n_head * options->head_dim;
    bench->run.model.n_head = options->n_head;
    bench->run.model.head_dim = options->head_dim;
    bench->run.model.n_layer = 1;
    bench->run.model.seq_len = options->seq_len;
    bench->run.model.vocab = VOCAB;
    bench->run.train.batch = bench->run.train.lanes = 1;
    return run_set(&bench->run, "position", "none", &bench->arena, error) &&
           run_set(&bench->run, "attention", options->attention, &bench->arena, error) && run_resolve(&bench->run, error);
}

// Rows of a table of its own: the cheapest trained rows there are.
static struct tensor *rows_of(struct graph *graph, const char *name, int64_t width)
{
    const int64_t shape[] = {VOCAB, width};
    return op_embedding(graph, graph->tokens, graph_parameter(graph, name, ROLE_EMBEDDING, 2, shape));
}

static struct tensor *mix(struct bench *bench, struct error *error)
{
    struct graph *graph = &bench->graph;
    const struct model_scalars *model = &bench->run.model;
    const struct choice *choice = run_choice(&bench->run, SLOT_ATTENTION, 0);
    const struct attention_calls *calls = &choice->component->attention;
    int64_t width = model->n_head * model->head_dim;
    if (calls->build) {
        bench->block = (struct block){.graph = graph, .run = &bench->run, .model = model, .kv_heads = model->n_head};
        // Rows that differ: where hashes decide who sees whom, equal ones would all see each other.
        const int64_t shape[] = {model->seq_len, width};
        struct tensor *places = op_embedding(graph, graph->positions, graph_parameter(graph, "p", ROLE_EMBEDDING, 2, shape));
        return calls->build(&bench->block, &choice->options, op_add(graph, rows_of(graph, "x", width), places));
    }
    const struct attention_layout layout = {.time = model->seq_len, .n_head = model->n_head, .causal = model->causal};
    if (!attention_schedule_open(&bench->schedule, &calls->pattern, &choice->options, &layout, &bench->arena, error))
        return NULL;
    const struct attention attention = {.n_head = model->n_head,
                                        .kv_heads = model->n_head,
                                        .head_dim = model->head_dim,
                                        .schedule = &bench->schedule};
    return op_attention(graph, rows_of(graph, "q", width), rows_of(graph, "k", width), rows_of(graph, "v", width), &attention);
}

static bool build(struct bench *bench, struct error *error)
{
    struct graph *graph = &bench->graph;
    graph_open(graph, GRAPH_TRAIN, REAL_FLOAT, 1, bench->run.model.seq_len, &bench->parameters, error);
    graph->way = run_gemm_way(&bench->run);
    graph_cut(graph, TILE_ROWS); // or the lanes could not share the one sequence
    graph->tokens = graph_input(graph, "tokens");
    graph->targets = graph_input(graph, "targets");
    graph->positions = graph_input(graph, "positions");
    struct tensor *mixed = mix(bench, error);
    if (!mixed && error->count)
        return false;
    graph->logits = mixed;
    graph->row_loss = op_cross_entropy(graph, mixed, graph->targets, 0, &graph->row_log_z);
    return graph_plan(graph, error) && parameters_allocate(&bench->parameters, error);
}

static void draw(struct bench *bench)
{
    int64_t time = bench->run.model.seq_len;
    uint64_t key = random_key(1, "attention bench", 0);
    bench->inputs = memory_allocate((size_t)(3 * time), sizeof *bench->inputs);
    for (int64_t row = 0; row < time; row++) {
        bench->inputs[row] = (int32_t)random_below(key, (uint64_t)row, 0, VOCAB);
        bench->inputs[time + row] = (int32_t)random_below(key, (uint64_t)row, 1, VOCAB);
        bench->inputs[2 * time + row] = (int32_t)row;
    }
    for (size_t i = 0; i < bench->parameters.elements; i++)
        ((float *)bench->parameters.values)[i] = (float)random_normal(key, i, 2);
}

static void measure(struct bench *bench, double seconds, struct attention_bench *result)
{
    int64_t time = bench->run.model.seq_len;
    const struct batch batch = {1, bench->inputs, bench->inputs + time, bench->inputs + 2 * time};
    double times[STEPS_MAX], begin = 0, low, high;
    struct totals totals;
    int count = -1; // the first step finds its pages
    for (double now = clock_seconds(); count < STEPS_MIN || (count < STEPS_MAX && now - begin < seconds); count++) {
        executor_train(bench->executor, &batch, 1, 1, NULL, &totals);
        double after = clock_seconds();
        if (count < 0)
            begin = after;
        else
            times[count] = after - now;
        now = after;
    }
    gsl_stats_minmax(&low, &high, times, 1, (size_t)count);
    gsl_sort(times, 1, (size_t)count);
    result->seconds = gsl_stats_median_from_sorted_data(times, 1, (size_t)count);
    result->spread = (high - low) / result->seconds;
    result->visited_pairs = (int64_t)llround(totals.visited_pairs);
    result->visible_pairs = (int64_t)llround(totals.visible_pairs);
}

static void bench_close(struct bench *bench)
{
    executor_close(bench->executor);
    team_close(bench->team);
    parameters_free(&bench->parameters);
    graph_close(&bench->graph);
    free(bench->inputs);
    arena_close(&bench->arena);
}

bool attention_bench_run(const struct attention_bench_options *options, struct attention_bench *result, struct error *error)
{
    struct bench bench = {0};
    const struct executor_options execute = {.lanes = options->threads, .sequences = 1};
    *result = (struct attention_bench){0};
    bool done = choose(&bench, options, error) && gemm_open(run_gemm_way(&bench.run), REAL_FLOAT, error) &&
                build(&bench, error) && team_open(&bench.team, options->threads, error) &&
                executor_open(&bench.executor, &bench.graph, bench.team, &execute, error);
    if (done) {
        draw(&bench);
        measure(&bench, options->seconds, result);
        result->bytes = (double)executor_bytes(&bench.graph, options->threads, &execute) +
                        (double)bench.schedule.tile_count * (double)sizeof(struct attention_tile);
    }
    bench_close(&bench);
    return done;
}
