// plan.c: what is done tile by tile, who writes which gradient first, how long every buffer lives, and where it lies.
//
// Segments: the longest runs of steps of row-local nodes; every other step by itself. Rows go through a segment tile by tile,
// so a buffer that another segment touches lives for the whole of each segment that touches it; one that lives and dies between
// two moments of a segment is as large as a tile, in an arena that all segments use again and that stays in the caches.
//
// Moments: the steps' numbers (rebuild.c says which there are). Outputs are copied out before step node_count, the first of the
// backward pass, and live until then. A value lives from its producer's forward to the last forward that reads it, or to the
// last backward that needs it (op->keeps); one that is rebuilt is another tensor there, with a life of its own. A gradient
// lives from the first backward that writes it to its producer's backward. Buffers of one arena whose lives overlap lie apart.
#include <stdlib.h>

#include "tensor/rebuild.h"

struct interval {
    struct tensor *tensor;
    bool gradient;
    int born, dies;
    size_t bytes, offset;
};

// A node runs backward when the loss depends on it and it on something that wants a gradient. Walking back from the loss, the
// first to reach a tensor's gradient writes it, the others add.
static void decide_backward(struct graph *graph)
{
    bool *reached = memory_allocate((size_t)graph->tensor_count, sizeof *reached); // by the address kept in tensor->born
    for (int i = 0; i < graph->tensor_count; i++)
        graph->tensors[i]->born = i;
    reached[graph->row_loss->born] = true;
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct node *node = graph->nodes[i];
        for (int j = 0; j < node->output_count; j++)
            node->runs_backward |= reached[node->outputs[j]->born] && node->outputs[j]->wants_gradient;
        for (int j = 0; node->runs_backward && j < node->input_count; j++) {
            struct tensor *input = node->inputs[j];
            node->accumulate[j] = reached[input->born];
            reached[input->born] |= input->wants_gradient;
        }
    }
    free(reached);
}

static bool is_local(const struct graph *graph, int step)
{
    return graph->tile_rows > 0 && graph->steps[step].node->op->rows == OP_ROWS_LOCAL;
}

static void find_segments(struct graph *graph)
{
    graph->segments = memory_allocate((size_t)graph->step_count, sizeof *graph->segments);
    for (int i = 0; i < graph->step_count; i++) {
        if (i > 0 && i != graph->node_count && is_local(graph, i - 1) && is_local(graph, i))
            graph->segments[graph->segment_count - 1].end = i + 1;
        else
            graph->segments[graph->segment_count++] = (struct segment){i, i + 1, is_local(graph, i)};
    }
}

static void forward_lives(const struct node *node, int step)
{
    for (int i = 0; i < node->output_count; i++)
        node->outputs[i]->born = node->outputs[i]->dies = step;
    if (node->saved)
        node->saved->born = node->saved->dies = step;
    for (int i = 0; i < node->input_count; i++)
        node->inputs[i]->dies = step;
}

static void backward_lives(const struct node *node, int step)
{
    for (int i = 0; i < node->output_count; i++)
        if (node->op->keeps & (OP_KEEPS_OUTPUT_0 << i))
            node->outputs[i]->dies = step;
    if (node->saved)
        node->saved->dies = step;
    for (int i = 0; i < node->input_count; i++)
        if (node->op->keeps & (1u << i))
            node->inputs[i]->dies = step;
}

static void value_lives(struct graph *graph)
{
    for (int i = 0; i < graph->tensor_count; i++)
        graph->tensors[i]->born = graph->tensors[i]->dies = graph->tensors[i]->gradient_born =
            graph->tensors[i]->gradient_dies = -1;
    for (int i = 0; i < graph->step_count; i++)
        (graph->steps[i].backward ? backward_lives : forward_lives)(graph->steps[i].node, i);
    struct tensor *const kept[] = {graph->logits, graph->row_loss, graph->row_log_z, graph->row_correct};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] && kept[i]->dies < graph->node_count)
            kept[i]->dies = graph->node_count;
}

static void gradient_lives(struct graph *graph)
{
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct node *node = graph->nodes[i];
        for (int j = 0; node->runs_backward && j < node->input_count; j++) {
            struct tensor *input = node->inputs[j];
            if (input->kind != TENSOR_ACTIVATION || !input->wants_gradient)
                continue;
            if (!node->accumulate[j])
                input->gradient_born = node->backward_step;
            input->gradient_dies = input->producer->backward_step;
        }
    }
}

// The first moment after `moment` at which something is added to the tensor's gradient; INT32_MAX when nothing is.
static int next_write(const struct graph *graph, const struct tensor *tensor, int moment)
{
    int next = INT32_MAX;
    for (int i = 0; i < graph->node_count; i++)
        for (int j = 0; j < graph->nodes[i]->input_count; j++) {
            int back = graph->nodes[i]->backward_step;
            if (graph->nodes[i]->inputs[j] == tensor && graph->nodes[i]->runs_backward && back > moment && back < next)
                next = back;
        }
    return next;
}

// A sum hands its gradient on unchanged: its inputs may share the buffer as long as no one adds to the one while another is
// still to be read. Each sharer joins the output's buffer, whose life is stretched.
static void share_gradients(struct graph *graph)
{
    for (int i = graph->node_count - 1; i >= 0; i--) {
        struct node *node = graph->nodes[i];
        if (!node->runs_backward || !node->op->passes_gradient || node->outputs[0]->gradient_born < 0)
            continue;
        int now = node->backward_step;
        struct tensor *owner = node->outputs[0]->gradient_of ? node->outputs[0]->gradient_of : node->outputs[0];
        if (owner != node->outputs[0] && owner->gradient_dies > now)
            continue; // another sharer still reads it
        struct tensor *sharers[NODE_INPUTS_MAX];
        int count = 0;
        for (int j = 0; j < node->input_count; j++) {
            struct tensor *input = node->inputs[j];
            bool fits = input->kind == TENSOR_ACTIVATION && input->wants_gradient && !node->accumulate[j] &&
                        input->gradient_born == now;
            for (int k = 0; fits && k < count; k++)
                fits = sharers[k] != input && next_write(graph, input, now) > sharers[k]->gradient_dies &&
                       next_write(graph, sharers[k], now) > input->gradient_dies;
            if (!fits)
                continue;
            sharers[count++] = input;
            input->gradient_of = owner;
        }
        for (int k = 0; k < count; k++)
            if (owner->gradient_dies < sharers[k]->gradient_dies)
                owner->gradient_dies = sharers[k]->gradient_dies;
    }
}

// A rebuilt value has no gradient beside its original's.
static void join_originals(struct graph *graph)
{
    for (int i = 0; i < graph->tensor_count; i++) {
        struct tensor *tensor = graph->tensors[i], *original = tensor->original;
        if (original)
            tensor->gradient_of = original->gradient_of ? original->gradient_of : original;
    }
}

// The moments of the segment that runs at `moment`; the end is one of them.
static struct span moments_around(const struct graph *graph, int moment)
{
    for (int i = 0; i < graph->segment_count; i++)
        if (graph->segments[i].begin <= moment && moment < graph->segments[i].end)
            return (struct span){graph->segments[i].begin, graph->segments[i].end - 1};
    return (struct span){moment, moment};
}

// Whether the life lies within one local segment; otherwise it is stretched to the segments' borders.
static bool stretch(const struct graph *graph, int *born, int *dies)
{
    struct span first = moments_around(graph, *born), last = moments_around(graph, *dies);
    if (first.begin == last.begin && first.begin < first.end)
        return true;
    *born = (int)first.begin;
    *dies = (int)last.end;
    return false;
}

static void cut_lives(struct graph *graph)
{
    const size_t elements[] = {
        [DTYPE_REAL] = real_size(graph->real), [DTYPE_INT32] = 4, [DTYPE_UINT8] = 1, [DTYPE_BF16] = 2, [DTYPE_BF16_PAIR] = 4};
    for (int i = 0; i < graph->tensor_count; i++) {
        struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        tensor->row_bytes = (size_t)tensor->width * elements[tensor->dtype];
        tensor->gradient_row_bytes = (size_t)tensor->width * real_size(graph->real);
        tensor->tile_only = stretch(graph, &tensor->born, &tensor->dies);
        if (tensor->gradient_born >= 0 && !tensor->gradient_of)
            tensor->gradient_tile_only = stretch(graph, &tensor->gradient_born, &tensor->gradient_dies);
    }
}

static size_t buffer_bytes(const struct graph *graph, size_t row, bool tile_only)
{
    return size_align((size_t)(tile_only ? graph->tile_rows : graph->sequences * graph->time) * row);
}
size_t graph_value_bytes(const struct graph *graph, const struct tensor *tensor)
{
    return buffer_bytes(graph, tensor->row_bytes, tensor->tile_only);
}
size_t graph_gradient_bytes(const struct graph *graph, const struct tensor *tensor)
{
    return buffer_bytes(graph, tensor->gradient_row_bytes, tensor->gradient_tile_only);
}

// The buffers of one arena.
static int collect(struct graph *graph, bool tile_only, struct interval *intervals)
{
    int count = 0;
    for (int i = 0; i < graph->tensor_count; i++) {
        struct tensor *tensor = graph->tensors[i];
        if (tensor->kind != TENSOR_ACTIVATION)
            continue;
        if (tensor->tile_only == tile_only)
            intervals[count++] = (struct interval){.tensor = tensor,
                                                   .born = tensor->born,
                                                   .dies = tensor->dies,
                                                   .bytes = graph_value_bytes(graph, tensor)};
        if (tensor->gradient_born >= 0 && !tensor->gradient_of && tensor->gradient_tile_only == tile_only)
            intervals[count++] = (struct interval){.tensor = tensor,
                                                   .gradient = true,
                                                   .born = tensor->gradient_born,
                                                   .dies = tensor->gradient_dies,
                                                   .bytes = graph_gradient_bytes(graph, tensor)};
    }
    return count;
}

// Large ones first; among equals the earlier first, so that the layout is the same on every machine.
static int by_size(const void *left, const void *right)
{
    const struct interval *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->born != b->born ? (a->born > b->born) - (a->born < b->born) : (a->dies > b->dies) - (a->dies < b->dies);
}

static int by_offset(const void *left, const void *right)
{
    const struct interval *a = *(struct interval *const *)left, *b = *(struct interval *const *)right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

// Each buffer goes to the lowest gap between those already placed that live at the same time.
static size_t place(struct interval *intervals, int count)
{
    struct interval **beside = memory_allocate((size_t)count, sizeof *beside);
    size_t height = 0;
    qsort(intervals, (size_t)count, sizeof *intervals, by_size);
    for (int i = 0; i < count; i++) {
        int beside_count = 0;
        for (int j = 0; j < i; j++)
            if (intervals[j].born <= intervals[i].dies && intervals[i].born <= intervals[j].dies)
                beside[beside_count++] = &intervals[j];
        qsort(beside, (size_t)beside_count, sizeof *beside, by_offset);
        size_t offset = 0;
        for (int j = 0; j < beside_count; j++) {
            if (beside[j]->offset >= offset + intervals[i].bytes)
                break;
            size_t end = beside[j]->offset + beside[j]->bytes;
            offset = end > offset ? end : offset;
        }
        intervals[i].offset = offset;
        height = offset + intervals[i].bytes > height ? offset + intervals[i].bytes : height;
    }
    free(beside);
    return height;
}

// Places the buffers of one arena; returns its size.
static size_t lay_out(struct graph *graph, bool tile_only)
{
    struct interval *intervals = memory_allocate(2 * (size_t)graph->tensor_count, sizeof *intervals);
    int count = collect(graph, tile_only, intervals);
    size_t bytes = place(intervals, count);
    for (int i = 0; i < count; i++) {
        if (intervals[i].gradient)
            intervals[i].tensor->gradient_offset = intervals[i].offset;
        else
            intervals[i].tensor->offset = intervals[i].offset;
    }
    free(intervals);
    return bytes;
}

bool graph_plan(struct graph *graph, struct error *error)
{
    if (graph->failed)
        return false;
    if (graph->mode == GRAPH_TRAIN) {
        if (!graph->row_loss)
            abort();
        decide_backward(graph);
    }
    if (!rebuild_steps(graph, error))
        return false;
    find_segments(graph);
    value_lives(graph);
    gradient_lives(graph);
    share_gradients(graph);
    join_originals(graph);
    cut_lives(graph);

    size_t bytes, widest = 1;
    for (int i = 0; i < graph->tensor_count; i++)
        widest = (size_t)graph->tensors[i]->width > widest ? (size_t)graph->tensors[i]->width : widest;
    if (!size_multiply((size_t)(graph->sequences * graph->time), widest, &bytes) || bytes > (size_t)1 << 56)
        return error_add(error, "the batch is too large: %lld rows of up to %zu numbers",
                         (long long)(graph->sequences * graph->time), widest);

    graph->pass_bytes = lay_out(graph, false);
    graph->tile_bytes = lay_out(graph, true);
    for (int i = 0; i < graph->tensor_count; i++) {
        struct tensor *tensor = graph->tensors[i];
        if (!tensor->gradient_of)
            continue;
        tensor->gradient_offset = tensor->gradient_of->gradient_offset;
        tensor->gradient_tile_only = tensor->gradient_of->gradient_tile_only;
    }
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->workspace > graph->workspace_bytes)
            graph->workspace_bytes = size_align(graph->nodes[i]->workspace);
    for (int i = 0; i < graph->pack_count; i++)
        if (gemm_pack_scratch(graph->packs[i]->product) > graph->workspace_bytes)
            graph->workspace_bytes = gemm_pack_scratch(graph->packs[i]->product);
    return true;
}
