// trainer.c: forward, backward, clipping, update.
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "tensor/gemm.h"
#include "train/kept.h"
#include "train/schedule.h"

// Steps of a profile: enough for a mean, few enough for a trace that a browser opens. The calls of a lane are 12 MiB at most,
// of which only what is used becomes resident.
enum { PROFILE_STEPS = 20, PROFILE_CALLS = 1 << 18 };

static bool open_profile(struct trainer *trainer, struct error *error)
{
    trainer->profile = memory_allocate(1, sizeof *trainer->profile);
    return profile_open(trainer->profile, &trainer->train_graph, (int)trainer->run->train.lanes, PROFILE_STEPS, PROFILE_CALLS,
                        error);
}

static bool build(struct trainer *trainer, const struct run *run, struct graph *graph, enum graph_mode mode,
                  struct error *error)
{
    const struct model_request request = {.mode = mode,
                                          .real = REAL_FLOAT,
                                          .sequences = model_pass_sequences(run),
                                          .time = run->model.seq_len,
                                          .tile_rows = model_tile_rows(run)};
    return model_build(graph, run, &request, &trainer->parameters, error);
}

static bool build_eval_as(struct trainer *trainer, struct error *error)
{
    const struct run *run = trainer->run;
    if (!model_eval_as_fits(run, error))
        return false;
    trainer->eval_as = memory_allocate((size_t)run->eval_as.count, sizeof *trainer->eval_as);
    bool done = true;
    for (int i = 0; i < run->eval_as.count && done; i++) {
        struct trainer_variant *as = &trainer->eval_as[i];
        run_eval_as(run, i, &as->run);
        done = build(trainer, &as->run, &as->graph, GRAPH_EVAL, error);
    }
    return done;
}

static bool build_all(struct trainer *trainer, bool evaluates, struct error *error)
{
    return build(trainer, trainer->run, &trainer->train_graph, GRAPH_TRAIN, error) &&
           (!evaluates ||
            (build(trainer, trainer->run, &trainer->eval_graph, GRAPH_EVAL, error) && build_eval_as(trainer, error)));
}

// The weights that the run starts from, where its init names another run.
static bool read_source(struct trainer *trainer, const char *weights, struct error *error)
{
    const char *source = run_source(trainer->run);
    if (!source)
        return true;
    if (!*source)
        return error_request(error, "init: only ablate run finds run(experiment=NAME); name a run here: run(ID)");
    if (!weights)
        return error_request(error, "init: run(%s): weights of other runs are not read here", source);
    return kept_read(weights, source, &trainer->parameters, error);
}

bool trainer_open(struct trainer *trainer, const struct run *run, const struct trainer_options *options, struct error *error)
{
    struct executor_options executor = {.lanes = (int)run->train.lanes,
                                        .sequences = run->train.batch,
                                        .poison = options->poison};
    // More would only wait for the lanes, at worst for a core.
    int threads = options->threads < executor.lanes ? options->threads : executor.lanes;
    *trainer = (struct trainer){.run = run, .executor_options = executor};
    if (!gemm_open(run_gemm_way(run), REAL_FLOAT, error) || !team_open(&trainer->team, threads, error))
        return false;
    if (!build_all(trainer, options->evaluates, error) || !parameters_allocate(&trainer->parameters, error) ||
        !optimizer_open(&trainer->optimizer, run, &trainer->parameters, error) ||
        !read_source(trainer, options->weights, error))
        return false;
    model_initialise(&trainer->parameters, run);
    if (options->profiles && !open_profile(trainer, error))
        return false;
    if (options->evaluates && !executor_open(&trainer->eval_executor, &trainer->eval_graph, trainer->team, &executor, error))
        return false;
    executor.profile = trainer->profile;
    return executor_open(&trainer->train_executor, &trainer->train_graph, trainer->team, &executor, error);
}

bool trainer_eval_as_open(const struct trainer *trainer, int i, struct executor **executor, struct error *error)
{
    return executor_open(executor, &trainer->eval_as[i].graph, trainer->team, &trainer->executor_options, error);
}

void trainer_close(struct trainer *trainer)
{
    for (int i = 0; trainer->eval_as && i < trainer->run->eval_as.count; i++)
        graph_close(&trainer->eval_as[i].graph);
    free(trainer->eval_as);
    if (trainer->eval_executor)
        executor_close(trainer->eval_executor);
    if (trainer->train_executor)
        executor_close(trainer->train_executor);
    optimizer_close(&trainer->optimizer);
    if (trainer->profile)
        profile_close(trainer->profile);
    free(trainer->profile);
    graph_close(&trainer->eval_graph);
    graph_close(&trainer->train_graph);
    parameters_free(&trainer->parameters);
    if (trainer->team)
        team_close(trainer->team);
    *trainer = (struct trainer){0};
}

size_t trainer_bytes(const struct trainer *trainer)
{
    int size = team_size(trainer->team);
    size_t bytes = trainer->parameters.elements * sizeof(float) + optimizer_bytes(trainer->run, &trainer->parameters) +
                   executor_bytes(&trainer->train_graph, size, &trainer->executor_options);
    if (!trainer->eval_executor)
        return bytes;
    size_t largest = 0; // of those that evaluate in turn
    for (int i = 0; i < trainer->run->eval_as.count; i++) {
        size_t own = executor_bytes(&trainer->eval_as[i].graph, size, &trainer->executor_options);
        largest = own > largest ? own : largest;
    }
    return bytes + executor_bytes(&trainer->eval_graph, size, &trainer->executor_options) + largest;
}

static double z_loss_of(const struct run *run)
{
    const struct choice *choice = run_choice(run, SLOT_Z_LOSS, 0);
    return choice->component ? choice->component->coefficient.value(choice->options.bytes) : 0;
}

void step_losses(const struct run *run, const struct totals *totals, struct step_result *result)
{
    double coefficient = z_loss_of(run);
    result->cross_entropy = totals->loss_sum / (double)totals->counted;
    result->log_z_squared = totals->log_z_squared_sum / (double)totals->counted;
    // An infinite log Z times a coefficient of 0 would make a finite loss NaN.
    result->loss = result->cross_entropy + (coefficient != 0 ? coefficient * result->log_z_squared : 0);
}

struct step_result trainer_step(struct trainer *trainer, const struct batch *batch, int64_t step)
{
    const struct run *run = trainer->run;
    struct totals totals;
    executor_train(trainer->train_executor, batch, (uint64_t)run->seed, (uint64_t)step, &(struct outputs){0}, &totals);
    struct step_result result = {.gradient_norm = executor_gradient_norm(trainer->train_executor),
                                 .learning_rate = schedule_rate(run, step)};
    step_losses(run, &totals, &result);
    result.finite = isfinite(result.loss) && isfinite(result.gradient_norm);
    if (!result.finite)
        return result;
    double clip = run->train.clip;
    const struct optimizer_step update = {.lr = result.learning_rate,
                                          .peak_lr = run->train.lr,
                                          .step = step,
                                          .scale = clip > 0 && result.gradient_norm > clip ? clip / result.gradient_norm : 1};
    double begin = profile_now(trainer->profile);
    optimizer_update(&trainer->optimizer, trainer->team, executor_gradients(trainer->train_executor), &update);
    profile_add_part(trainer->profile, PROFILE_UPDATE, begin);
    return result;
}
