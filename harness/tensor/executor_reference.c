// executor_reference.c: the reference executor: op by op over a lane's pass of whole sequences, with the `after` hook.
#include "tensor/executor_internal.h"

static void run_steps(struct executor *executor, struct lane *lane, int begin, int end, struct span rows)
{
    for (int i = begin; i < end; i++) {
        const struct graph_step *step = &executor->graph->steps[i];
        if (executor->options.poison)
            executor_poison(lane, i, true, false);
        executor_step(executor, step, rows, lane);
        if (executor->options.after && !step->backward)
            executor->options.after(executor->options.after_context, step->node, rows, lane);
        if (executor->options.poison)
            executor_poison(lane, i, false, false);
    }
}

static void run_lane(struct executor *executor, const struct share *share, struct lane *lane)
{
    const struct graph *graph = executor->graph;
    for (int64_t first = share->sequences.begin; first < share->sequences.end; first += graph->sequences) {
        int64_t left = share->sequences.end - first, sequences = left < graph->sequences ? left : graph->sequences;
        struct span rows = {0, sequences * graph->time};
        executor_aim(executor, lane, first * graph->time, 0);
        run_steps(executor, lane, 0, graph->node_count, rows);
        executor_finish_forward(executor, lane, rows.end);
        if (executor->training)
            run_steps(executor, lane, graph->node_count, graph->step_count, rows);
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
