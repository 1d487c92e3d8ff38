// test_tensor.c: the graph's plan, the executor's lanes, the team, and matrix products, by properties.
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "check/conformance.h"
#include "check/probe.h"
#include "registry/run.h"

// ---- Team -------------------------------------------------------------------------------------------------------------------

enum { MEMBERS = 3 };
static void count_member(void *context, int member, int size)
{
    int *counts = context;
    counts[member] += size == MEMBERS;
}
Test(team, every_member_works_once_a_round)
{
    struct team *team;
    struct error error = {0};
    int counts[MEMBERS] = {0};
    cr_assert(team_open(&team, MEMBERS, &error));
    for (int round = 1; round <= 2000; round++) {
        team_run(team, count_member, counts);
        for (int i = 0; i < MEMBERS; i++)
            cr_assert_eq(counts[i], round, "member %d worked %d times in %d rounds", i, counts[i], round);
    }
    team_close(team);
}

// Each writes its place, meets, and must find every place written; meets again, and goes on.
struct meeting {
    struct team *team;
    int places[MEMBERS], missing[MEMBERS];
};
static void write_and_meet(void *context, int member, int size)
{
    struct meeting *meeting = context;
    for (int round = 1; round <= 2000; round++) {
        meeting->places[member] = round;
        team_meet(meeting->team);
        for (int i = 0; i < size; i++)
            meeting->missing[member] += meeting->places[i] != round;
        team_meet(meeting->team);
    }
}
Test(team, nobody_leaves_a_meeting_before_all_have_come)
{
    struct meeting meeting = {0};
    struct error error = {0};
    cr_assert(team_open(&meeting.team, MEMBERS, &error));
    team_run(meeting.team, write_and_meet, &meeting);
    for (int i = 0; i < MEMBERS; i++)
        cr_expect_eq(meeting.missing[i], 0, "member %d missed %d", i, meeting.missing[i]);
    team_close(meeting.team);
}

// ---- Plan -------------------------------------------------------------------------------------------------------------------

// A small model on tokens of 13 positions; settings end with NULL.
static void open_probe(struct probe *probe, const char *const *settings, struct probe_request request)
{
    struct arena arena = {0};
    struct run run;
    struct error error = {0};
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &arena);
    for (; settings && *settings; settings++)
        cr_assert(run_set_pair(&run, *settings, &arena, &error), "%s", error.text);
    cr_assert(run_resolve(&run, &error), "%s", error.text);
    request.run = &run;
    request.time = 13;
    request.threads = request.threads ? request.threads : 2;
    cr_assert(probe_open(probe, &request, &error), "%s", error.text);
}

static void small_model(struct probe *probe, const char *const *settings, enum real real, int64_t sequences, int lanes,
                        int64_t pass_sequences)
{
    open_probe(probe, settings,
               (struct probe_request){.real = real,
                                      .mode = GRAPH_TRAIN,
                                      .sequences = sequences,
                                      .lanes = lanes,
                                      .pass_sequences = pass_sequences});
}

struct life {
    size_t begin, end, arena;
    int born, dies;
    const char *name;
};

static int lives_of(const struct graph *graph, struct life *lives)
{
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        lives[count++] = (struct life){.begin = tensor->offset,
                                       .end = tensor->offset + graph_value_bytes(graph, tensor),
                                       .arena = tensor->tile_only ? graph->tile_bytes : graph->pass_bytes,
                                       .born = tensor->born,
                                       .dies = tensor->dies,
                                       .name = tensor->name};
        if (tensor->gradient_born >= 0 && !tensor->gradient_of)
            lives[count++] = (struct life){.begin = tensor->gradient_offset,
                                           .end = tensor->gradient_offset + graph_gradient_bytes(graph, tensor),
                                           .arena = tensor->gradient_tile_only ? graph->tile_bytes : graph->pass_bytes,
                                           .born = tensor->gradient_born,
                                           .dies = tensor->gradient_dies,
                                           .name = tensor->name};
    }
    return count;
}

// No two buffers of one arena that live at the same moment share a byte: read off the finished plan, not off how it was made.
Test(plan, what_lives_together_lies_apart)
{
    for (int64_t tile_rows = 0; tile_rows <= 5; tile_rows += 5) {
        struct probe probe;
        struct life lives[1000];
        open_probe(&probe, NULL,
                   (struct probe_request){
                       .mode = GRAPH_TRAIN, .real = REAL_FLOAT, .sequences = 3, .lanes = 2, .tile_rows = tile_rows});
        int count = lives_of(&probe.graph, lives);
        cr_assert_gt(count, 50);
        cr_expect_neq(probe.graph.tile_bytes, probe.graph.pass_bytes, "the two arenas are told apart by their sizes");
        for (int i = 0; i < count; i++) {
            cr_expect_leq(lives[i].end, lives[i].arena, "%s lies outside its arena", lives[i].name);
            for (int j = 0; j < i; j++)
                cr_expect(lives[i].arena != lives[j].arena || lives[i].born > lives[j].dies || lives[j].born > lives[i].dies ||
                              lives[i].begin >= lives[j].end || lives[j].begin >= lives[i].end,
                          "%s and %s live together and overlap", lives[i].name, lives[j].name);
        }
        probe_close(&probe);
    }
}

// What is born and dies while a tile is under way takes a tile's rows. Evaluation keeps nothing for later, so nearly everything
// is.
Test(plan, what_lives_within_a_tile_takes_a_tile)
{
    struct probe whole, tiled;
    struct probe_request request = {.mode = GRAPH_EVAL, .real = REAL_FLOAT, .sequences = 8, .lanes = 1};
    open_probe(&whole, NULL, request);
    request.tile_rows = 8;
    open_probe(&tiled, NULL, request);
    size_t before = whole.graph.pass_bytes, after = tiled.graph.pass_bytes + tiled.graph.tile_bytes;
    cr_expect_lt(after, before * 8 / 10, "%zu bytes, and %zu without tiles", after, before);
    probe_close(&tiled);
    probe_close(&whole);
}

// Reuse is what a plan is for: all buffers side by side would take several times as much.
Test(plan, memory_is_used_again)
{
    struct probe probe;
    size_t sum = 0;
    static const char *const deep[] = {"model.n_layer=8", NULL};
    small_model(&probe, deep, REAL_FLOAT, 2, 1, 0);
    for (int i = 0; i < probe.graph.tensor_count; i++)
        if (probe.graph.tensors[i]->kind == TENSOR_ACTIVATION)
            sum += 2 * graph_value_bytes(&probe.graph, probe.graph.tensors[i]);
    cr_expect_lt(probe.graph.pass_bytes, sum * 6 / 10, "%zu of %zu bytes", probe.graph.pass_bytes, sum);
    probe_close(&probe);
}

// ---- Executor ---------------------------------------------------------------------------------------------------------------

// A batch's gradient is one number, however many lanes and passes add it up; 5 sequences fit neither evenly.
Test(executor, lanes_and_passes_add_up_to_the_same_gradient)
{
    static const int ways[][2] = {{2, 0}, {3, 1}, {5, 1}, {8, 0}, {2, 2}};
    struct probe one;
    small_model(&one, NULL, REAL_DOUBLE, 5, 1, 0);
    probe_train(&one);
    const double *want = executor_gradients(one.executor);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct probe other;
        double apart = 0;
        small_model(&other, NULL, REAL_DOUBLE, 5, ways[i][0], ways[i][1]);
        probe_train(&other);
        const double *got = executor_gradients(other.executor);
        for (size_t j = 0; j < one.parameters.elements; j++)
            apart = fmax(apart, fabs(got[j] - want[j]));
        cr_expect_lt(apart, 1e-12 * executor_gradient_norm(one.executor), "%d lanes: apart by %g", ways[i][0], apart);
        cr_expect_eq(other.totals.counted, 5 * 13);
        probe_close(&other);
    }
    probe_close(&one);
}

// The largest difference of any gradient, over the norm of all.
static double gradients_apart(const struct probe *got, const struct probe *want)
{
    const double *a = executor_gradients(got->executor), *b = executor_gradients(want->executor);
    double apart = 0;
    for (size_t i = 0; i < want->parameters.elements; i++)
        apart = fmax(apart, isfinite(a[i]) ? fabs(a[i] - b[i]) : INFINITY);
    return apart / executor_gradient_norm(want->executor);
}

// However a batch is cut, into tiles, passes, lanes of their own and lanes that share, it is one computation. In double, where
// the order of sums cannot hide a mistake.
Test(executor, tiles_compute_what_the_reference_does)
{
    static const char *const models[][8] = {
        {NULL},
        {"heads=mqa", "position=rope", "ffn=swiglu", "norm=rmsnorm", NULL},
        {"heads=gqa(kv_heads=2)", "qk_norm=rms", "attention=sliding(window=4)", "residual=parallel", NULL},
        {"residual=postnorm", "model.bias=true", "model.tie_embeddings=true", "dropout=on(rate=0.2)", "z_loss=on", NULL},
        {"position=alibi", "logit_softcap=tanh(cap=3)", "attn_softcap=tanh(cap=2)", "dropout=on(rate=0.5)", NULL},
    };
    static const struct {
        int64_t sequences, pass_sequences, tile_rows;
        int lanes;
    } ways[] = {{4, 0, 16, 2}, {5, 2, 7, 2}, {1, 1, 4, 3}, {2, 2, 1, 4}, {7, 1, 100, 3}, {3, 1, 5, 8}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        for (size_t j = 0; j < sizeof ways / sizeof *ways; j++) {
            struct probe tiled, reference;
            struct probe_request request = {.real = REAL_DOUBLE,
                                            .mode = GRAPH_TRAIN,
                                            .sequences = ways[j].sequences,
                                            .lanes = 1};
            open_probe(&reference, models[i], request);
            request.lanes = ways[j].lanes;
            request.pass_sequences = ways[j].pass_sequences;
            request.tile_rows = ways[j].tile_rows;
            request.poison = true;
            open_probe(&tiled, models[i], request);
            for (int step = 0; step < 2; step++) { // the second finds what the first left behind
                probe_train(&reference);
                probe_train(&tiled);
                double apart = gradients_apart(&tiled, &reference);
                cr_expect_lt(apart, 1e-12, "model %zu cut in way %zu: apart by %g", i, j, apart);
                cr_expect_float_eq(probe_objective(&tiled), probe_objective(&reference), 1e-12);
                cr_expect_float_eq(tiled.totals.counted_flops / reference.totals.counted_flops, 1, 1e-12);
                cr_expect_eq(tiled.totals.counted, ways[j].sequences * 13);
            }
            probe_close(&tiled);
            probe_close(&reference);
        }
}

// Threads carry lanes, whether these have sequences of their own, share some, or share the only one.
Test(executor, same_bits_for_any_number_of_threads)
{
    static const char *const dropout[] = {"dropout=on(rate=0.2)", "heads=gqa(kv_heads=2)", NULL};
    for (int64_t sequences = 1; sequences <= 7; sequences += 3)
        for (int64_t tile_rows = 0; tile_rows <= 6; tile_rows += 6) {
            struct probe_request request = {.real = REAL_FLOAT,
                                            .mode = GRAPH_TRAIN,
                                            .sequences = sequences,
                                            .threads = 1,
                                            .lanes = 4,
                                            .pass_sequences = 1,
                                            .tile_rows = tile_rows};
            struct probe one;
            open_probe(&one, dropout, request);
            probe_train(&one);
            for (request.threads = 2; request.threads <= 5; request.threads++) {
                struct probe other;
                open_probe(&other, dropout, request);
                probe_train(&other);
                cr_expect(!memcmp(&one.totals, &other.totals, sizeof one.totals) &&
                              !memcmp(executor_gradients(one.executor), executor_gradients(other.executor),
                                      one.parameters.elements * sizeof(float)),
                          "%lld sequences, tiles of %lld rows, %d threads: loss %.9g, not %.9g", (long long)sequences,
                          (long long)tile_rows, request.threads, other.totals.loss_sum, one.totals.loss_sum);
                probe_close(&other);
            }
            probe_close(&one);
        }
}

// A target of -1 counts for nothing: the mean is over the others, and its row has no gradient.
Test(executor, masked_targets_count_for_nothing)
{
    struct probe all, masked;
    small_model(&all, NULL, REAL_DOUBLE, 1, 1, 0);
    small_model(&masked, NULL, REAL_DOUBLE, 2, 1, 0);
    memcpy(masked.tokens, all.tokens, 13 * sizeof *all.tokens);
    memcpy(masked.targets, all.targets, 13 * sizeof *all.targets);
    for (int i = 13; i < 26; i++)
        masked.targets[i] = -1;
    probe_train(&all);
    probe_train(&masked);
    cr_expect_eq(masked.totals.counted, 13);
    cr_expect_float_eq(probe_objective(&masked), probe_objective(&all), 1e-12);
    cr_expect_float_eq(executor_gradient_norm(masked.executor), executor_gradient_norm(all.executor), 1e-10);
    probe_close(&masked);
    probe_close(&all);
}

// The norm that clipping sees is that of the gradient that the optimizer gets.
Test(executor, the_norm_is_the_gradients)
{
    struct probe probe;
    double squares = 0;
    small_model(&probe, NULL, REAL_DOUBLE, 3, 2, 0);
    probe_train(&probe);
    const double *gradients = executor_gradients(probe.executor);
    for (size_t i = 0; i < probe.parameters.elements; i++)
        squares += gradients[i] * gradients[i];
    cr_expect_float_eq(executor_gradient_norm(probe.executor), sqrt(squares), 1e-10 * sqrt(squares));
    probe_close(&probe);
}

// The hook sees every node of every pass, in order, and what it changes is what follows: faults can be planted and hunted.
struct witness {
    const struct graph *graph;
    int seen, out_of_order, fault_at;
};
static void watch(void *context, const struct node *node, struct span rows, struct lane *lane)
{
    struct witness *witness = context;
    int place = witness->seen++ % witness->graph->node_count;
    witness->out_of_order += witness->graph->nodes[place] != node || rows.begin != 0;
    if (place == witness->fault_at)
        ((float *)lane_output(node, 0, lane))[0] = NAN;
}
Test(executor, the_hook_sees_every_node_and_can_plant_a_fault)
{
    struct probe probe;
    small_model(&probe, NULL, REAL_FLOAT, 3, 1, 1);
    for (int fault = -1; fault < 2; fault++) {
        struct witness witness = {.graph = &probe.graph, .fault_at = fault < 0 ? -1 : fault * (probe.graph.node_count - 2)};
        const struct executor_options options = {.lanes = 1, .sequences = 3, .after = watch, .after_context = &witness};
        const struct batch batch = {3, probe.tokens, probe.targets, probe.positions};
        struct executor *executor;
        struct error error = {0};
        struct totals totals;
        cr_assert(executor_open(&executor, &probe.graph, probe.team, &options, &error), "%s", error.text);
        executor_forward(executor, &batch, NULL, &totals);
        cr_expect_eq(witness.seen, 3 * probe.graph.node_count, "%d calls in 3 passes", witness.seen);
        cr_expect_eq(witness.out_of_order, 0);
        cr_expect_eq(isfinite(totals.loss_sum) != 0, fault < 0, "with a fault at %d the loss is %g", witness.fault_at,
                     totals.loss_sum);
        executor_close(executor);
    }
    probe_close(&probe);
}

// ---- Graph ------------------------------------------------------------------------------------------------------------------

Test(graph, shapes_that_do_not_fit_are_refused_once_and_by_name)
{
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    const int64_t table[] = {7, 8}, wide[] = {5, 9};
    graph_open(&graph, GRAPH_TRAIN, REAL_FLOAT, 1, 4, &parameters, &error);
    struct tensor *x =
        op_embedding(&graph, graph_input(&graph, "tokens"), graph_parameter(&graph, "table", ROLE_EMBEDDING, 2, table));
    struct tensor *y = op_linear(&graph, x, graph_parameter(&graph, "wide", ROLE_MATRIX, 2, wide), NULL);
    cr_expect_null(y);
    cr_expect_null(op_gelu(&graph, y), "what follows from nothing is nothing");
    cr_expect_not(graph_plan(&graph, &error));
    cr_expect_eq(error.count, 1);
    cr_expect(strstr(error.text, "wide takes rows of 9 numbers and gets 8"), "%s", error.text);
    parameters_free(&parameters);
    graph_close(&graph);
}

// Two matrices of one name would silently be one; what is meant to be tied is one tensor used twice.
Test(graph, a_name_stands_for_one_parameter)
{
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    const int64_t shape[] = {8, 8};
    graph_open(&graph, GRAPH_TRAIN, REAL_FLOAT, 1, 4, &parameters, &error);
    cr_expect_not_null(graph_parameter(&graph, "mlp.w", ROLE_MATRIX, 2, shape));
    cr_expect_null(graph_parameter(&graph, "mlp.w", ROLE_MATRIX, 2, shape));
    cr_expect(strstr(error.text, "mlp.w: two parameters have this name"), "%s", error.text);
    parameters_free(&parameters);
    graph_close(&graph);
}

// A component that returns nothing is told so; it must not bring the program down.
Test(graph, a_build_that_returns_nothing_is_refused)
{
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    graph_open(&graph, GRAPH_TRAIN, REAL_FLOAT, 1, 4, &parameters, &error);
    graph.component = "ffn/empty";
    cr_expect_null(op_gelu(&graph, NULL));
    cr_expect_not(graph_plan(&graph, &error));
    cr_expect(strstr(error.text, "ffn/empty: gelu has nothing to work on"), "%s", error.text);
    graph_close(&graph);
}

// Softmax's shift: logits of 1e4 neither overflow nor lose the loss, and -1e4 does not divide zero by zero.
Test(cross_entropy, large_logits_are_no_trouble)
{
    for (int sign = -1; sign <= 1; sign += 2) {
        struct probe probe;
        static const char *const untied[] = {"model.tie_embeddings=false", NULL};
        small_model(&probe, untied, REAL_FLOAT, 1, 1, 0);
        const struct parameter *head = parameters_find(&probe.parameters, "lm_head.weight");
        cr_assert_not_null(head);
        for (size_t i = 0; i < head->count; i++)
            ((float *)probe.parameters.values)[head->offset + i] *= (float)sign * 1e5f;
        probe_train(&probe);
        cr_expect(isfinite(probe_objective(&probe)), "the loss is %g", probe_objective(&probe));
        cr_expect(isfinite(executor_gradient_norm(probe.executor)), "the norm is %g", executor_gradient_norm(probe.executor));
        probe_close(&probe);
    }
}
