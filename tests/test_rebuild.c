// test_rebuild.c: what the backward pass rebuilds instead of keeping: the same gradients, in memory that does not grow with
// depth.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check/probe.h"
#include "check/subject.h"
#include "registry/run.h"
#include "tensor/ops.h"

enum { TIME = 13, SETTINGS_MAX = 8 };

// A small model on tokens of 13 positions; settings end with NULL.
static void open_probe(struct probe *probe, const char *const *settings, struct probe_request request)
{
    struct arena arena = {0};
    struct run run;
    struct error error = {0};
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &arena);
    for (; *settings; settings++)
        cr_assert(run_set_pair(&run, *settings, &arena, &error), "%s", error.text);
    cr_assert(run_resolve(&run, &error), "%s", error.text);
    request.run = &run;
    request.mode = GRAPH_TRAIN;
    request.time = TIME;
    cr_assert(probe_open(probe, &request, &error), "%s", error.text);
    arena_close(&arena);
}

// How a batch is cut: op by op; in tiles; in tiles by lanes that share sequences; in passes of several sequences.
static const struct probe_request ways[] = {
    {.sequences = 4, .lanes = 2, .threads = 2},
    {.sequences = 4, .lanes = 2, .threads = 2, .tile_rows = 8},
    {.sequences = 1, .lanes = 3, .threads = 2, .tile_rows = 4},
    {.sequences = 5, .lanes = 2, .threads = 1, .tile_rows = 7, .pass_sequences = 2},
};
enum { WAYS = sizeof ways / sizeof *ways };

// Forward again is forward: the same kernels over the same rows, dropout's masks drawn again from their keys. Poison fills
// every buffer between its lives, a rebuilt one's too.
Test(rebuild, recompute_gives_the_same_bits)
{
    static const char *const models[][SETTINGS_MAX] = {
        {"train.recompute=block", NULL},
        {"train.recompute=block", "residual=postnorm", "dropout=on(rate=0.3)", "ffn=swiglu", NULL},
        {"train.recompute=block", "residual=parallel", "qk_norm=rms", "position=rope", "attn_softcap=tanh(cap=2)", NULL},
        {"train.recompute=block", "precision=bf16", "attention=longformer(window=3, globals=2, projections=separate)", NULL},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (int j = 0; j < WAYS; j++) {
            struct probe again, kept;
            struct probe_request request = ways[j];
            request.keeps_activations = true;
            open_probe(&kept, models[i], request);
            request.keeps_activations = false;
            request.poison = true;
            open_probe(&again, models[i], request);
            cr_expect_gt(again.graph.step_count, kept.graph.step_count);
            for (int step = 0; step < 2; step++) { // the second finds what the first left behind
                probe_train(&again);
                probe_train(&kept);
                cr_expect_eq(again.totals.loss_sum, kept.totals.loss_sum, "model %zu, way %d", i, j);
                cr_expect_arr_eq(executor_gradients(again.executor), executor_gradients(kept.executor),
                                 kept.parameters.elements * sizeof(float), "model %zu, way %d", i, j);
            }
            probe_close(&again);
            probe_close(&kept);
        }
}

// The largest difference of any gradient, over the norm of all.
static double gradients_apart(const struct probe *got, const struct probe *want)
{
    const void *a = executor_gradients(got->executor), *b = executor_gradients(want->executor);
    double apart = 0;
    for (int64_t i = 0; i < (int64_t)want->parameters.elements; i++) {
        double difference = fabs(probe_value(got, a, i) - probe_value(want, b, i));
        apart = isfinite(difference) ? fmax(apart, difference) : INFINITY;
    }
    return apart / executor_gradient_norm(want->executor);
}

// (b + f) - f is b but for a rounding or two, which wide weights blow up some thousand times at most; a wrong sign, a wrong
// order or a missing layer is of another size.
Test(rebuild, reversible_gives_the_gradients_of_what_is_kept)
{
    static const char *const models[][SETTINGS_MAX] = {
        {"residual=reversible", "model.n_layer=5", NULL},
        {"residual=reversible", "dropout=on(rate=0.3)", "ffn=swiglu", "norm=rmsnorm", "position=rope", NULL},
        {"residual=reversible", "heads=mha", "attention=lsh(chunk=4, rounds=2)", NULL}, // buckets are kept
        {"residual=reversible", "model.n_layer=1", "attention=sliding(window=3)", "qk_norm=layernorm", NULL},
    };
    static const double limits[REAL_COUNT] = {[REAL_FLOAT] = 5e-4, [REAL_DOUBLE] = 1e-12};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (int j = 0; j < WAYS; j++)
            for (enum real real = 0; real < REAL_COUNT; real++) {
                struct probe inverted, kept;
                struct probe_request request = ways[j];
                request.real = real;
                request.keeps_activations = true;
                open_probe(&kept, models[i], request);
                request.keeps_activations = false;
                request.poison = true;
                open_probe(&inverted, models[i], request);
                for (int step = 0; step < 2; step++) {
                    probe_train(&inverted);
                    probe_train(&kept);
                    double apart = gradients_apart(&inverted, &kept);
                    cr_expect_lt(apart, limits[real], "model %zu, way %d, real %d: apart by %.2g", i, j, (int)real, apart);
                    cr_expect_eq(inverted.totals.loss_sum, kept.totals.loss_sum);
                }
                probe_close(&inverted);
                probe_close(&kept);
            }
}

static size_t activation_bytes(const char *residual, const char *recompute, const char *layers, int64_t tile_rows)
{
    struct probe probe;
    const char *const settings[] = {"model.d_model=32", residual, recompute, layers, NULL};
    open_probe(&probe, settings, (struct probe_request){.sequences = 8, .lanes = 1, .threads = 1, .tile_rows = tile_rows});
    size_t bytes = probe.graph.pass_bytes + probe.graph.tile_bytes + probe.graph.workspace_bytes;
    probe_close(&probe);
    return bytes;
}

// A reversible model keeps nothing of a layer, recompute only what comes in: [rows, d_model].
Test(rebuild, memory_does_not_grow_with_depth)
{
    for (int64_t tile_rows = 0; tile_rows <= 16; tile_rows += 16) {
        size_t kept[2], reversible[2], recompute[2], input = 8 * TIME * 32 * sizeof(float);
        for (int i = 0; i < 2; i++) {
            const char *layers = i ? "model.n_layer=16" : "model.n_layer=4";
            kept[i] = activation_bytes("residual=prenorm", "train.recompute=none", layers, tile_rows);
            reversible[i] = activation_bytes("residual=reversible", "train.recompute=none", layers, tile_rows);
            recompute[i] = activation_bytes("residual=prenorm", "train.recompute=block", layers, tile_rows);
        }
        cr_expect_gt(kept[1], 3 * kept[0], "kept: %zu and %zu bytes", kept[0], kept[1]);
        cr_expect_leq((double)reversible[1], 1.15 * (double)reversible[0], "%zu and %zu bytes", reversible[0], reversible[1]);
        cr_expect_leq(recompute[1], recompute[0] + 12 * input, "%zu and %zu bytes", recompute[0], recompute[1]);
        cr_expect_lt(recompute[0], kept[0]);
        cr_expect_lt(reversible[0], recompute[0]);
    }
}

// Evaluation has no backward pass and nothing to rebuild.
Test(rebuild, evaluation_runs_each_node_once)
{
    struct arena arena = {0};
    struct run run;
    struct error error = {0};
    struct probe probe;
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &arena);
    cr_assert(run_set_pair(&run, "residual=reversible", &arena, &error) && run_resolve(&run, &error), "%s", error.text);
    const struct probe_request request = {
        .run = &run, .mode = GRAPH_EVAL, .sequences = 2, .time = TIME, .lanes = 1, .threads = 1, .tile_rows = 8};
    cr_assert(probe_open(&probe, &request, &error), "%s", error.text);
    cr_expect_eq(probe.graph.step_count, probe.graph.node_count);
    probe_close(&probe);
    arena_close(&arena);
}

// Nothing would be saved, and two ways to rebuild one value would have to agree.
Test(rebuild, recompute_beside_reversible_is_refused)
{
    struct arena arena = {0};
    struct run run;
    struct error error = {0};
    run_defaults(&run, &arena);
    cr_assert(run_set_pair(&run, "residual=reversible", &arena, &error));
    cr_assert(run_set_pair(&run, "train.recompute=block", &arena, &error));
    cr_expect_not(run_resolve(&run, &error));
    cr_expect_not_null(strstr(error.text, "set train.recompute: none"), "%s", error.text);
    arena_close(&arena);
}

// ---- Graphs by hand ---------------------------------------------------------------------------------------------------------

enum { WIDTH = 8, VOCABULARY = 7 };

struct bench {
    struct graph graph;
    struct parameters parameters;
    struct error error;
    struct tensor *table, *x; // [rows, WIDTH]
};
static void open_bench(struct bench *bench)
{
    struct graph *graph = &bench->graph;
    *bench = (struct bench){0};
    graph_open(graph, GRAPH_TRAIN, REAL_FLOAT, 1, 4, &bench->parameters, &bench->error);
    graph->tokens = graph_input(graph, "tokens");
    graph->targets = graph_input(graph, "targets");
    bench->table = graph_parameter(graph, "table", ROLE_EMBEDDING, 2, (const int64_t[]){VOCABULARY, WIDTH});
    bench->x = op_embedding(graph, graph->tokens, bench->table);
}
// What was built since `begin` is a block that ends in y; then the loss.
static bool plan_bench(struct bench *bench, int begin, enum rebuild rebuild, struct tensor *y)
{
    struct graph *graph = &bench->graph;
    graph_block(graph, begin, rebuild, (struct tensor *const[]){y, NULL});
    graph->logits = op_linear(graph, y, bench->table, NULL);
    graph->row_loss = op_cross_entropy(graph, graph->logits, graph->targets, 0, &graph->row_log_z);
    return graph_plan(graph, &bench->error);
}
static void close_bench(struct bench *bench)
{
    parameters_free(&bench->parameters);
    graph_close(&bench->graph);
}
static int forward_steps_of(const struct graph *graph, const struct op *op)
{
    int count = 0;
    for (int i = 0; i < graph->step_count; i++)
        count += !graph->steps[i].backward && graph->steps[i].node->op == op;
    return count;
}

// x + f(x) has no inverse that is known: it is refused before anything is run, not run with a wrong result.
Test(rebuild, a_branch_that_reads_its_own_sum_cannot_be_inverted)
{
    struct bench bench;
    open_bench(&bench);
    int begin = bench.graph.node_count;
    struct tensor *y = op_add(&bench.graph, bench.x, op_gelu(&bench.graph, bench.x));
    cr_expect_not(plan_bench(&bench, begin, REBUILD_FROM_OUTPUTS, y));
    cr_expect_not_null(strstr(bench.error.text, "a branch reads what its sum is to give back"), "%s", bench.error.text);
    close_bench(&bench);
}

// An op whose outputs are kept: hashes and orders, which a rounding may change for good. It runs once, though its reader's
// backward needs its output and all around it is rebuilt.
Test(rebuild, what_an_op_marks_as_kept_is_not_computed_again)
{
    for (int kept = 0; kept < 2; kept++) {
        struct bench bench;
        open_bench(&bench);
        struct graph *graph = &bench.graph;
        int begin = graph->node_count;
        struct tensor *inner = op_silu(graph, bench.x);
        struct op marked = *inner->producer->op;
        marked.kept = kept;
        struct tensor *middle = graph_op(graph, &marked, NULL, &inner, 1);
        cr_assert(plan_bench(&bench, begin, REBUILD_FROM_INPUTS, op_gelu(graph, middle)), "%s", bench.error.text);
        cr_expect_eq(forward_steps_of(graph, &marked), kept ? 1 : 2, "run %d times", forward_steps_of(graph, &marked));
        cr_expect_eq(forward_steps_of(graph, inner->producer->op), 2, "what is not marked is rebuilt");
        close_bench(&bench);
    }
}
