// train.c: one run from its first or its checkpoint's step to its end, told to a sink.
//
// Refused: data that does not serve the run, a plan larger than the machine's memory, a checkpoint of another run, and a run
// that starts from weights which are not there or do not fit.
#include "train/train.h"

#include <math.h>
#include <string.h>

#include "base/resident.h"
#include "tensor/gemm.h"
#include "train/batch.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/kept.h"
#include "train/trainer.h"

enum { PROFILE_WARM_UP = 3 };             // steps before those that are profiled: memory is new to them
enum { PATIENCE = 20 };                   // steps above the threshold that make a divergence
static const double warmup_threshold = 2; // times the first loss
static const double threshold = 1.1;
static const double throughput_seconds = 1;

struct session {
    const struct run *run;
    const struct train_options *options;
    const struct train_sink *sink;
    struct dataset dataset;
    struct trainer trainer;
    struct batch_room batch;
    struct evaluation_room evaluation;
    struct checkpoint state; // of now: step counts the steps done
    double step_seconds, told_seconds;
    double began; // earlier, by what the attempts before this one took
    int64_t first_step, told_step;
    bool diverged;
    int64_t diverged_at;
};

static bool open_data(struct session *session, struct error *error)
{
    const struct run *run = session->run;
    return dataset_open(&session->dataset, run, error) &&
           dataset_check(&session->dataset, run->model.vocab, run->model.seq_len, error);
}

static size_t planned_bytes(const struct session *session)
{
    const struct run *run = session->run;
    return trainer_bytes(&session->trainer) + session->dataset.allocated + session->dataset.surprise_allocated +
           batch_bytes(run->train.batch, run->model.seq_len) + evaluation_bytes(run->train.batch, run->model.seq_len);
}

static bool open_session(struct session *session, struct error *error)
{
    const struct run *run = session->run;
    const struct trainer_options options = {.threads = session->options->threads,
                                            .poison = session->options->poison,
                                            .evaluates = true,
                                            .profiles = session->options->profiles,
                                            .weights = session->options->weights};
    return open_data(session, error) && trainer_open(&session->trainer, run, &options, error) &&
           batch_open(&session->batch, run->train.batch, run->model.seq_len, error) &&
           evaluation_open(&session->evaluation, run->train.batch, run->model.seq_len, error);
}

static void close_session(struct session *session)
{
    evaluation_close(&session->evaluation);
    batch_close(&session->batch);
    trainer_close(&session->trainer);
    dataset_close(&session->dataset);
}

static bool check_memory(size_t planned, struct error *error)
{
    size_t limit = resident_limit_bytes();
    if (planned <= limit)
        return true;
    return error_request(error,
                         "the run needs %.0f MiB, the machine has %.0f; lower model.d_model, train.batch or model.seq_len",
                         (double)planned / 1048576, (double)limit / 1048576);
}

static void tell_begin(const struct session *session, size_t planned)
{
    const struct parameters *parameters = &session->trainer.parameters;
    const struct train_scalars *train = &session->run->train;
    const struct train_facts facts = {
        .parameters = model_parameter_count(parameters, true),
        .parameters_without_embeddings = model_parameter_count(parameters, false),
        .flops = model_step_flops(&session->trainer.train_graph, train->batch) * (double)train->steps,
        .planned_bytes = planned,
        .data_hash = session->dataset.hash,
    };
    session->sink->begin(session->sink->context, &facts, session->state.step);
}

static bool resume(struct session *session, struct error *error)
{
    bool found;
    session->state = (struct checkpoint){.watch = {.first_loss = NAN}};
    run_identity(session->run, session->dataset.hash, gemm_way_name(run_gemm_way(session->run)), session->state.run);
    if (session->options->checkpoint &&
        (!file_replaceable(session->options->checkpoint, error) ||
         !checkpoint_read(session->options->checkpoint, &session->state, &session->trainer.optimizer, &found, error)))
        return false;
    session->began -= session->state.seconds;
    session->first_step = session->told_step = session->state.step;
    return true;
}

static void metric(const struct session *session, int64_t step, const char *name, double value)
{
    session->sink->metric(session->sink->context, step, name, value);
}

// Once a run, before its first step: memory that grows with the length, without what parameters and the program take.
static void tell_activations(const struct session *session)
{
    const struct graph *graph = &session->trainer.train_graph;
    size_t bytes = graph->pass_bytes + graph->tile_bytes + graph->workspace_bytes;
    if (session->first_step == 0)
        metric(session, 0, "activation_bytes", (double)bytes / (double)model_pass_sequences(session->run));
}

static void event(const struct session *session, int64_t step, const char *kind, double value, double limit, const char *detail)
{
    session->sink->event(session->sink->context, step, kind, value, limit, detail);
}

static void diverge(struct session *session, int64_t step, double value, double limit, const char *detail)
{
    session->diverged = true;
    session->diverged_at = step;
    event(session, step, "diverged", value, limit, detail);
}

static void not_finite(struct session *session, int64_t step, double value, const char *what)
{
    event(session, step, "non_finite", value, INFINITY, what);
    diverge(session, step, value, INFINITY, what);
}

static double untrained_loss(const struct run *run, double first_loss)
{
    return run_source(run) ? fmax(first_loss, log((double)run->model.vocab)) : first_loss;
}

// See train.h for the rule.
static void watch_step(struct session *session, const struct step_result *result)
{
    struct watch *watch = &session->state.watch;
    int64_t step = session->state.step;
    if (!result->finite) {
        bool loss = !isfinite(result->loss);
        not_finite(session, step, loss ? result->loss : result->gradient_norm, loss ? "train_loss" : "gradient_norm");
        return;
    }
    if (step == 0)
        watch->first_loss = untrained_loss(session->run, result->cross_entropy);
    double limit = watch->first_loss * (step < session->run->train.warmup ? warmup_threshold : threshold);
    watch->above = result->cross_entropy > limit ? watch->above + 1 : 0;
    if (watch->above >= PATIENCE)
        diverge(session, step, result->cross_entropy, limit, "the training loss stays above that of an untrained model");
}

static void tell_throughput(struct session *session)
{
    double seconds = session->step_seconds - session->told_seconds;
    int64_t steps = session->state.step - session->told_step;
    if (steps == 0 || seconds <= 0)
        return;
    double tokens = (double)(steps * session->run->train.batch * session->run->model.seq_len);
    session->sink->throughput(session->sink->context, session->state.step, tokens / seconds);
    session->told_seconds = session->step_seconds;
    session->told_step = session->state.step;
}

static void take_step(struct session *session)
{
    int64_t step = session->state.step;
    struct profile *profile = session->state.step - session->first_step < PROFILE_WARM_UP ? NULL : session->trainer.profile;
    double begin = clock_seconds();
    profile_begin_step(profile);
    struct batch batch = batch_draw(&session->batch, &session->dataset, session->run->seed, step);
    profile_add_part(profile, PROFILE_DATA, begin);
    struct step_result result = trainer_step(&session->trainer, &batch, step);
    profile_add_part(profile, PROFILE_STEP, begin);
    profile_end_step(profile);
    session->step_seconds += clock_seconds() - begin;
    metric(session, step, "train_loss", result.loss);
    if (run_choice(session->run, SLOT_Z_LOSS, 0)->component)
        metric(session, step, "train_cross_entropy", result.cross_entropy);
    metric(session, step, "gradient_norm", result.gradient_norm);
    metric(session, step, "learning_rate", result.learning_rate);
    watch_step(session, &result);
    session->state.step++;
    if (session->step_seconds - session->told_seconds >= throughput_seconds ||
        session->state.step == session->run->train.steps || session->diverged)
        tell_throughput(session);
}

// What an evaluation of either part tells; NULL: it does not.
struct part_names {
    const char *loss, *accuracy, *perplexity, *bits_per_byte, *excess, *standard_error;
};
static const struct part_names part_names[DATA_PARTS] = {
    [DATA_VALIDATION] = {"val_loss", "val_accuracy", "val_perplexity", "val_bits_per_byte", "val_excess", NULL},
    [DATA_TEST] = {"test_loss", "test_accuracy", "test_perplexity", "test_bits_per_byte", "test_excess", "test_standard_error"},
};

// `as` is "", or "@" and the attention that it was evaluated with. NaN in the last three: unknown.
static void tell_evaluation(const struct session *session, enum data_part part, const struct evaluation *evaluation,
                            const char *as)
{
    const struct part_names *names = &part_names[part];
    const struct {
        const char *name;
        double value;
        bool is_known;
    } told[] = {
        {names->loss, evaluation->loss, true},
        {names->accuracy, evaluation->accuracy, true},
        {names->perplexity, exp(evaluation->loss), true},
        {names->bits_per_byte, evaluation->loss / M_LN2, session->dataset.tokens_are_bytes},
        {names->excess, evaluation->loss - evaluation->floor, !isnan(evaluation->floor)},
        {names->standard_error, evaluation->standard_error, names->standard_error && !isnan(evaluation->standard_error)},
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct text name = {0};
        if (!told[i].is_known)
            continue;
        text_add(&name, "%s%s", told[i].name, as);
        metric(session, session->state.step, name.data, told[i].value);
        text_free(&name);
    }
}

static bool evaluate_as(const struct session *session, int i, enum data_part part, int64_t tokens, struct error *error)
{
    struct executor *executor;
    struct evaluation evaluation;
    struct text as = {0};
    if (!trainer_eval_as_open(&session->trainer, i, &executor, error))
        return false;
    evaluate(executor, &session->evaluation, &session->dataset, part, tokens, &evaluation);
    executor_close(executor);
    text_add(&as, "@");
    choice_print(SLOT_ATTENTION, &session->run->eval_as.choices[i], &as);
    tell_evaluation(session, part, &evaluation, as.data);
    text_free(&as);
    return true;
}

// With the run's own attention, then with each of eval_as.
static bool evaluate_part(struct session *session, enum data_part part, int64_t tokens, struct error *error)
{
    int64_t step = session->state.step;
    struct evaluation evaluation;
    evaluate(session->trainer.eval_executor, &session->evaluation, &session->dataset, part, tokens, &evaluation);
    tell_evaluation(session, part, &evaluation, "");
    if (part == DATA_VALIDATION && step == session->run->train.steps && !isnan(evaluation.floor))
        metric(session, step, "floor", evaluation.floor);
    if (!isfinite(evaluation.loss)) {
        not_finite(session, step, evaluation.loss, part_names[part].loss);
        return true;
    }
    bool done = true;
    for (int i = 0; i < session->run->eval_as.count && done; i++)
        done = evaluate_as(session, i, part, tokens, error);
    return done;
}

static bool validate(struct session *session, struct error *error)
{
    return evaluate_part(session, DATA_VALIDATION, session->run->train.eval_tokens, error);
}

// The weights are kept before the end is told: a run that the store calls finished has them.
static bool finish(struct session *session, struct error *error)
{
    const struct train_options *options = session->options;
    if (!validate(session, error) || (!session->diverged && !evaluate_part(session, DATA_TEST, 0, error)))
        return false;
    if (session->diverged || !session->run->train.keep_weights || !options->weights)
        return true;
    return kept_write(options->weights, session->state.run, &session->trainer.parameters, error);
}

static bool is_due(int64_t every, int64_t step) { return every > 0 && step % every == 0; }

// The store first, so that a checkpoint never lies ahead of it.
static bool save(struct session *session, struct error *error)
{
    session->state.seconds = clock_seconds() - session->began;
    return session->sink->commit(session->sink->context, session->state.step, error) &&
           checkpoint_write(session->options->checkpoint, &session->state, &session->trainer.optimizer, error);
}

static bool train(struct session *session, struct error *error)
{
    const struct train_scalars *scalars = &session->run->train;
    const char *checkpoint = session->options->checkpoint;
    if (run_source(session->run) && session->state.step == 0 && !validate(session, error))
        return false;
    while (session->state.step < scalars->steps && !session->diverged) {
        take_step(session);
        int64_t step = session->state.step;
        if (session->diverged || step == scalars->steps)
            break;
        if (is_due(scalars->eval_every, step) && !validate(session, error))
            return false;
        if (checkpoint && !session->diverged && is_due(scalars->checkpoint_every, step) && !save(session, error))
            return false;
    }
    if (!session->diverged && !finish(session, error))
        return false;
    return !checkpoint || !session->options->keeps || session->diverged || save(session, error);
}

bool train_run(const struct run *run, const struct train_options *options, const struct train_sink *sink,
               struct train_result *result, struct error *error)
{
    struct session session = {.run = run, .options = options, .sink = sink, .began = clock_seconds()};
    bool done = false;
    if (options->profiles && run->train.steps <= PROFILE_WARM_UP)
        return error_request(error, "a profile takes %d train.steps or more: it leaves out the first %d", PROFILE_WARM_UP + 1,
                             PROFILE_WARM_UP);
    if (!gemm_open(run_gemm_way(run), REAL_FLOAT, error))
        return false;
    size_t before = resident_bytes(); // the program and its libraries, to which the plan adds
    if (!open_session(&session, error))
        goto cleanup;
    size_t planned = before + planned_bytes(&session);
    if (!check_memory(planned, error) || !resume(&session, error))
        goto cleanup;
    tell_begin(&session, planned);
    tell_activations(&session);
    done = train(&session, error);
    int64_t steps = session.state.step - session.first_step;
    *result = (struct train_result){
        .state = session.diverged ? TRAIN_DIVERGED : TRAIN_FINISHED,
        .diverged_at = session.diverged ? session.diverged_at : -1,
        .seconds = clock_seconds() - session.began,
        .tokens_per_s = steps ? (double)(steps * run->train.batch * run->model.seq_len) / session.step_seconds : 0,
        .peak_rss_bytes = resident_peak_bytes(),
    };
    memcpy(result->run, session.state.run, sizeof result->run);
    if (done && options->profiles)
        done = sink->profiled(sink->context, session.trainer.profile, session.trainer.team, error);
cleanup:
    close_session(&session);
    return done;
}
