// test_profile.c: what ops state of their cost, what the machine can do, and where the time of a step goes.
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "bench/machine.h"
#include "bench/profile_table.h"
#include "bench/trace.h"
#include "check/probe.h"
#include "registry/run.h"
#include "tensor/gemm.h"
#include "train/trainer.h"

// ---- Costs ------------------------------------------------------------------------------------------------------------------

static void expect_cost(const struct graph *graph, const struct tensor *of, enum phase phase, double flops, double products,
                        double bytes)
{
    struct phase_cost cost = of->producer->op->cost(of->producer, 1, graph->time).phases[phase];
    cr_expect_eq(cost.flops, flops, "%s, %s: %.0f FLOPs, not %.0f", of->producer->op->name, phase_names[phase], cost.flops,
                 flops);
    cr_expect_eq(cost.product_flops, products, "%s, %s: %.0f in products, not %.0f", of->producer->op->name, phase_names[phase],
                 cost.product_flops, products);
    cr_expect_eq(cost.bytes, bytes, "%s, %s: %.0f bytes, not %.0f", of->producer->op->name, phase_names[phase], cost.bytes,
                 bytes);
}

// Worked by hand for 10 rows: e = table[token], h = gelu(e W^T + b), s = h + e, logits = s V^T, with W [6, 6] and V [5, 6].
Test(cost, every_phase_is_that_worked_by_hand)
{
    struct graph graph;
    struct parameters parameters = {0};
    struct error error = {0};
    const int64_t table_shape[] = {7, 6}, square[] = {6, 6}, wide[] = {5, 6}, six[] = {6};
    cr_assert(gemm_open(gemm_rule(GEMM_OPENBLAS, GEMM_REAL), REAL_FLOAT, &error), "%s", error.text);
    graph_open(&graph, GRAPH_TRAIN, REAL_FLOAT, 1, 10, &parameters, &error);
    struct tensor *e =
        op_embedding(&graph, graph_input(&graph, "tokens"), graph_parameter(&graph, "table", ROLE_EMBEDDING, 2, table_shape));
    struct tensor *y = op_linear(&graph, e, graph_parameter(&graph, "W", ROLE_MATRIX, 2, square),
                                 graph_parameter(&graph, "b", ROLE_BIAS, 1, six));
    struct tensor *h = op_gelu(&graph, y), *s = op_add(&graph, h, e);
    struct tensor *logits = op_linear(&graph, s, graph_parameter(&graph, "V", ROLE_MATRIX, 2, wide), NULL);
    graph.logits = logits;
    graph.row_loss = op_cross_entropy(&graph, logits, graph_input(&graph, "targets"), 0, &graph.row_log_z);
    cr_assert(graph_plan(&graph, &error), "%s", error.text);

    expect_cost(&graph, e, PHASE_FORWARD, 0, 0, 4 * (60 + 60));
    expect_cost(&graph, e, PHASE_BACKWARD, 0, 0, 0);
    expect_cost(&graph, e, PHASE_BACKWARD_PARAMETERS, 60, 0, 4 * (42 + 60 + 60 + 60)); // the table is cleared first
    expect_cost(&graph, y, PHASE_FORWARD, 2 * 360 + 60, 2 * 360, 4 * (60 + 36 + 60));
    expect_cost(&graph, y, PHASE_BACKWARD_PARAMETERS, 2 * 360 + 60, 2 * 360, 4 * (60 + 36 + 60));
    // e's gradient is that of the sum already; the product adds to it, so it is read too.
    expect_cost(&graph, y, PHASE_BACKWARD, 2 * 360, 2 * 360, 4 * (60 + 36 + 60 + 60));
    expect_cost(&graph, h, PHASE_BACKWARD, 60, 0, 4 * (60 + 60 + 60));
    expect_cost(&graph, s, PHASE_FORWARD, 60, 0, 4 * (60 + 60 + 60));
    expect_cost(&graph, logits, PHASE_BACKWARD, 2 * 300, 2 * 300, 4 * (60 + 30 + 50));
    expect_cost(&graph, graph.row_loss, PHASE_BACKWARD, 3 * 50, 0, 4 * (50 + 50));
    parameters_free(&parameters);
    graph_close(&graph);
}

// ---- The machine ------------------------------------------------------------------------------------------------------------

#ifndef __SANITIZE_ADDRESS__
// A product whose operands come from memory cannot be faster than multiply-adds that never leave the registers; if it is, the
// registers' loop was folded or spilled. Nor can memory feed them.
Test(machine, nothing_is_faster_than_the_registers)
{
    enum { SIDE = 384 };
    static float a[SIDE * SIDE], b[SIDE * SIDE], c[SIDE * SIDE];
    const struct gemm_request request = {.way = gemm_rule(GEMM_OPENBLAS, GEMM_REAL),
                                         .real = REAL_FLOAT,
                                         .gemm = {.m = SIDE, .n = SIDE, .k = SIDE, .lda = SIDE, .ldb = SIDE, .ldc = SIDE}};
    const struct gemm_call call = {.a = a, .b = b, .c = c};
    struct error error = {0};
    struct team *team;
    double best = 0, bytes;
    if (cpu_features() & ~cpu_built_for & CPU_AVX512F)
        cr_skip("the products may use wider vectors than this program was built for");
    cr_assert(gemm_open(request.way, REAL_FLOAT, &error) && team_open(&team, 1, &error), "%s", error.text);
    struct gemm_product *product = gemm_product_open(&request, &error);
    cr_assert_not_null(product, "%s", error.text);
    for (int i = 0; i < SIDE * SIDE; i++)
        a[i] = b[i] = (float)(i % 17) - 8;
    double peak = machine_fma_flops_per_s(team);
    for (int round = 0; round < 20; round++) {
        double start = clock_seconds();
        gemm_run(product, SIDE, &call);
        double rate = 2.0 * SIDE * SIDE * SIDE / (clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    cr_expect_lt(best, 1.1 * peak, "a product at %.3g FLOP/s, the registers at %.3g", best, peak);
    cr_assert(machine_triad_bytes_per_s(team, &bytes, &error), "%s", error.text);
    cr_expect(bytes > 0 && bytes / 12 * 2 < peak, "%.3g bytes/s against %.3g FLOP/s", bytes, peak);
    gemm_product_close(product);
    team_close(team);
}
#endif

// ---- Records ----------------------------------------------------------------------------------------------------------------

static const double tiny = 1e-9; // the clock's own steps

static void open_small(struct probe *probe, int64_t tile_rows, struct arena *arena)
{
    struct error error = {0};
    struct run *run = arena_allocate(arena, 1, sizeof *run);
    run_defaults(run, arena);
    cr_assert(run_set_pair(run, "model.d_model=32", arena, &error) && run_set_pair(run, "model.n_layer=2", arena, &error) &&
                  run_resolve(run, &error),
              "%s", error.text);
    const struct probe_request request = {.run = run,
                                          .mode = GRAPH_TRAIN,
                                          .sequences = 5,
                                          .time = 16,
                                          .threads = 2,
                                          .lanes = 2,
                                          .pass_sequences = 2,
                                          .tile_rows = tile_rows};
    cr_assert(probe_open(probe, &request, &error), "%s", error.text);
}

static struct executor *open_profiled(struct probe *probe, struct profile *profile)
{
    const struct executor_options options = {.lanes = 2, .sequences = 5, .profile = profile};
    struct executor *executor;
    struct error error = {0};
    cr_assert(executor_open(&executor, &probe->graph, probe->team, &options, &error), "%s", error.text);
    return executor;
}

static void train_once(struct executor *executor, const struct probe *probe)
{
    const struct batch batch = {5, probe->tokens, probe->targets, probe->positions};
    struct totals totals;
    executor_train(executor, &batch, 1, 0, &(struct outputs){0}, &totals);
}

// Every kernel of every node covers each of the batch's rows once; a lane does one thing at a time.
Test(profile, every_node_is_recorded_once_for_each_row)
{
    struct arena arena = {0};
    struct probe probe;
    struct profile profile;
    struct error error = {0};
    open_small(&probe, 10, &arena); // one of the 5 sequences is shared
    cr_assert(profile_open(&profile, &probe.graph, 2, 2, 10000, &error), "%s", error.text);
    struct executor *executor = open_profiled(&probe, &profile);
    profile_begin_step(&profile);
    train_once(executor, &probe);
    profile_end_step(&profile);
    cr_expect_eq(profile.steps, 1);
    cr_expect(profile.stretch_count == 1 && profile.stretches[0].part == PROFILE_GRADIENT_SUM);
    for (int i = 0; i < probe.graph.node_count; i++) {
        const struct node *node = probe.graph.nodes[i];
        const struct kernels *kernels = node->op->kernels[REAL_FLOAT];
        const bool runs[PHASE_COUNT] = {true, node->runs_backward && kernels->backward,
                                        node->runs_backward && kernels->backward_parameters};
        int64_t rows[PHASE_COUNT] = {0};
        for (int lane = 0; lane < 2; lane++)
            for (int64_t j = 0; j < profile.lanes[lane].count; j++)
                if (profile.lanes[lane].calls[j].node == node)
                    rows[profile.lanes[lane].calls[j].phase] +=
                        profile.lanes[lane].calls[j].rows.end - profile.lanes[lane].calls[j].rows.begin;
        for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
            cr_expect_eq(rows[phase], runs[phase] ? 5 * 16 : 0, "%s %d, %s: %lld rows", node->op->name, i, phase_names[phase],
                         (long long)rows[phase]);
    }
    for (int lane = 0; lane < 2; lane++)
        for (int64_t j = 1; j < profile.lanes[lane].count; j++)
            cr_expect_geq(profile.lanes[lane].calls[j].begin + tiny, profile.lanes[lane].calls[j - 1].end, "call %lld",
                          (long long)j);
    executor_close(executor);
    profile_close(&profile);
    probe_close(&probe);
    arena_close(&arena);
}

// A profile that is full keeps the whole steps it has: half a step would make every share wrong.
Test(profile, a_step_that_does_not_fit_is_dropped_whole)
{
    struct arena arena = {0};
    struct probe probe;
    struct profile profile;
    struct error error = {0};
    open_small(&probe, 0, &arena);
    cr_assert(profile_open(&profile, &probe.graph, 2, 9, 10000, &error), "%s", error.text);
    struct executor *executor = open_profiled(&probe, &profile);
    profile_begin_step(&profile);
    train_once(executor, &probe);
    profile_end_step(&profile);
    int64_t calls = profile.lanes[0].count; // lane 0 has 2 sequences, lane 1 has 3
    profile.calls_max = calls * 5 / 2;
    for (int step = 1; step < 5; step++) {
        profile_begin_step(&profile);
        train_once(executor, &probe);
        profile_end_step(&profile);
    }
    cr_expect_eq(profile.steps, 1);
    cr_expect_eq(profile.lanes[0].count, calls, "%lld calls, not %lld", (long long)profile.lanes[0].count, (long long)calls);
    cr_expect_eq(profile.stretch_count, 1, "%lld stretches", (long long)profile.stretch_count);
    train_once(executor, &probe); // outside of a step
    cr_expect_eq(profile.lanes[0].count, calls);
    executor_close(executor);
    profile_close(&profile);
    probe_close(&probe);
    arena_close(&arena);
}

// ---- Summary and trace ------------------------------------------------------------------------------------------------------

enum { STEPS = 3 };

static void open_trainer(struct trainer *trainer, struct run *run, bool profiles, struct arena *arena)
{
    struct error error = {0};
    const char *const settings[] = {"model.d_model=32", "model.n_layer=2", "model.seq_len=16", "train.batch=5"};
    run_defaults(run, arena);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        cr_assert(run_set_pair(run, settings[i], arena, &error), "%s", error.text);
    cr_assert(run_resolve(run, &error), "%s", error.text);
    const struct trainer_options options = {.threads = 2, .profiles = profiles};
    cr_assert(trainer_open(trainer, run, &options, &error), "%s", error.text);
}

static void take_steps(struct trainer *trainer)
{
    int32_t tokens[3 * 5 * 16];
    for (int i = 0; i < 5 * 16; i++) {
        tokens[i] = i * 7 % 256;
        tokens[5 * 16 + i] = i * 11 % 256;
        tokens[2 * 5 * 16 + i] = i % 16;
    }
    const struct batch batch = {5, tokens, tokens + 5 * 16, tokens + 2 * 5 * 16};
    for (int step = 0; step < STEPS; step++) {
        profile_begin_step(trainer->profile);
        double begin = profile_now(trainer->profile);
        trainer_step(trainer, &batch, step);
        profile_add_part(trainer->profile, PROFILE_STEP, begin);
        profile_end_step(trainer->profile);
    }
}

// To look must not change what is seen: the same weights, bit for bit, after the same steps.
Test(profile, changes_no_bit)
{
    struct arena arena = {0};
    struct run runs[2];
    struct trainer trainers[2];
    for (int i = 0; i < 2; i++) {
        open_trainer(&trainers[i], &runs[i], i == 1, &arena);
        take_steps(&trainers[i]);
    }
    cr_expect_eq(trainers[1].profile->steps, STEPS);
    cr_expect_arr_eq(trainers[0].parameters.values, trainers[1].parameters.values,
                     trainers[0].parameters.elements * sizeof(float));
    for (int i = 0; i < 2; i++)
        trainer_close(&trainers[i]);
    arena_close(&arena);
}

// Shares are of the whole step: what no row explains is the last row, and no time is counted twice. The model's FLOPs are all
// there.
Test(profile, rows_add_up_to_the_step)
{
    struct arena arena = {0};
    struct run run;
    struct trainer trainer;
    struct profile_table table;
    struct error error = {0};
    double shares = 0, seconds = 0, products = 0;
    open_trainer(&trainer, &run, true, &arena);
    take_steps(&trainer);
    cr_assert(profile_table_open(&table, trainer.profile, trainer.team, &error), "%s", error.text);
    for (int i = 0; i < table.count; i++) {
        shares += table.rows[i].share;
        seconds += table.rows[i].seconds;
        products += table.rows[i].product_flops;
        cr_expect_geq(table.rows[i].seconds, -tiny, "%s takes %g s", table.rows[i].op, table.rows[i].seconds);
    }
    cr_expect_float_eq(shares, 1, 1e-9, "shares add up to %.12f", shares);
    cr_expect_float_eq(seconds, table.step_seconds, 1e-9);
    double wanted = model_step_flops(&trainer.train_graph, 5);
    cr_expect_float_eq(products, wanted, 1e-9 * wanted, "%.0f FLOPs in products, the model has %.0f", products, wanted);
    profile_table_close(&table);
    trainer_close(&trainer);
    arena_close(&arena);
}

static double number_of(const json_t *event, const char *key) { return json_number_value(json_object_get(event, key)); }

// The format's rule for complete events: on one thread they nest or lie apart. Lanes do one thing at a time, so theirs lie
// apart.
Test(profile, the_trace_is_json_whose_events_lie_apart)
{
    struct arena arena = {0};
    struct run run;
    struct trainer trainer;
    struct error error = {0};
    json_error_t trouble;
    char path[] = "/tmp/ablate-trace-XXXXXX";
    close(mkstemp(path));
    open_trainer(&trainer, &run, true, &arena);
    take_steps(&trainer);
    cr_assert(trace_write(path, trainer.profile, &error), "%s", error.text);
    json_t *events = json_load_file(path, JSON_REJECT_DUPLICATES, &trouble);
    cr_assert(events && json_is_array(events), "%s", trouble.text);
    int64_t calls = trainer.profile->lanes[0].count + trainer.profile->lanes[1].count;
    cr_expect_eq((int64_t)json_array_size(events), calls + trainer.profile->stretch_count);
    double ends[3] = {0};
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        int thread = (int)number_of(event, "tid");
        double begin = number_of(event, "ts"), duration = number_of(event, "dur");
        cr_assert(thread >= 0 && thread <= 2 && duration >= 0 && !strcmp(json_string_value(json_object_get(event, "ph")), "X"));
        if (thread == 0)
            continue;
        cr_expect_geq(begin + 1e-3, ends[thread], "%s begins at %.3f us, before %.3f",
                      json_string_value(json_object_get(event, "name")), begin, ends[thread]);
        ends[thread] = begin + duration;
    }
    json_decref(events);
    remove(path);
    trainer_close(&trainer);
    arena_close(&arena);
}
