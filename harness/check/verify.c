// verify.c: runs a case through the trainer and compares tensor by tensor. Called by the verb and by the tests.
#include "check/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"
#include "train/trainer.h"

static const double value_limit = 1e-4, update_limit = 1e-3, floor_share = 0.01;

struct verification {
    const char *folder;
    struct run run; // with the case's batch and this pass's lanes
    struct safetensors weights, expected;
    struct trainer trainer;
    struct arena arena;
    int64_t steps, rows; // steps 1 for one batch; rows of one batch
    bool trajectory;
    int32_t *tokens, *targets, *positions; // [steps * rows], [steps * rows], [rows]
    bool *compared;                        // of each expected tensor
    double floor;
    struct verdict *verdict;
    struct error *error;
};

// ---- Comparing --------------------------------------------------------------------------------------------------------------

static double largest(const struct safetensors_entry *entry)
{
    double most = 0;
    for (int64_t i = 0; i < entry->count; i++) {
        float value;
        memcpy(&value, (const char *)entry->data + (size_t)i * sizeof value, sizeof value);
        most = fmax(most, fabs((double)value));
    }
    return most;
}

// Keeps what is nearest to its limit; NaN compares as beyond every limit.
static void judge(struct verification *verification, const char *name, double error, double limit)
{
    struct verdict *verdict = verification->verdict;
    double now = isnan(error) ? INFINITY : error / limit;
    double worst = !*verdict->worst_tensor       ? -1
                   : isnan(verdict->worst_error) ? INFINITY
                                                 : verdict->worst_error / verdict->limit;
    if (now > 1)
        verdict->passed = false;
    if (now <= worst)
        return;
    snprintf(verdict->worst_tensor, sizeof verdict->worst_tensor, "%s", name);
    verdict->worst_error = error;
    verdict->limit = limit;
}

static void compare(struct verification *verification, const char *name, int rank, const int64_t *shape, const float *got,
                    double limit)
{
    const struct safetensors *expected = &verification->expected;
    const struct safetensors_entry *want = safetensors_want(expected, name, SAFETENSORS_F32, rank, shape, verification->error);
    if (!want) {
        judge(verification, name, NAN, limit);
        return;
    }
    verification->compared[want - expected->entries] = true;
    double worst = 0;
    for (int64_t i = 0; i < want->count; i++) {
        float value;
        memcpy(&value, (const char *)want->data + (size_t)i * sizeof value, sizeof value);
        double difference = fabs((double)got[i] - (double)value);
        worst = difference > worst || isnan(difference) ? difference : worst;
        if (isnan(difference))
            break;
    }
    double scale = fmax(largest(want), verification->floor);
    judge(verification, name, worst == 0 ? 0 : worst / scale, limit);
}

static void compare_number(struct verification *verification, const char *name, double got)
{
    float value = (float)got;
    compare(verification, name, 1, (const int64_t[]){1}, &value, value_limit);
}

// `arrays` is flat, as the parameters' values are.
static void compare_parameters(struct verification *verification, const char *prefix, const float *arrays, double limit)
{
    const struct parameters *parameters = &verification->trainer.parameters;
    for (int i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        if (parameter->role != ROLE_CONSTANT)
            compare(verification, arena_format(&verification->arena, "%s%s", prefix, parameter->name), parameter->rank,
                    parameter->shape, arrays + parameter->offset, limit);
    }
}

// ---- Reading the case -------------------------------------------------------------------------------------------------------

static bool read_rows(struct verification *verification, const char *name, int64_t least, int32_t **rows)
{
    const struct model_scalars *model = &verification->run.model;
    const int64_t batch[] = {verification->steps, verification->run.train.batch, model->seq_len};
    const struct safetensors_entry *entry =
        safetensors_want(&verification->expected, name, SAFETENSORS_I32, verification->trajectory ? 3 : 2,
                         verification->trajectory ? batch : batch + 1, verification->error);
    if (!entry)
        return false;
    verification->compared[entry - verification->expected.entries] = true;
    *rows = arena_allocate(&verification->arena, (size_t)entry->count, sizeof **rows);
    memcpy(*rows, entry->data, (size_t)entry->count * sizeof **rows);
    for (int64_t i = 0; i < entry->count; i++) {
        if ((*rows)[i] < least || (*rows)[i] >= model->vocab)
            return error_add(verification->error, "%s: %s holds %" PRId32 ", which is not below model.vocab = %" PRId64,
                             verification->expected.path, name, (*rows)[i], model->vocab);
    }
    return true;
}

static bool read_case(struct verification *verification)
{
    struct arena *arena = &verification->arena;
    struct run *run = &verification->run;
    if (!safetensors_read(arena_format(arena, "%s/weights.safetensors", verification->folder), &verification->weights,
                          verification->error) ||
        !safetensors_read(arena_format(arena, "%s/expected.safetensors", verification->folder), &verification->expected,
                          verification->error))
        return false;
    const struct safetensors *expected = &verification->expected;
    const struct safetensors_entry *tokens = safetensors_find(expected, "tokens");
    if (!tokens || (tokens->rank != 2 && tokens->rank != 3) || tokens->count == 0)
        return error_add(verification->error, "%s: it holds no tokens [batch, time] or [steps, batch, time]", expected->path);
    verification->trajectory = tokens->rank == 3;
    verification->steps = verification->trajectory ? tokens->shape[0] : 1;
    if (verification->trajectory && verification->steps != run->train.steps)
        return error_add(verification->error, "%s: it holds %" PRId64 " steps, train.steps is %" PRId64, expected->path,
                         verification->steps, run->train.steps);
    run->train.batch = tokens->shape[tokens->rank - 2];
    verification->rows = run->train.batch * tokens->shape[tokens->rank - 1];
    verification->compared = arena_allocate(arena, (size_t)expected->count, sizeof *verification->compared);
    if (!read_rows(verification, "tokens", 0, &verification->tokens) ||
        !read_rows(verification, "targets", -1, &verification->targets))
        return false;
    verification->positions = arena_allocate(arena, (size_t)verification->rows, sizeof *verification->positions);
    for (int64_t i = 0; i < verification->rows; i++)
        verification->positions[i] = (int32_t)(i % run->model.seq_len);
    const char *prefix = verification->trajectory ? "update." : "grad.";
    for (int i = 0; i < expected->count; i++) {
        if (strncmp(expected->entries[i].name, prefix, strlen(prefix)) == 0 && expected->entries[i].type == SAFETENSORS_F32)
            verification->floor = fmax(verification->floor, floor_share * largest(&expected->entries[i]));
    }
    return true;
}

static struct batch batch_of(const struct verification *verification, int64_t step)
{
    return (struct batch){verification->run.train.batch, verification->tokens + step * verification->rows,
                          verification->targets + step * verification->rows, verification->positions};
}

// ---- Running it -------------------------------------------------------------------------------------------------------------

static void compare_pass(struct verification *verification, const float *logits, const struct totals *totals)
{
    const struct run *run = &verification->run;
    struct step_result result;
    step_losses(run, totals, &result);
    compare(verification, "logits", 3, (const int64_t[]){run->train.batch, run->model.seq_len, run->model.vocab}, logits,
            value_limit);
    compare_number(verification, "loss", result.loss);
    compare_number(verification, "cross_entropy", result.cross_entropy);
    compare_number(verification, "mean_log_z_squared", result.log_z_squared);
}

// Evaluation and training are two plans of memory over one model: both are held against the values.
static bool verify_batch(struct verification *verification)
{
    const struct run *run = &verification->run;
    const struct batch batch = batch_of(verification, 0);
    struct totals totals;
    const int64_t shape[] = {run->train.batch, run->model.seq_len, run->model.vocab};
    if (!safetensors_want(&verification->expected, "logits", SAFETENSORS_F32, 3, shape, verification->error))
        return false;
    float *logits = arena_allocate(&verification->arena, (size_t)(verification->rows * run->model.vocab), sizeof *logits);
    const struct outputs outputs = {.logits = logits};
    executor_forward(verification->trainer.eval_executor, &batch, &outputs, &totals);
    compare_pass(verification, logits, &totals);
    executor_train(verification->trainer.train_executor, &batch, (uint64_t)run->seed, 0, &outputs, &totals);
    compare_pass(verification, logits, &totals);
    compare_parameters(verification, "grad.", executor_gradients(verification->trainer.train_executor), value_limit);
    return true;
}

static bool verify_trajectory(struct verification *verification)
{
    struct arena *arena = &verification->arena;
    const struct parameters *parameters = &verification->trainer.parameters;
    const int64_t steps = verification->steps;
    float *loss = arena_allocate(arena, (size_t)steps, sizeof *loss),
          *norm = arena_allocate(arena, (size_t)steps, sizeof *norm);
    float *rate = arena_allocate(arena, (size_t)steps, sizeof *rate);
    float *change = arena_allocate(arena, parameters->elements, sizeof *change);
    const float *values = parameters->values;
    memcpy(change, values, parameters->elements * sizeof *change);
    for (int64_t step = 0; step < steps; step++) {
        const struct batch batch = batch_of(verification, step);
        const struct step_result result = trainer_step(&verification->trainer, &batch, step);
        loss[step] = (float)result.loss;
        norm[step] = (float)result.gradient_norm;
        rate[step] = (float)result.learning_rate;
    }
    for (size_t i = 0; i < parameters->elements; i++)
        change[i] = values[i] - change[i];
    compare(verification, "step.loss", 1, &steps, loss, value_limit);
    compare(verification, "step.gradient_norm", 1, &steps, norm, value_limit);
    compare(verification, "step.learning_rate", 1, &steps, rate, value_limit);
    compare_parameters(verification, "update.", change, update_limit);
    return true;
}

static void refuse_unexpected(struct verification *verification)
{
    for (int i = 0; i < verification->expected.count; i++) {
        const char *name = verification->expected.entries[i].name;
        if (verification->compared[i])
            continue;
        judge(verification, name, NAN, value_limit);
        error_add(verification->error, "%s: tensor \"%.96s\" was not expected", verification->expected.path, name);
    }
}

static bool verify_lanes(const char *folder, const struct run *run, int64_t lanes, int threads, struct verdict *verdict,
                         struct error *error)
{
    struct verification verification = {.folder = folder, .run = *run, .verdict = verdict, .error = error};
    const struct trainer_options options = {.threads = threads, .evaluates = true};
    int before = error->count;
    bool done = false;
    verification.run.train.lanes = lanes;
    if (!read_case(&verification) || !trainer_open(&verification.trainer, &verification.run, &options, error) ||
        !weights_read(&verification.weights, &verification.trainer.parameters, error))
        goto cleanup;
    done = verification.trajectory ? verify_trajectory(&verification) : verify_batch(&verification);
    if (done)
        refuse_unexpected(&verification);
    done = done && error->count == before;
cleanup:
    trainer_close(&verification.trainer);
    safetensors_close(&verification.expected);
    safetensors_close(&verification.weights);
    arena_close(&verification.arena);
    return done;
}

bool verify_case(const char *folder, const struct run *run, int threads, struct verdict *verdict, struct error *error)
{
    *verdict = (struct verdict){.passed = true};
    return verify_lanes(folder, run, 2, threads, verdict, error) && verify_lanes(folder, run, 1, threads, verdict, error);
}
