// probe.c: see probe.h.
#include "check/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "registry/run.h"
#include "tensor/gemm.h"

static const double spread = 0.15; // of every drawn weight, whatever the run's init: wide, and not yet chaotic

static void widen(struct probe *probe)
{
    const struct choice *init = run_choice(&probe->run, SLOT_INIT, 0);
    for (int i = 0; i < probe->parameters.count; i++) {
        const struct parameter *parameter = &probe->parameters.list[i];
        bool drawn = parameter->role == ROLE_EMBEDDING || parameter->role == ROLE_MATRIX || parameter->role == ROLE_BRANCH_OUT;
        double factor = drawn ? spread / init->component->init.deviation(&init->options, parameter, &probe->run.model) : 1;
        for (size_t j = 0; drawn && j < parameter->count; j++) {
            if (probe->parameters.real == REAL_FLOAT)
                ((float *)probe->parameters.values)[parameter->offset + j] *= (float)factor;
            else
                ((double *)probe->parameters.values)[parameter->offset + j] *= factor;
        }
    }
}

static void draw_tokens(struct probe *probe)
{
    const struct probe_request *request = &probe->request;
    uint64_t key = random_key((uint64_t)probe->run.seed, "probe", 0);
    for (int64_t sequence = 0; sequence < request->sequences; sequence++)
        for (int64_t t = 0; t < request->time; t++) {
            int64_t row = sequence * request->time + t;
            uint64_t vocab = (uint64_t)probe->run.model.vocab;
            probe->tokens[row] = (int32_t)random_below(key, (uint64_t)sequence, (uint64_t)(2 * t), vocab);
            probe->targets[row] = (int32_t)random_below(key, (uint64_t)sequence, (uint64_t)(2 * t + 1), vocab);
            probe->positions[row] = (int32_t)t;
        }
}

bool probe_open(struct probe *probe, const struct probe_request *request, struct error *error)
{
    *probe = (struct probe){.request = *request, .run = *request->run};
    int64_t share = (request->sequences + request->lanes - 1) / request->lanes;
    size_t rows = (size_t)(request->sequences * request->time);
    const struct model_request build = {
        .mode = request->mode,
        .real = request->real,
        .sequences = request->pass_sequences ? request->pass_sequences : share,
        .time = request->time,
        .tile_rows = request->tile_rows,
        .explicit_attention = request->explicit_attention,
        .keeps_activations = request->keeps_activations,
    };
    const struct executor_options options = {.lanes = request->lanes,
                                             .sequences = request->sequences,
                                             .poison = request->poison};
    if (!gemm_open(run_gemm_way(&probe->run), request->real, error) ||
        !model_build(&probe->graph, &probe->run, &build, &probe->parameters, error))
        goto cleanup;
    if (!parameters_allocate(&probe->parameters, error) || !team_open(&probe->team, request->threads, error) ||
        !executor_open(&probe->executor, &probe->graph, probe->team, &options, error))
        goto cleanup;
    model_initialise(&probe->parameters, &probe->run);
    widen(probe);
    probe->tokens = memory_allocate(rows, sizeof *probe->tokens);
    probe->targets = memory_allocate(rows, sizeof *probe->targets);
    probe->positions = memory_allocate(rows, sizeof *probe->positions);
    probe->logits = memory_allocate(rows * (size_t)probe->run.model.vocab, real_size(request->real));
    draw_tokens(probe);
    return true;
cleanup:
    probe_close(probe);
    return false;
}

void probe_close(struct probe *probe)
{
    executor_close(probe->executor);
    team_close(probe->team);
    parameters_free(&probe->parameters);
    graph_close(&probe->graph);
    free(probe->tokens);
    free(probe->targets);
    free(probe->positions);
    free(probe->logits);
    *probe = (struct probe){0};
}

static struct batch batch_of(const struct probe *probe)
{
    return (struct batch){probe->request.sequences, probe->tokens, probe->targets, probe->positions};
}

void probe_forward(struct probe *probe)
{
    const struct batch batch = batch_of(probe);
    const struct outputs outputs = {.logits = probe->logits};
    executor_forward(probe->executor, &batch, &outputs, &probe->totals);
}

void probe_train(struct probe *probe)
{
    const struct batch batch = batch_of(probe);
    const struct outputs outputs = {.logits = probe->logits};
    executor_train(probe->executor, &batch, (uint64_t)probe->run.seed, 3, &outputs, &probe->totals);
}

double probe_objective(const struct probe *probe)
{
    const struct choice *z_loss = run_choice(&probe->run, SLOT_Z_LOSS, 0);
    double coefficient = z_loss->component ? z_loss->component->coefficient.value(&z_loss->options) : 0;
    return (probe->totals.loss_sum + coefficient * probe->totals.log_z_squared_sum) / (double)probe->totals.counted;
}

double probe_value(const struct probe *probe, const void *array, int64_t index)
{
    return probe->request.real == REAL_FLOAT ? ((const float *)array)[index] : ((const double *)array)[index];
}
