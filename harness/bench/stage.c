// stage.c: see stage.h.
#include "bench/stage.h"

#include <stdlib.h>

#include "base/random.h"
#include "tensor/gemm.h"

const char *const pass_names[PASS_COUNT] = {"forward", "backward"};

// Where a plan lets buffers follow one another, these lie side by side.
static size_t spread(struct graph *graph)
{
    size_t bytes = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        tensor->offset = bytes;
        bytes += graph_value_bytes(graph, tensor);
        if (tensor->gradient_of || !tensor->wants_gradient)
            continue;
        tensor->gradient_offset = bytes;
        bytes += graph_gradient_bytes(graph, tensor);
    }
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *owner = graph->tensors[i];
        while (owner->gradient_of)
            owner = owner->gradient_of;
        if (graph->tensors[i]->gradient_of)
            graph->tensors[i]->gradient_offset = owner->gradient_offset;
    }
    return bytes;
}

static void draw_inputs(struct stage *stage)
{
    uint64_t key = random_key((uint64_t)stage->run.seed, "stage", 0), vocab = (uint64_t)stage->run.model.vocab;
    for (int64_t row = 0; row < stage->rows; row++) {
        stage->inputs[row] = (int32_t)random_below(key, (uint64_t)row, 0, vocab);
        stage->inputs[stage->rows + row] = (int32_t)random_below(key, (uint64_t)row, 1, vocab);
        stage->inputs[2 * stage->rows + row] = (int32_t)row;
    }
    for (int i = 0; i < 3; i++)
        stage->lane.inputs[i] = stage->inputs + i * stage->rows;
}

static void pack_weights(struct stage *stage)
{
    for (int i = 0; i < stage->graph.pack_count; i++) {
        const struct graph_pack *pack = stage->graph.packs[i];
        const float *weight = (const float *)stage->parameters.values + pack->weight->offset;
        gemm_pack(pack->product, 0, weight, (unsigned char *)stage->packs + pack->offset, stage->workspace);
    }
}

bool stage_open(struct stage *stage, const struct run *run, struct error *error)
{
    *stage = (struct stage){.run = *run, .rows = run->model.seq_len};
    const struct model_request request = {.mode = GRAPH_TRAIN,
                                          .real = REAL_FLOAT,
                                          .sequences = 1,
                                          .time = run->model.seq_len,
                                          .keeps_activations = true}; // parts run alone, in any order
    if (!gemm_open(run_gemm_way(run), REAL_FLOAT, error) ||
        !model_build(&stage->graph, &stage->run, &request, &stage->parameters, error)) {
        parameters_free(&stage->parameters);
        return false;
    }
    stage->arena_bytes = spread(&stage->graph);
    stage->workspace_bytes = stage->graph.workspace_bytes;
    stage->gradient_bytes = stage->parameters.elements * sizeof(float);
    return true;
}

bool stage_prepare(struct stage *stage, struct error *error)
{
    if (!parameters_allocate(&stage->parameters, error) ||
        !memory_large(&stage->arena, stage->arena_bytes, "the activations", error) ||
        !memory_large(&stage->workspace, stage->workspace_bytes, "the workspace", error) ||
        !memory_large(&stage->packs, stage->graph.pack_bytes, "the packed weights", error) ||
        !memory_large(&stage->gradients, stage->gradient_bytes, "the gradients", error))
        return false;
    model_initialise(&stage->parameters, &stage->run);
    stage->inputs = memory_allocate((size_t)(3 * stage->rows), sizeof *stage->inputs);
    stage->lane = (struct lane){
        .graph = &stage->graph,
        .parts = 1,
        .arena = stage->arena,
        .workspace = stage->workspace,
        .packs = stage->packs,
        .gradients = stage->gradients,
        .first_pass = true,
        .training = true,
        .loss_weight = 1 / (double)stage->rows,
        .seed = (uint64_t)stage->run.seed,
    };
    draw_inputs(stage);
    pack_weights(stage);
    const struct part all = {stage->graph.node_count, stage->graph.nodes};
    for (enum pass pass = 0; pass < PASS_COUNT; pass++)
        stage_run(stage, &all, pass);
    return true;
}

void stage_close(struct stage *stage)
{
    memory_large_free(stage->arena, stage->arena_bytes);
    memory_large_free(stage->workspace, stage->workspace_bytes);
    memory_large_free(stage->packs, stage->graph.pack_bytes);
    memory_large_free(stage->gradients, stage->gradient_bytes);
    free(stage->inputs);
    parameters_free(&stage->parameters);
    graph_close(&stage->graph);
    *stage = (struct stage){0};
}

static void run_backward(const struct node *node, struct span rows, struct lane *lane)
{
    const struct kernels *kernels = node->op->kernels[REAL_FLOAT];
    if (!node->runs_backward)
        return;
    if (kernels->backward_parameters)
        kernels->backward_parameters(node, rows, lane);
    if (kernels->backward)
        kernels->backward(node, rows, lane);
}

void stage_run(struct stage *stage, const struct part *part, enum pass pass)
{
    const struct span rows = {0, stage->rows};
    for (int i = 0; pass == PASS_FORWARD && i < part->count; i++)
        part->nodes[i]->op->kernels[REAL_FLOAT]->forward(part->nodes[i], rows, &stage->lane);
    for (int i = part->count - 1; pass == PASS_BACKWARD && i >= 0; i--)
        run_backward(part->nodes[i], rows, &stage->lane);
}

struct work stage_work(const struct stage *stage, const struct part *part, enum pass pass)
{
    struct work work = {0};
    enum phase first = pass == PASS_FORWARD ? PHASE_FORWARD : PHASE_BACKWARD;
    enum phase last = pass == PASS_FORWARD ? PHASE_FORWARD : PHASE_BACKWARD_PARAMETERS;
    for (int i = 0; i < part->count; i++) {
        const struct node *node = part->nodes[i];
        const struct cost cost = node->op->cost(node, 1, stage->rows);
        for (enum phase phase = first; phase <= last && (pass == PASS_FORWARD || node->runs_backward); phase++) {
            work.flops += cost.phases[phase].flops;
            work.bytes += cost.phases[phase].bytes;
            work.coupled_flops += node->op->rows == OP_ROWS_LOCAL ? 0 : cost.phases[phase].flops;
        }
    }
    return work;
}
