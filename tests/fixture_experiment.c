// fixture_experiment.c: writes the made-up experiment through the store's own calls.
//
// A loss falls as floor + level + exp(-t): the level is the arm's, moved by what a seed does to all arms and, less, to it.
#include "fixture_experiment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "registry/run.h"
#include "store/store.h"

enum { STEPS = 500, EVAL_EVERY = 20, ROWS = STEPS * 3 + STEPS / EVAL_EVERY * 4 + 8, ARMS_MAX = 32, SEEDS_MAX = 8 };

const double fixture_floor = 0.912, fixture_eval_as_cost = 0.5;
static const char fixture_eval_as[] = "eval_as=sliding(window=16)";
static const double level = 0.412, seed_spread = 0.010, own_spread = 0.003;

const struct fixture fixture_demo = {
    .name = "demo",
    .seeds = 5,
    .arms =
        (const struct fixture_arm[]){
            {.name = "(base)", .cost = 1},
            {.name = "position=rope", .effect = -0.041, .cost = 1.03},
            {.name = "norm=rmsnorm", .effect = -0.001, .cost = 0.96},
            {.name = "ffn=swiglu(ratio=8/3)", .effect = -0.008, .cost = 1.08},
            {.name = "init=fan_in", .effect = 0.031, .cost = 1},
            {.name = "train.nudge=1e-06", .effect = 0, .cost = 1, .is_placebo = true},
            {.name = "train.lr=0.03", .effect = 0.09, .cost = 1, .diverged = 2},
            {.name = NULL},
        },
};

struct rows {
    struct store_metric metrics[ROWS];
    int64_t count;
};

static void tell(struct rows *rows, int64_t step, const char *name, double value)
{
    rows->metrics[rows->count++] = (struct store_metric){.step = step, .name = name, .value = value};
}

static double loss_at(double own_level, int64_t step) { return own_level + 3.3 * exp(-step / 35.0) + 0.9 * exp(-step / 160.0); }

// Returns the step at which it diverged, or -1.
static int64_t make_rows(const struct fixture *fixture, const struct fixture_arm *arm, int seed, struct rows *rows)
{
    double floor = fixture->without_floor ? NAN : fixture_floor;
    uint64_t shared = random_key((uint64_t)seed, "seed", 0),
             own = random_key((uint64_t)seed, arm->is_placebo ? "(base)" : arm->name, 0);
    double end = fixture_floor + level + arm->effect + seed_spread * random_normal(shared, 0, 0);
    end += own_spread * random_normal(own, 0, 0);
    int64_t diverges = seed < arm->diverged ? 200 + 60 * seed : STEPS + 1;
    for (int64_t step = 0; step < STEPS; step++) {
        double blow_up = step > diverges ? exp((double)(step - diverges) / 8) - 1 : 0;
        double loss = loss_at(end, step) + blow_up;
        bool over = loss > 40;
        tell(rows, step, "train_loss", over ? NAN : loss + 0.05 * random_normal(shared, (uint64_t)step, 1));
        tell(rows, step, "gradient_norm",
             over ? INFINITY : (0.6 + 2 * exp(-step / 40.0) + blow_up) * exp(0.2 * random_normal(own, (uint64_t)step, 2)));
        if (over)
            return step;
        if ((step + 1) % EVAL_EVERY)
            continue;
        double wobble = 0.004 * exp(-step / 200.0) * random_normal(own, (uint64_t)step, 3);
        tell(rows, step + 1, "val_loss", loss + wobble);
        if (isfinite(floor))
            tell(rows, step + 1, "val_excess", loss + wobble - floor);
    }
    if (isfinite(floor))
        tell(rows, STEPS, "floor", floor);
    tell(rows, STEPS, "val_loss@sliding(window=16)", end + fixture_eval_as_cost);
    return -1;
}

static bool write_run(struct store *store, const struct fixture *fixture, const struct fixture_arm *arm, int seed,
                      const char *id, struct error *error)
{
    static const struct fact facts[] = {{"commit", "1a2b3c4d5e6f"},
                                        {"dirty", "false"},
                                        {"compiler", "gcc 12.2 -O3 -march=native"},
                                        {"cpu", "Some CPU <with> \"brackets\" & an ampersand"},
                                        {"blas", "OpenBLAS 0.3.21 SKYLAKEX"},
                                        {"threads", "2"},
                                        {NULL, NULL}};
    struct rows *rows = memory_allocate(1, sizeof *rows);
    int64_t diverged_at = make_rows(fixture, arm, seed, rows);
    struct store_event event = {
        .step = diverged_at, .kind = "diverged", .detail = "the loss was not finite", .value = NAN, .threshold = 40};
    bool done = store_run_start(store, id, false, error) &&
                store_run_begin(store, id,
                                &(struct store_begin){.parameters = (int64_t)(1100000 * (0.5 + arm->cost / 2)),
                                                      .parameters_without_embeddings = 1000000,
                                                      .flops = 2.1e12 * arm->cost,
                                                      .planned_bytes = (int64_t)(88e6 * arm->cost),
                                                      .facts = facts},
                                error);
    if (done && arm->is_failed_one && seed == 1) {
        free(rows);
        return store_run_fail(store, id, "the worker was killed by signal 9", error);
    }
    done = done &&
           store_rows(store, id,
                      &(struct store_batch){.metric_count = rows->count,
                                            .metrics = rows->metrics,
                                            .event_count = diverged_at >= 0,
                                            .events = &event},
                      error) &&
           store_run_end(store, id,
                         &(struct store_end){.diverged = diverged_at >= 0,
                                             .diverged_at = diverged_at,
                                             .seconds = (5.5 + 0.1 * seed) * arm->cost,
                                             .tokens_per_s = 81000 / arm->cost,
                                             .peak_bytes = (int64_t)(90e6 * arm->cost)},
                         error);
    free(rows);
    return done;
}

static bool write_runs(struct store *store, const struct fixture *fixture, char ids[ARMS_MAX][SEEDS_MAX][RUN_ID_SIZE],
                       struct error *error)
{
    bool done = true;
    for (int i = 0; fixture->arms[i].name && done; i++)
        for (int seed = 0; seed < fixture->seeds && done; seed++)
            if (!(fixture->arms[i].is_missing_one && seed == fixture->seeds - 1))
                done = write_run(store, fixture, &fixture->arms[i], seed, ids[i][seed], error);
    return done;
}

bool fixture_write(const struct fixture *fixture, const char *database, struct error *error)
{
    static char ids[ARMS_MAX][SEEDS_MAX][RUN_ID_SIZE];
    static const int64_t seeds[SEEDS_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};
    const char *id_list[ARMS_MAX][SEEDS_MAX];
    struct store_arm arms[ARMS_MAX];
    struct arena arena = {0};
    struct store *store;
    struct run run;
    int count = 0;
    run_defaults(&run, &arena);
    if (!run_set_pair(&run, fixture_eval_as, &arena, error))
        return false;
    for (; fixture->arms[count].name; count++) {
        for (int seed = 0; seed < fixture->seeds; seed++) {
            snprintf(ids[count][seed], RUN_ID_SIZE, "%016x", count * 256 + seed + 1);
            id_list[count][seed] = ids[count][seed];
        }
        arms[count] = (struct store_arm){.name = fixture->arms[count].name,
                                         .is_placebo = fixture->arms[count].is_placebo,
                                         .differs = count ? fixture->arms[count].name : "",
                                         .run = &run,
                                         .ids = id_list[count]};
    }
    struct store_experiment experiment = {
        .name = fixture->name,
        .file = "experiments/demo.yaml",
        .hash = "5f2c",
        .text = "name: demo\n# <script>alert(1)</script>\nparameters:\n  ffn: {values: [\"relu\", 'swiglu']}\n"
                "claims:\n  - says: <b>rope</b> pays\n    source: a paper\n"
                "    expect: val_loss[position=rope] < val_loss[(base)]\n    published: {learned: 2.25, rope: 2.11}\n",
        .description = "Which of six changes pays at 1.1M parameters?",
        .metric = "val_loss",
        .margin = 0.01,
        .arm_count = count,
        .seed_count = fixture->seeds,
        .seeds = seeds,
        .arms = arms};
    bool done = store_open(&store, database, STORE_WRITE, error);
    if (done) {
        done = store_experiment_save(store, &experiment, error) &&
               (fixture->planned_only || write_runs(store, fixture, ids, error));
        store_close(store);
    }
    arena_close(&arena);
    return done;
}
