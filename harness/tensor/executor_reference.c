// executor_reference.c: the reference executor: op by op over a lane's pass of whole sequences, with the `after` hook.
#include "tensor/executor_internal.h"

static void run_forward(struct executor *executor, struct lane *lane, struct span rows)
{
    const struct graph *graph = executor->graph;
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *node = graph->nodes[i];
        if (executor->options.poison)
            executor_poison(lane, i, true, false);
        executor_call(executor, node, PHASE_FORWARD, rows, lane);
        if (executor->options.after)
            executor->options.after(executor->options.after_context, node, rows, lane);
        if (executor->options.poison)
            executor_poison(lane, i, false, false);
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
            executor_poison(lane, moment, true, false);
        executor_call(executor, node, PHASE_BACKWARD_PARAMETERS, rows, lane);
        executor_call(executor, node, PHASE_BACKWARD, rows, lane);
        if (executor->options.poison)
            executor_poison(lane, moment, false, false);
    }
}

static void run_lane(struct executor *executor, const struct share *share, struct lane *lane)
{
    const struct graph *graph = executor->graph;
    for (int64_t first = share->sequences.begin; first < share->sequences.end; first += graph->sequences) {
        int64_t left = share->sequences.end - first, sequences = left < graph->sequences ? left : graph->sequences;
        struct span rows = {0, sequences * graph->time};
        executor_aim(executor, lane, first * graph->time, 0);
        run_forward(executor, lane, rows);
        executor_finish_forward(executor, lane, rows.end);
        if (executor->options.poison)
            executor_poison(lane, graph->node_count, false, false);
        if (executor->training)
            run_backward(executor, lane, rows);
        lane->first_pass = false;
    }
}

void executor_run_reference(void *context, int member, int size)
{
    struct executor *executor = context;
    for (int i = member; i < executor->used_lanes && member < executor->members; i += size) {
        struct lane *lane = executor_lane(executor, i, member);
        lane->arena = executor->arena + (size_t)member * executor->graph->pass_bytes;
        run_lane(executor, &executor->shares[i], lane);
    }
}

// Where there are fewer sequences than lanes, some lanes stay unused: their gradients are not summed.
void executor_split_reference(struct executor *executor)
{
    int64_t sequences = executor->batch->sequences;
    executor->used_lanes = sequences < executor->options.lanes ? (int)sequences : executor->options.lanes;
    for (int i = 0; i < executor->used_lanes; i++)
        executor->shares[i].sequences =
            (struct span){sequences * i / executor->used_lanes, sequences * (i + 1) / executor->used_lanes};
}
