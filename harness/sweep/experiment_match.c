// experiment_match.c: solves one option so that an arm costs what the baseline costs.
//
// Cost is parameters without embeddings, or the FLOPs of the whole training. It grows with each of the options named here, so
// bisection over their steps finds the two nearest values. Refuses other options. Called when an experiment file says `match:`.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "sweep/draft.h"

// What a model can be built with: d_model moves in steps that its heads divide (step_of), the others in ones.
static const struct solvable {
    const char *option;
    int64_t step, max;
    bool changes_params;
} solvables[] = {
    {"ffn.d_ff", 1, 1 << 20, true},
    {"model.d_model", 8, 65536, true},
    {"model.n_layer", 1, 1024, true},
    {"train.steps", 1, 1000000000, false},
};
enum { SOLVABLE_COUNT = sizeof solvables / sizeof *solvables };

static const struct solvable *solvable_find(const char *option)
{
    for (int i = 0; i < SOLVABLE_COUNT; i++) {
        if (strcmp(solvables[i].option, option) == 0)
            return &solvables[i];
    }
    return NULL;
}

bool match_option_check(enum match match, const char *option, struct error *error)
{
    const struct solvable *solvable = solvable_find(option);
    if (!solvable)
        return error_request(error,
                             "match: \"%s\" cannot be solved; ffn.d_ff, model.d_model, model.n_layer and train.steps can",
                             option);
    if (match == MATCH_PARAMS && !solvable->changes_params)
        return error_request(error, "match: %s does not change the number of parameters; match flops by it", option);
    return true;
}

bool match_count(const struct run *run, struct match_cost *cost, struct error *error)
{
    struct parameters parameters = {0};
    struct graph graph = {0};
    const struct model_request request = {
        .mode = GRAPH_TRAIN, .real = REAL_FLOAT, .sequences = 1, .time = run->model.seq_len, .counts_only = true};
    bool done = model_build(&graph, run, &request, &parameters, error);
    if (done) {
        cost->params = (double)model_parameter_count(&parameters, false);
        cost->flops = model_step_flops(&graph, run->train.batch) * (double)run->train.steps;
    }
    graph_close(&graph);
    parameters_free(&parameters);
    return done;
}

struct solver {
    const struct run *run;
    enum match match;
    const struct solvable *solvable;
    int64_t step, least; // in steps
    match_counter counter;
    struct arena *arena;
    struct error *error;
};

static bool set_value(const struct solver *solver, struct run *run, int64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    return run_set(run, solver->solvable->option, digits, solver->arena, solver->error);
}

static bool cost_at(const struct solver *solver, int64_t value, double *cost)
{
    struct run run = *solver->run;
    struct match_cost both;
    run.train.warmup = 0; // a trial of few steps is not a mistake, and warm-up costs nothing
    if (!set_value(solver, &run, value) || !run_resolve(&run, solver->error) || !solver->counter(&run, &both, solver->error))
        return false;
    *cost = solver->match == MATCH_PARAMS ? both.params : both.flops;
    return true;
}

// A derived head_dim needs a d_model that the heads divide, and rope an even one.
static int64_t step_of(const struct run *run, const struct solvable *solvable)
{
    if (strcmp(solvable->option, "model.d_model") != 0 || run->model.head_dim != 0)
        return solvable->step;
    int64_t step = 2 * run->model.n_head;
    while (step % solvable->step != 0)
        step += 2 * run->model.n_head;
    return step;
}

// As many layers as the longest list over them has entries.
static int64_t least_of(const struct run *run, const struct solvable *solvable)
{
    int least = 1;
    for (int slot = 0; slot < SLOT_COUNT && !strcmp(solvable->option, "model.n_layer"); slot++)
        least = run->slots[slot].count > least ? run->slots[slot].count : least;
    return least;
}

// The largest value whose cost is at most the target (or the smallest there is), and the next.
static bool bracket(const struct solver *solver, double target, int64_t value[2], double cost[2])
{
    int64_t low = solver->least, high = low, most = solver->solvable->max / solver->step;
    if (!cost_at(solver, low * solver->step, &cost[0]))
        return false;
    cost[1] = cost[0];
    while (cost[1] <= target && high < most) {
        low = high;
        cost[0] = cost[1];
        high = 2 * high < most ? 2 * high : most;
        if (!cost_at(solver, high * solver->step, &cost[1]))
            return false;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        double between;
        if (!cost_at(solver, middle * solver->step, &between))
            return false;
        low = between <= target ? middle : low;
        high = between <= target ? high : middle;
        cost[between > target] = between;
    }
    value[0] = low * solver->step;
    value[1] = high * solver->step;
    return true;
}

bool match_solve(struct run *run, enum match match, const char *option, double target, match_counter counter,
                 struct arena *arena, double *left, struct error *error)
{
    struct solver solver = {
        .run = run, .match = match, .solvable = solvable_find(option), .counter = counter, .arena = arena, .error = error};
    struct run resolved = *run;
    struct match_cost now;
    if (!run_resolve(&resolved, error) || !counter(&resolved, &now, error))
        return false;
    double own = match == MATCH_PARAMS ? now.params : now.flops;
    if (own == target) { // the placebo stays the same model
        *left = 0;
        return true;
    }
    int64_t value[2];
    double cost[2];
    solver.step = step_of(run, solver.solvable);
    solver.least = least_of(run, solver.solvable);
    if (!bracket(&solver, target, value, cost))
        return false;
    int nearest = fabs(cost[1] - target) < fabs(cost[0] - target);
    *left = (cost[nearest] - target) / target;
    return set_value(&solver, run, value[nearest]);
}
