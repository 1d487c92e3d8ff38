// graph.c: builds a graph: tensors, parameters and nodes. Planning its memory is plan.c's, running it executor.c's.
#include "tensor/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *const phase_names[PHASE_COUNT] = {
    [PHASE_FORWARD] = "forward",
    [PHASE_BACKWARD] = "backward",
    [PHASE_BACKWARD_PARAMETERS] = "parameters' backward",
};

enum { OFFSET_STEP = 16 }; // elements: every parameter starts on a cache line in float

void graph_open(struct graph *graph, enum graph_mode mode, enum real real, int64_t sequences, int64_t time,
                struct parameters *parameters, struct error *error)
{
    *graph = (struct graph){.mode = mode,
                            .real = real,
                            .time = time,
                            .sequences = sequences,
                            .position_limit = time,
                            .parameters = parameters,
                            .way = {.format = GEMM_REAL, .library = GEMM_OPENBLAS},
                            .layer = -1,
                            .error = error};
    parameters->real = real;
}

void graph_cut(struct graph *graph, int64_t tile_rows)
{
    int64_t rows = graph->sequences * graph->time, tiles = (rows + tile_rows - 1) / tile_rows;
    graph->tile_rows = (rows + tiles - 1) / tiles;
}

int64_t graph_call_rows(const struct graph *graph)
{
    return graph->tile_rows ? graph->tile_rows : graph->sequences * graph->time;
}

void graph_close(struct graph *graph)
{
    for (int i = 0; i < graph->product_count; i++)
        gemm_product_close(graph->products[i]);
    free(graph->products);
    free(graph->packs);
    free(graph->tensors);
    free(graph->nodes);
    free(graph->blocks);
    free(graph->steps);
    free(graph->segments);
    arena_close(&graph->arena);
    *graph = (struct graph){0};
}

struct tensor *graph_refuse(struct graph *graph, const char *format, ...)
{
    if (!graph->failed) {
        struct text reason = {0};
        va_list arguments;
        va_start(arguments, format);
        text_add_list(&reason, format, arguments);
        va_end(arguments);
        error_add(graph->error, "%s%s%s", graph->component ? graph->component : "", graph->component ? ": " : "", reason.data);
        text_free(&reason);
        graph->failed = true;
    }
    return NULL;
}

static struct tensor *add_tensor(struct graph *graph, enum tensor_kind kind, enum dtype dtype)
{
    if (graph->tensor_count == graph->tensor_capacity) {
        graph->tensor_capacity = graph->tensor_capacity ? 2 * graph->tensor_capacity : 64;
        graph->tensors = memory_resize(graph->tensors, (size_t)graph->tensor_capacity, sizeof *graph->tensors);
    }
    struct tensor *tensor = arena_allocate(&graph->arena, 1, sizeof *tensor);
    tensor->kind = kind;
    tensor->dtype = dtype;
    graph->tensors[graph->tensor_count++] = tensor;
    return tensor;
}

struct tensor *graph_input(struct graph *graph, const char *name)
{
    static const char *const names[] = {"tokens", "targets", "positions"}; // the order of lane->inputs
    struct tensor *tensor = add_tensor(graph, TENSOR_INPUT, DTYPE_INT32);
    tensor->rank = 1;
    tensor->width = 1;
    tensor->index = -1;
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, names[i]))
            tensor->index = i;
    if (tensor->index < 0)
        abort();
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    return tensor;
}

static bool same_shape(const struct parameter *parameter, int rank, const int64_t *shape)
{
    return parameter->rank == rank && !memcmp(parameter->shape, shape, (size_t)rank * sizeof *shape);
}

static struct parameter *add_parameter(struct graph *graph, const char *name, enum parameter_role role, int rank,
                                       const int64_t *shape)
{
    struct parameters *store = graph->parameters;
    size_t count = 1, rounded;
    for (int i = 0; i < rank; i++) {
        if (shape[i] <= 0 || !size_multiply(count, (size_t)shape[i], &count) || count > SIZE_MAX / 64) {
            graph_refuse(graph, "%s: too large", name);
            return NULL;
        }
    }
    rounded = (count + OFFSET_STEP - 1) / OFFSET_STEP * OFFSET_STEP;
    if (!size_add(store->elements, rounded, &rounded) || rounded > SIZE_MAX / 64) {
        graph_refuse(graph, "%s: too large", name);
        return NULL;
    }
    if (store->count == store->capacity) {
        store->capacity = store->capacity ? 2 * store->capacity : 64;
        store->list = memory_resize(store->list, (size_t)store->capacity, sizeof *store->list);
    }
    struct parameter *parameter = &store->list[store->count++];
    *parameter = (struct parameter){.role = role, .rank = rank, .offset = store->elements, .count = count};
    memcpy(parameter->shape, shape, (size_t)rank * sizeof *shape);
    snprintf(parameter->name, sizeof parameter->name, "%s", name);
    store->elements = rounded;
    return parameter;
}

struct tensor *graph_parameter(struct graph *graph, const char *name, enum parameter_role role, int rank, const int64_t *shape)
{
    if (graph->failed)
        return NULL;
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i]->kind == TENSOR_PARAMETER && !strcmp(graph->tensors[i]->name, name))
            return graph_refuse(graph, "%s: two parameters have this name; to tie them, use the one tensor twice", name);
    struct parameter *parameter = parameters_find(graph->parameters, name);
    if (!parameter)
        parameter = add_parameter(graph, name, role, rank, shape);
    if (!parameter)
        return NULL;
    if (!same_shape(parameter, rank, shape))
        return graph_refuse(graph, "%s: another graph over these parameters gives it another shape", name);
    struct tensor *tensor = add_tensor(graph, TENSOR_PARAMETER, DTYPE_REAL);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->rank = rank;
    memcpy(tensor->shape, shape, (size_t)rank * sizeof *shape);
    tensor->width = (int64_t)parameter->count;
    tensor->index = (int)(parameter - graph->parameters->list);
    tensor->offset = parameter->offset;
    tensor->wants_gradient = graph->mode == GRAPH_TRAIN && role != ROLE_CONSTANT;
    return tensor;
}

struct tensor *graph_constant(struct graph *graph, const char *name, int rank, const int64_t *shape)
{
    const struct parameter *parameter = parameters_find(graph->parameters, name);
    return parameter && !same_shape(parameter, rank, shape) ? NULL : graph_parameter(graph, name, ROLE_CONSTANT, rank, shape);
}

struct tensor *graph_output(struct graph *graph, struct node *node, int64_t width)
{
    struct tensor *tensor = add_tensor(graph, TENSOR_ACTIVATION, DTYPE_REAL);
    snprintf(tensor->name, sizeof tensor->name, "%s.%d", node->op->name, graph->node_count);
    tensor->rank = 2;
    tensor->shape[1] = width;
    tensor->width = width;
    tensor->producer = node;
    for (int i = 0; i < node->input_count; i++)
        tensor->wants_gradient |= node->inputs[i]->wants_gradient;
    if (node->output_count == NODE_OUTPUTS_MAX)
        abort();
    return node->outputs[node->output_count++] = tensor;
}

void graph_saved(struct graph *graph, struct node *node, enum dtype dtype, int64_t width)
{
    struct tensor *tensor = add_tensor(graph, TENSOR_ACTIVATION, dtype);
    snprintf(tensor->name, sizeof tensor->name, "%s.%d.saved", node->op->name, graph->node_count);
    tensor->rank = 2;
    tensor->shape[1] = width;
    tensor->width = width;
    tensor->producer = node;
    node->saved = tensor;
}

struct tensor *graph_rebuilt(struct graph *graph, struct tensor *original)
{
    struct tensor *tensor = add_tensor(graph, TENSOR_ACTIVATION, original->dtype);
    *tensor = *original;
    tensor->original = original;
    return original->rebuilt = tensor;
}

void graph_block(struct graph *graph, int begin, enum rebuild rebuild, struct tensor *const outputs[2])
{
    if (graph->block_count == graph->block_capacity) {
        graph->block_capacity = graph->block_capacity ? 2 * graph->block_capacity : 16;
        graph->blocks = memory_resize(graph->blocks, (size_t)graph->block_capacity, sizeof *graph->blocks);
    }
    graph->blocks[graph->block_count++] = (struct graph_block){begin, graph->node_count, rebuild, {outputs[0], outputs[1]}};
}

struct tensor *graph_op(struct graph *graph, const struct op *op, const void *attributes, struct tensor *const *inputs,
                        int input_count)
{
    if (graph->failed)
        return NULL;
    if (input_count > NODE_INPUTS_MAX)
        abort();
    struct node *node = arena_allocate(&graph->arena, 1, sizeof *node);
    *node = (struct node){.op = op, .input_count = input_count, .component = graph->component, .layer = graph->layer};
    for (int i = 0; i < input_count; i++) {
        if (!inputs[i])
            return graph_refuse(graph, "%s has nothing to work on: what was built before it returned nothing", op->name);
        node->inputs[i] = inputs[i];
    }
    if (op->attributes_size) {
        void *copy = arena_allocate(&graph->arena, 1, op->attributes_size);
        memcpy(copy, attributes, op->attributes_size);
        node->attributes = copy;
    }
    struct error reason = {0};
    if (!op->plan(graph, node, &reason)) {
        while (reason.length && reason.text[reason.length - 1] == '\n')
            reason.text[--reason.length] = '\0';
        return graph_refuse(graph, "%s: %s", op->name, reason.text);
    }
    if (graph->node_count == graph->node_capacity) {
        graph->node_capacity = graph->node_capacity ? 2 * graph->node_capacity : 64;
        graph->nodes = memory_resize(graph->nodes, (size_t)graph->node_capacity, sizeof *graph->nodes);
    }
    graph->nodes[graph->node_count++] = node;
    return node->outputs[0];
}

struct gemm_product *graph_product(struct graph *graph, const struct gemm_request *wanted, struct error *error)
{
    struct gemm_request request = *wanted;
    request.real = graph->real;
    for (int i = 0; i < graph->product_count; i++)
        if (gemm_request_equal(gemm_product_request(graph->products[i]), &request))
            return graph->products[i];
    struct gemm_product *product = gemm_product_open(&request, error);
    if (!product)
        return NULL;
    if (graph->product_count == graph->product_capacity) {
        graph->product_capacity = graph->product_capacity ? 2 * graph->product_capacity : 16;
        graph->products = memory_resize(graph->products, (size_t)graph->product_capacity, sizeof(struct gemm_product *));
    }
    return graph->products[graph->product_count++] = product;
}

const struct graph_pack *graph_pack(struct graph *graph, const struct tensor *weight, struct gemm_product *product)
{
    size_t bytes = gemm_pack_bytes(product);
    if (!bytes)
        return NULL;
    for (int i = 0; i < graph->pack_count; i++)
        if (graph->packs[i]->weight == weight && gemm_packs_alike(graph->packs[i]->product, product))
            return graph->packs[i];
    if (graph->pack_count == graph->pack_capacity) {
        graph->pack_capacity = graph->pack_capacity ? 2 * graph->pack_capacity : 16;
        graph->packs = memory_resize(graph->packs, (size_t)graph->pack_capacity, sizeof(struct graph_pack *));
    }
    struct graph_pack *pack = arena_allocate(&graph->arena, 1, sizeof *pack);
    *pack = (struct graph_pack){.weight = weight, .product = product, .offset = graph->pack_bytes};
    graph->pack_bytes += bytes;
    return graph->packs[graph->pack_count++] = pack;
}

struct cost graph_cost(const struct graph *graph, int64_t sequences)
{
    struct cost sum = {0};
    for (int i = 0; i < graph->node_count; i++) {
        struct cost cost = graph->nodes[i]->op->cost(graph->nodes[i], sequences, graph->time);
        for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
            sum.phases[phase].flops += cost.phases[phase].flops;
            sum.phases[phase].product_flops += cost.phases[phase].product_flops;
            sum.phases[phase].bytes += cost.phases[phase].bytes;
        }
    }
    return sum;
}

struct phase_cost graph_rebuild_cost(const struct graph *graph, int64_t sequences)
{
    struct phase_cost sum = {0};
    for (int i = graph->node_count; i < graph->step_count; i++) {
        const struct node *node = graph->steps[i].node;
        if (graph->steps[i].backward)
            continue;
        struct phase_cost cost = node->op->cost(node, sequences, graph->time).phases[PHASE_FORWARD];
        sum.flops += cost.flops;
        sum.product_flops += cost.product_flops;
        sum.bytes += cost.bytes;
    }
    return sum;
}

struct phase_cost node_cost(const struct graph *graph, const struct node *node, enum phase phase, int64_t rows)
{
    if (node->op->rows == OP_ROWS_LOCAL)
        return node->op->cost(node, 1, rows).phases[phase];
    struct phase_cost cost = node->op->cost(node, 1, graph->time).phases[phase];
    double sequences = (double)rows / (double)graph->time;
    return (struct phase_cost){cost.flops * sequences, cost.product_flops * sequences, cost.bytes * sequences};
}
