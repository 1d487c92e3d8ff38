// executor.c: what both executors share: memory, the batch's split into lanes, poison, the sum of the gradients.
//
// One team_run carries the lanes through forward and backward; a second sums their gradients chunk by chunk, so that the sum
// and its norm have one fixed order whatever the team's size.
#include "tensor/executor_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 15 }; // elements of one partial sum of the norm

static size_t element_size(const struct graph *graph) { return real_size(graph->real); }

// Members that carry lanes, and passes that are under way at once: where no lane has a sequence of its own, one.
static int member_count(int team_size, int lanes) { return team_size < lanes ? team_size : lanes; }
static int pass_count(const struct graph *graph, int team_size, const struct executor_options *options)
{
    if (options->sequences >= options->lanes)
        return member_count(team_size, options->lanes);
    return graph->tile_rows == 0 ? member_count(team_size, (int)options->sequences) : 1;
}

size_t executor_bytes(const struct graph *graph, int team_size, const struct executor_options *options)
{
    size_t gradients =
        graph->mode == GRAPH_TRAIN ? (size_t)options->lanes * graph->parameters->elements * element_size(graph) : 0;
    return (size_t)pass_count(graph, team_size, options) * graph->pass_bytes +
           (size_t)member_count(team_size, options->lanes) * (graph->tile_bytes + graph->workspace_bytes) + graph->pack_bytes +
           gradients;
}

bool executor_open(struct executor **result, const struct graph *graph, struct team *team,
                   const struct executor_options *options, struct error *error)
{
    if (options->lanes < 1 || options->lanes > LANES_MAX)
        return error_request(error, "train.lanes must be 1 to %d", LANES_MAX);
    if (options->sequences < 1 || (options->after && graph->tile_rows > 0))
        abort();
    struct executor *executor = memory_allocate(1, sizeof *executor);
    executor->graph = graph;
    executor->team = team;
    executor->options = *options;
    executor->members = member_count(team_size(team), options->lanes);
    executor->arena_bytes = (size_t)pass_count(graph, team_size(team), options) * graph->pass_bytes;
    executor->tile_bytes = (size_t)executor->members * graph->tile_bytes;
    executor->workspace_bytes = (size_t)executor->members * graph->workspace_bytes;
    size_t elements = graph->parameters->elements;
    if (graph->mode == GRAPH_TRAIN)
        executor->gradient_bytes = (size_t)options->lanes * elements * element_size(graph);
    executor->chunk_norms = memory_allocate(elements / CHUNK + 1, sizeof *executor->chunk_norms);
    void *arena = NULL, *tile = NULL, *workspace = NULL, *packs = NULL;
    bool done = memory_large(&arena, executor->arena_bytes, "the activations", error) &&
                memory_large(&tile, executor->tile_bytes, "the activations of a tile", error) &&
                memory_large(&workspace, executor->workspace_bytes, "the workspace", error) &&
                memory_large(&packs, graph->pack_bytes, "the packed weights", error) &&
                memory_large(&executor->gradients, executor->gradient_bytes, "the gradients", error);
    executor->arena = arena;
    executor->tile = tile;
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
    memory_large_free(executor->tile, executor->tile_bytes);
    memory_large_free(executor->workspace, executor->workspace_bytes);
    memory_large_free(executor->packs, executor->graph->pack_bytes);
    memory_large_free(executor->gradients, executor->gradient_bytes);
    free(executor->chunk_norms);
    free(executor);
}

void executor_poison(const struct lane *lane, int moment, bool births, bool tile_only)
{
    const struct graph *graph = lane->graph;
    unsigned char *arena = tile_only ? lane->tile : lane->arena;
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        if (tensor->tile_only == tile_only && moment == (births ? tensor->born : tensor->dies))
            memset(arena + tensor->offset, 0xff, graph_value_bytes(graph, tensor));
        if (tensor->gradient_born >= 0 && !tensor->gradient_of && tensor->gradient_tile_only == tile_only &&
            moment == (births ? tensor->gradient_born : tensor->gradient_dies))
            memset(arena + tensor->gradient_offset, 0xff, graph_gradient_bytes(graph, tensor));
    }
    if (births)
        memset(lane->workspace, 0xff, graph->workspace_bytes);
}

struct lane *executor_lane(struct executor *executor, int index, int member)
{
    const struct graph *graph = executor->graph;
    struct share *share = &executor->shares[index];
    share->lane = (struct lane){
        .graph = graph,
        .index = index,
        .parts = 1,
        .tile = executor->tile + (size_t)member * graph->tile_bytes,
        .workspace = executor->workspace + (size_t)member * graph->workspace_bytes,
        .packs = executor->packs,
        .gradients = (char *)executor->gradients + (size_t)index * graph->parameters->elements * element_size(graph),
        .first_pass = true,
        .training = executor->training,
        .loss_weight = executor->loss_weight,
        .seed = executor->seed,
        .step = executor->step,
    };
    return &share->lane;
}

void executor_aim(const struct executor *executor, struct lane *lane, int64_t batch_row, int64_t pass_row)
{
    const struct batch *batch = executor->batch;
    lane->pass_row = pass_row;
    lane->first_row = batch_row + pass_row;
    lane->inputs[0] = batch->tokens + lane->first_row;
    lane->inputs[1] = batch->targets + lane->first_row;
    lane->inputs[2] = batch->positions + lane->first_row;
}

// Every kernel is called here, if the op has one for the phase.
static void call(const struct executor *executor, const struct node *node, enum phase phase, struct span rows,
                 struct lane *lane)
{
    const struct kernels *kernels = node->op->kernels[executor->graph->real];
    void (*const kernel[PHASE_COUNT])(const struct node *, struct span, struct lane *) = {kernels->forward, kernels->backward,
                                                                                          kernels->backward_parameters};
    if (!kernel[phase])
        return;
    double begin = profile_now(executor->options.profile);
    kernel[phase](node, rows, lane);
    // A share of the heads of all rows costs as much as that share of the rows.
    if (node->op->rows == OP_ROWS_HEADS)
        rows = lane_share(lane, rows.end - rows.begin);
    profile_add_call(executor->options.profile, lane->index, node, phase, rows, begin);
}

void executor_step(const struct executor *executor, const struct graph_step *step, struct span rows, struct lane *lane)
{
    if (!step->backward) {
        call(executor, step->node, PHASE_FORWARD, rows, lane);
        return;
    }
    call(executor, step->node, PHASE_BACKWARD_PARAMETERS, rows, lane);
    call(executor, step->node, PHASE_BACKWARD, rows, lane);
}

static void copy_rows(void *target, const struct tensor *tensor, const struct lane *lane, int64_t count)
{
    if (!target || !tensor)
        return;
    memcpy((char *)target + (size_t)lane->first_row * tensor->row_bytes, lane_tensor(lane, tensor),
           (size_t)count * tensor->row_bytes);
}

static void add_totals(const struct lane *lane, int64_t count, struct totals *totals)
{
    const struct graph *graph = lane->graph;
    const void *losses = lane_tensor(lane, graph->row_loss), *log_zs = lane_tensor(lane, graph->row_log_z);
    for (int64_t row = 0; row < count; row++) {
        if (lane->inputs[1][row] < 0)
            continue;
        double log_z = graph->real == REAL_FLOAT ? ((const float *)log_zs)[row] : ((const double *)log_zs)[row];
        totals->loss_sum += graph->real == REAL_FLOAT ? ((const float *)losses)[row] : ((const double *)losses)[row];
        totals->log_z_sum += log_z;
        totals->log_z_squared_sum += log_z * log_z;
        totals->counted++;
    }
}

void executor_finish_forward(struct executor *executor, struct lane *lane, int64_t count)
{
    const struct graph *graph = executor->graph;
    add_totals(lane, count, &executor->shares[lane->index].totals);
    if (!executor->outputs)
        return;
    copy_rows(executor->outputs->logits, graph->logits, lane, count);
    copy_rows(executor->outputs->row_loss, graph->row_loss, lane, count);
    copy_rows(executor->outputs->row_log_z, graph->row_log_z, lane, count);
    copy_rows(executor->outputs->row_correct, graph->row_correct, lane, count);
}

static void start_batch(struct executor *executor, const struct batch *batch, const struct outputs *outputs, bool training)
{
    int64_t rows = batch->sequences * executor->graph->time, counted = 0;
    if (batch->sequences > executor->options.sequences)
        abort();
    executor->batch = batch;
    executor->outputs = outputs;
    executor->training = training;
    for (int64_t row = 0; row < rows; row++)
        counted += batch->targets[row] >= 0;
    executor->loss_weight = counted ? 1.0 / (double)counted : 0;
    memset(executor->shares, 0, sizeof executor->shares);
}

// Weights as products want them, each by one member. A member's workspace serves where one is needed.
static void pack_weights(void *context, int member, int size)
{
    struct executor *executor = context;
    const struct graph *graph = executor->graph;
    for (int i = member; i < graph->pack_count && member < executor->members;
         i += size < executor->members ? size : executor->members) {
        const struct graph_pack *pack = graph->packs[i];
        const char *weight = (const char *)graph->parameters->values + pack->weight->offset * element_size(graph);
        gemm_pack(pack->product, member, weight, executor->packs + pack->offset,
                  executor->workspace + (size_t)member * graph->workspace_bytes);
    }
}

static void run_batch(struct executor *executor)
{
    bool tiled = executor->graph->tile_rows > 0;
    double begin = profile_now(executor->options.profile);
    if (executor->graph->pack_count) {
        team_run(executor->team, pack_weights, executor);
        profile_add_part(executor->options.profile, PROFILE_PACK, begin);
    }
    (tiled ? executor_split_tiled : executor_split_reference)(executor);
    team_run(executor->team, tiled ? executor_run_tiled : executor_run_reference, executor);
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
        totals->counted_flops += executor->shares[i].lane.counted_flops;
        totals->visited_pairs += executor->shares[i].lane.visited_pairs;
        totals->visible_pairs += executor->shares[i].lane.visible_pairs;
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
    start_batch(executor, batch, outputs, false);
    run_batch(executor);
    sum_totals(executor, totals);
}

void executor_train(struct executor *executor, const struct batch *batch, uint64_t seed, uint64_t step,
                    const struct outputs *outputs, struct totals *totals)
{
    start_batch(executor, batch, outputs, true);
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
