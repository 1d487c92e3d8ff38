// executor.c: the reference executor: op by op over a lane's pass, with the `after` hook.
//
// One team_run carries the lanes through forward and backward; a second sums their gradients chunk by chunk, so that the sum
// and its norm have one fixed order whatever the team's size.
#include "tensor/executor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 15 }; // elements of one partial sum of the norm

struct share { // a lane's part of a batch, and what it found
    struct span sequences;
    struct totals totals;
};

struct executor {
    const struct graph *graph;
    struct team *team;
    struct executor_options options;
    int arenas;
    unsigned char *arena, *workspace; // [arenas][lane_bytes], [arenas][workspace_bytes]
    unsigned char *packs;             // [pack_bytes]
    void *gradients;                  // real[lanes][elements]
    double *chunk_norms;
    size_t arena_bytes, workspace_bytes, gradient_bytes;
    double norm;
    // The call at hand.
    const struct batch *batch;
    const struct outputs *outputs;
    bool training;
    uint64_t seed, step;
    double loss_weight;
    int used_lanes;
    struct share shares[LANES_MAX];
};

static int arena_count(int team_size, int lanes) { return team_size < lanes ? team_size : lanes; }
static size_t element_size(const struct graph *graph) { return real_size(graph->real); }

size_t executor_bytes(const struct graph *graph, int team_size, int lanes)
{
    size_t gradients = graph->mode == GRAPH_TRAIN ? (size_t)lanes * graph->parameters->elements * element_size(graph) : 0;
    return (size_t)arena_count(team_size, lanes) * (graph->lane_bytes + graph->workspace_bytes) + graph->pack_bytes + gradients;
}

bool executor_open(struct executor **result, const struct graph *graph, struct team *team,
                   const struct executor_options *options, struct error *error)
{
    if (options->lanes < 1 || options->lanes > LANES_MAX)
        return error_request(error, "train.lanes must be 1 to %d", LANES_MAX);
    struct executor *executor = memory_allocate(1, sizeof *executor);
    executor->graph = graph;
    executor->team = team;
    executor->options = *options;
    executor->arenas = arena_count(team_size(team), options->lanes);
    executor->arena_bytes = (size_t)executor->arenas * graph->lane_bytes;
    executor->workspace_bytes = (size_t)executor->arenas * graph->workspace_bytes;
    size_t elements = graph->parameters->elements;
    if (graph->mode == GRAPH_TRAIN)
        executor->gradient_bytes = (size_t)options->lanes * elements * element_size(graph);
    executor->chunk_norms = memory_allocate(elements / CHUNK + 1, sizeof *executor->chunk_norms);
    void *arena = NULL, *workspace = NULL, *packs = NULL;
    bool done = memory_large(&arena, executor->arena_bytes, "the activations", error) &&
                memory_large(&workspace, executor->workspace_bytes, "the workspace", error) &&
                memory_large(&packs, graph->pack_bytes, "the packed weights", error) &&
                memory_large(&executor->gradients, executor->gradient_bytes, "the gradients", error);
    executor->arena = arena;
    executor->workspace = workspace;
    executor->packs = packs;
    if (!done) {
        executor_close(executor);
        return false;
    }
    *result = executor;
    return true;
}

void executor_close(struct executor *executor)
{
    if (!executor)
        return;
    memory_large_free(executor->arena, executor->arena_bytes);
    memory_large_free(executor->workspace, executor->workspace_bytes);
    memory_large_free(executor->packs, executor->graph->pack_bytes);
    memory_large_free(executor->gradients, executor->gradient_bytes);
    free(executor->chunk_norms);
    free(executor);
}

// Fills what is born (or has just died) at `moment` with NaN: all bits set is one in every format.
static void poison(const struct lane *lane, int moment, bool births)
{
    const struct graph *graph = lane->graph;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        size_t bytes = graph_tensor_bytes(graph, tensor);
        if (moment == (births ? tensor->born : tensor->dies))
            memset(lane->arena + tensor->offset, 0xff, bytes);
        if (!tensor->gradient_of && tensor->gradient_born >= 0 &&
            moment == (births ? tensor->gradient_born : tensor->gradient_dies))
            memset(lane->arena + tensor->gradient_offset, 0xff, bytes);
    }
    if (births)
        memset(lane->workspace, 0xff, graph->workspace_bytes);
}

static void copy_rows(void *target, const struct tensor *tensor, const struct lane *lane)
{
    if (!target || !tensor)
        return;
    size_t row = (size_t)tensor->width * element_size(lane->graph);
    memcpy((char *)target + (size_t)lane->first_row * row, lane_tensor(lane, tensor),
           (size_t)(lane->sequences * lane->graph->time) * row);
}

static void add_totals(const struct lane *lane, struct totals *totals)
{
    const struct graph *graph = lane->graph;
    const void *losses = lane_tensor(lane, graph->row_loss), *log_zs = lane_tensor(lane, graph->row_log_z);
    for (int64_t row = 0; row < lane->sequences * graph->time; row++) {
        if (lane->inputs[1][row] < 0)
            continue;
        double log_z = graph->real == REAL_FLOAT ? ((const float *)log_zs)[row] : ((const double *)log_zs)[row];
        totals->loss_sum += graph->real == REAL_FLOAT ? ((const float *)losses)[row] : ((const double *)losses)[row];
        totals->log_z_sum += log_z;
        totals->log_z_squared_sum += log_z * log_z;
        totals->counted++;
    }
}

// Every kernel is called here.
static void call_kernel(struct executor *executor, const struct node *node, enum phase phase, struct span rows,
                        struct lane *lane)
{
    const struct kernels *kernels = node->op->kernels[executor->graph->real];
    void (*const kernel[PHASE_COUNT])(const struct node *, struct span, struct lane *) = {kernels->forward, kernels->backward,
                                                                                          kernels->backward_parameters};
    if (!kernel[phase])
        return;
    double begin = profile_now(executor->options.profile);
    kernel[phase](node, rows, lane);
    profile_add_call(executor->options.profile, lane->index, node, phase, rows, begin);
}

static void run_forward(struct executor *executor, struct lane *lane, struct span rows)
{
    const struct graph *graph = executor->graph;
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *node = graph->nodes[i];
        if (executor->options.poison)
            poison(lane, i, true);
        call_kernel(executor, node, PHASE_FORWARD, rows, lane);
        if (executor->options.after)
            executor->options.after(executor->options.after_context, node, rows, lane);
        if (executor->options.poison)
            poison(lane, i, false);
    }
}

static void run_backward(struct executor *executor, struct lane *lane, struct span rows)
{
    const struct graph *graph = executor->graph;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        const struct node *node = graph->nodes[i];
        int moment = 2 * graph->node_count - i;
        if (!node->runs_backward)
            continue;
        if (executor->options.poison)
            poison(lane, moment, true);
        call_kernel(executor, node, PHASE_BACKWARD_PARAMETERS, rows, lane);
        call_kernel(executor, node, PHASE_BACKWARD, rows, lane);
        if (executor->options.poison)
            poison(lane, moment, false);
    }
}

static void run_pass(struct executor *executor, struct lane *lane, struct share *share)
{
    const struct graph *graph = executor->graph;
    struct span rows = {0, lane->sequences * graph->time};
    run_forward(executor, lane, rows);
    add_totals(lane, &share->totals);
    if (executor->outputs) {
        copy_rows(executor->outputs->logits, graph->logits, lane);
        copy_rows(executor->outputs->row_loss, graph->row_loss, lane);
        copy_rows(executor->outputs->row_log_z, graph->row_log_z, lane);
        copy_rows(executor->outputs->row_correct, graph->row_correct, lane);
    }
    if (executor->options.poison)
        poison(lane, graph->node_count, false);
    if (executor->training)
        run_backward(executor, lane, rows);
}

static void run_lane(struct executor *executor, int index, int arena)
{
    const struct graph *graph = executor->graph;
    struct share *share = &executor->shares[index];
    struct lane lane = {
        .graph = graph,
        .index = index,
        .arena = executor->arena + (size_t)arena * graph->lane_bytes,
        .workspace = executor->workspace + (size_t)arena * graph->workspace_bytes,
        .packs = executor->packs,
        .gradients = (char *)executor->gradients + (size_t)index * graph->parameters->elements * element_size(graph),
        .first_pass = true,
        .training = executor->training,
        .loss_weight = executor->loss_weight,
        .seed = executor->seed,
        .step = executor->step,
    };
    for (int64_t first = share->sequences.begin; first < share->sequences.end; first += graph->sequences) {
        int64_t left = share->sequences.end - first;
        lane.sequences = left < graph->sequences ? left : graph->sequences;
        lane.first_row = first * graph->time;
        lane.inputs[0] = executor->batch->tokens + lane.first_row;
        lane.inputs[1] = executor->batch->targets + lane.first_row;
        lane.inputs[2] = executor->batch->positions + lane.first_row;
        run_pass(executor, &lane, share);
        lane.first_pass = false;
    }
    share->totals.counted_flops = lane.counted_flops;
}

// Weights as products want them, each by one member. A member's workspace serves where one is needed.
static void pack_weights(void *context, int member, int size)
{
    struct executor *executor = context;
    const struct graph *graph = executor->graph;
    for (int i = member; i < graph->pack_count && member < executor->arenas;
         i += size < executor->arenas ? size : executor->arenas) {
        const struct graph_pack *pack = graph->packs[i];
        const char *weight = (const char *)graph->parameters->values + pack->weight->offset * element_size(graph);
        gemm_pack(pack->product, member, weight, executor->packs + pack->offset,
                  executor->workspace + (size_t)member * graph->workspace_bytes);
    }
}

static void run_lanes(void *context, int member, int size)
{
    struct executor *executor = context;
    for (int i = member; i < executor->options.lanes && member < executor->arenas; i += size)
        if (executor->shares[i].sequences.begin < executor->shares[i].sequences.end)
            run_lane(executor, i, member);
}

static void run_batch(struct executor *executor)
{
    double begin = profile_now(executor->options.profile);
    if (executor->graph->pack_count) {
        team_run(executor->team, pack_weights, executor);
        profile_add_part(executor->options.profile, PROFILE_PACK, begin);
    }
    team_run(executor->team, run_lanes, executor);
}

// Where a lane's share is empty, so are all shares of the lanes that stay unused: their gradients are not summed.
static void split_batch(struct executor *executor, const struct batch *batch, const struct outputs *outputs)
{
    int lanes = executor->options.lanes;
    int64_t rows = batch->sequences * executor->graph->time, counted = 0;
    executor->used_lanes = batch->sequences < lanes ? (int)batch->sequences : lanes;
    executor->batch = batch;
    executor->outputs = outputs;
    for (int i = 0; i < lanes; i++)
        executor->shares[i] =
            (struct share){.sequences = {i < executor->used_lanes ? batch->sequences * i / executor->used_lanes : 0,
                                         i < executor->used_lanes ? batch->sequences * (i + 1) / executor->used_lanes : 0}};
    for (int64_t row = 0; row < rows; row++)
        counted += batch->targets[row] >= 0;
    executor->loss_weight = counted ? 1.0 / (double)counted : 0;
}

static void sum_totals(const struct executor *executor, struct totals *totals)
{
    *totals = (struct totals){0};
    for (int i = 0; i < executor->used_lanes; i++) {
        const struct totals *part = &executor->shares[i].totals;
        totals->loss_sum += part->loss_sum;
        totals->log_z_sum += part->log_z_sum;
        totals->log_z_squared_sum += part->log_z_squared_sum;
        totals->counted += part->counted;
        totals->counted_flops += part->counted_flops;
    }
}

static double sum_chunk_float(float *sum, const float *gradients, size_t count, size_t stride, int lanes)
{
    for (int lane = 1; lane < lanes; lane++)
        for (size_t i = 0; i < count; i++)
            sum[i] += gradients[(size_t)lane * stride + i];
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < count; i++)
        squares += (double)sum[i] * (double)sum[i];
    return squares;
}

static double sum_chunk_double(double *sum, const double *gradients, size_t count, size_t stride, int lanes)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        for (int lane = 1; lane < lanes; lane++)
            sum[i] += gradients[(size_t)lane * stride + i];
        squares += sum[i] * sum[i];
    }
    return squares;
}

// Lane 0's gradients become the sum over lanes; each chunk's squares are a partial sum of the norm.
static void sum_gradients(void *context, int member, int size)
{
    struct executor *executor = context;
    size_t elements = executor->graph->parameters->elements, chunks = (elements + CHUNK - 1) / CHUNK;
    for (size_t chunk = (size_t)member; chunk < chunks; chunk += (size_t)size) {
        size_t begin = chunk * CHUNK, count = elements - begin < CHUNK ? elements - begin : CHUNK;
        if (executor->graph->real == REAL_FLOAT) {
            float *gradients = (float *)executor->gradients + begin;
            executor->chunk_norms[chunk] = sum_chunk_float(gradients, gradients, count, elements, executor->used_lanes);
        } else {
            double *gradients = (double *)executor->gradients + begin;
            executor->chunk_norms[chunk] = sum_chunk_double(gradients, gradients, count, elements, executor->used_lanes);
        }
    }
}

void executor_forward(struct executor *executor, const struct batch *batch, const struct outputs *outputs,
                      struct totals *totals)
{
    split_batch(executor, batch, outputs);
    executor->training = false;
    run_batch(executor);
    sum_totals(executor, totals);
}

void executor_train(struct executor *executor, const struct batch *batch, uint64_t seed, uint64_t step,
                    const struct outputs *outputs, struct totals *totals)
{
    split_batch(executor, batch, outputs);
    executor->training = true;
    executor->seed = seed;
    executor->step = step;
    run_batch(executor);
    sum_totals(executor, totals);
    double begin = profile_now(executor->options.profile);
    team_run(executor->team, sum_gradients, executor);
    profile_add_part(executor->options.profile, PROFILE_GRADIENT_SUM, begin);
    size_t chunks = (executor->graph->parameters->elements + CHUNK - 1) / CHUNK;
    double squares = 0;
    for (size_t i = 0; i < chunks; i++)
        squares += executor->chunk_norms[i];
    executor->norm = sqrt(squares);
}

const void *executor_gradients(const struct executor *executor) { return executor->gradients; }
double executor_gradient_norm(const struct executor *executor) { return executor->norm; }
