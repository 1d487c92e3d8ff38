// rebuild.c: the order of a pass: every node forward, then backward in reverse; within blocks, what backward needs is rebuilt.
//
// A value that is rebuilt becomes another tensor, and whatever makes it or reads it in the backward pass a copy of its node
// over such tensors (node->again): so a second life is a life like any other to the memory plan, the executors and the poison.
// The copy has the original's gradients. Each value is rebuilt as late as it can be, just before the first backward that needs
// it, from what it was made of, which is rebuilt first. Parameters and inputs are there always; so are a block's outputs, what
// ops mark as kept, and what came from outside the block, which lives on.
//
// REBUILD_FROM_OUTPUTS: what came in by the stream is rebuilt too. Where out = in + f(other), in = out - f(other), made before
// the sum's own backward, so that f is needed no longer. Refuses a branch that reads the very input that it would give back.
#include "tensor/rebuild.h"

struct work {
    struct graph *graph;
    const struct graph_block *block;
    struct error *error;
};

// What is being rebuilt, from the inside out: a value that needs itself cannot be.
struct chain {
    const struct tensor *tensor;
    const struct chain *outer;
};

static bool rebuild(const struct work *work, struct tensor *tensor, const struct chain *outer);

static void add_step(struct graph *graph, const struct node *node, bool backward)
{
    if (graph->step_count == graph->step_capacity) {
        graph->step_capacity = graph->step_capacity ? 2 * graph->step_capacity : 2 * graph->node_count;
        graph->steps = memory_resize(graph->steps, (size_t)graph->step_capacity, sizeof *graph->steps);
    }
    graph->steps[graph->step_count++] = (struct graph_step){node, backward};
}

static struct tensor *latest(struct tensor *tensor) { return tensor && tensor->rebuilt ? tensor->rebuilt : tensor; }

// The node over the tensors that hold its values now.
static struct node *copy_node(struct graph *graph, const struct node *node)
{
    struct node *copy = arena_allocate(&graph->arena, 1, sizeof *copy);
    *copy = *node;
    for (int i = 0; i < node->input_count; i++)
        copy->inputs[i] = latest(node->inputs[i]);
    for (int i = 0; i < node->output_count; i++)
        copy->outputs[i] = latest(node->outputs[i]);
    copy->saved = latest(node->saved);
    return copy;
}

static bool is_up_to_date(const struct node *node)
{
    bool all = !node->saved || !node->saved->rebuilt;
    for (int i = 0; i < node->input_count; i++)
        all &= !node->inputs[i]->rebuilt;
    for (int i = 0; i < node->output_count; i++)
        all &= !node->outputs[i]->rebuilt;
    return all;
}

static int producer_place(const struct work *work, const struct tensor *tensor)
{
    for (int i = work->block->begin; i < work->block->end; i++)
        if (work->graph->nodes[i] == tensor->producer)
            return i;
    return -1;
}

static bool is_output(const struct graph_block *block, const struct tensor *tensor)
{
    return tensor == block->outputs[0] || tensor == block->outputs[1];
}

// Whether the node gives back what came into a block by the stream.
static bool inverts(const struct work *work, const struct node *node)
{
    return work->block->rebuild == REBUILD_FROM_OUTPUTS && node->op->inverse && node->inputs[0]->kind == TENSOR_ACTIVATION &&
           producer_place(work, node->inputs[0]) < 0;
}

// The last sum that the tensor goes into: in a first layer both streams are one tensor, and the last branch reads outputs
// alone.
static const struct node *inverting(const struct work *work, const struct tensor *tensor)
{
    for (int i = work->block->end - 1; i >= work->block->begin; i--) {
        const struct node *node = work->graph->nodes[i];
        if (node->inputs[0] == tensor && inverts(work, node))
            return node;
    }
    return NULL;
}

static bool invert(const struct work *work, const struct node *sum, const struct chain *chain)
{
    if (!rebuild(work, sum->outputs[0], chain) || !rebuild(work, sum->inputs[1], chain))
        return false;
    struct node *node = arena_allocate(&work->graph->arena, 1, sizeof *node);
    *node = (struct node){.op = sum->op->inverse,
                          .inputs = {latest(sum->outputs[0]), latest(sum->inputs[1])},
                          .outputs = {graph_rebuilt(work->graph, sum->inputs[0])},
                          .input_count = 2,
                          .output_count = 1,
                          .component = sum->component,
                          .layer = sum->layer};
    add_step(work->graph, node, false);
    return true;
}

static bool run_again(const struct work *work, struct node *node, const struct chain *chain)
{
    for (int i = 0; i < node->input_count; i++)
        if (!rebuild(work, node->inputs[i], chain))
            return false;
    node->again = copy_node(work->graph, node);
    for (int i = 0; i < node->output_count; i++)
        node->again->outputs[i] = graph_rebuilt(work->graph, node->outputs[i]);
    if (node->saved)
        node->again->saved = graph_rebuilt(work->graph, node->saved);
    add_step(work->graph, node->again, false);
    return true;
}

// Afterwards latest(tensor) holds the value.
static bool rebuild(const struct work *work, struct tensor *tensor, const struct chain *outer)
{
    if (tensor->kind != TENSOR_ACTIVATION || tensor->rebuilt || is_output(work->block, tensor))
        return true;
    const struct chain chain = {tensor, outer};
    for (; outer; outer = outer->outer)
        if (outer->tensor == tensor)
            return error_add(work->error, "layer %d cannot be run backwards: a branch reads what its sum is to give back",
                             work->graph->nodes[work->block->begin]->layer);
    int place = producer_place(work, tensor);
    if (place < 0) {
        const struct node *sum = inverting(work, tensor);
        return !sum || invert(work, sum, &chain);
    }
    return tensor->producer->op->kept || run_again(work, work->graph->nodes[place], &chain);
}

// Everything that the node's backward reads.
static bool rebuild_for(const struct work *work, const struct node *node)
{
    if (inverts(work, node) && !rebuild(work, node->inputs[0], NULL))
        return false;
    for (int i = 0; i < node->input_count; i++)
        if (node->op->keeps & (1u << i) && !rebuild(work, node->inputs[i], NULL))
            return false;
    for (int i = 0; i < node->output_count; i++)
        if (node->op->keeps & (OP_KEEPS_OUTPUT_0 << i) && !rebuild(work, node->outputs[i], NULL))
            return false;
    return !node->saved || rebuild(work, node->saved, NULL);
}

static const struct graph_block *block_around(const struct graph *graph, int node)
{
    for (int i = 0; i < graph->block_count; i++)
        if (graph->blocks[i].begin <= node && node < graph->blocks[i].end)
            return &graph->blocks[i];
    return NULL;
}

bool rebuild_steps(struct graph *graph, struct error *error)
{
    for (int i = 0; i < graph->node_count; i++)
        add_step(graph, graph->nodes[i], false);
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct node *node = graph->nodes[i];
        if (!node->runs_backward)
            continue;
        const struct work work = {graph, block_around(graph, i), error};
        bool rebuilds = work.block && work.block->rebuild != REBUILD_NOTHING;
        if (rebuilds && !rebuild_for(&work, node))
            return false;
        if (!node->again)
            node->again = is_up_to_date(node) ? node : copy_node(graph, node);
        node->backward_step = graph->step_count;
        add_step(graph, node->again, true);
    }
    return true;
}
