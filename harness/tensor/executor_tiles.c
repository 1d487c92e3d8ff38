// executor_tiles.c: the fast executor: segment by segment over a pass, and through a local segment tile by tile.
//
// A tile is small enough to stay in a core's second-level cache while the steps of a segment go over it; the backward pass
// takes tiles in reverse order, so that it begins with what forward touched last, and reads what it rebuilds while it is there.
// A pass belongs to one lane, or to all of them: then each lane takes a share of the rows of local segments, a share of the
// heads where an op says that it can be cut so, and all meet before the next segment. An op that needs whole sequences
// otherwise runs in the first lane alone.
#include "tensor/executor_internal.h"

#include <string.h>

// The lanes that one member takes through a pass: first, first + step, ...
struct crew {
    struct executor *executor;
    int first, end, step;
    bool shared;
};

static void meet(const struct crew *crew)
{
    if (crew->shared)
        team_meet(crew->executor->team);
}

static void poison_pass(const struct crew *crew, int moment, bool births)
{
    struct executor *executor = crew->executor;
    if (!executor->options.poison)
        return;
    meet(crew);
    if (crew->first == 0 || !crew->shared)
        executor_poison(&executor->shares[crew->first].lane, moment, births, false);
    meet(crew);
}

static void run_steps(const struct executor *executor, const struct segment *segment, struct span rows, struct lane *lane)
{
    for (int i = segment->begin; i < segment->end; i++) {
        if (executor->options.poison)
            executor_poison(lane, i, true, true);
        executor_step(executor, &executor->graph->steps[i], rows, lane);
        if (executor->options.poison)
            executor_poison(lane, i, false, true);
    }
}

static void run_tiles(const struct executor *executor, const struct segment *segment, int64_t batch_row, struct share *share)
{
    bool forward = segment->begin < executor->graph->node_count;
    struct lane *lane = &share->lane;
    int64_t count = share->rows.end - share->rows.begin, most = executor->graph->tile_rows, tiles = (count + most - 1) / most;
    bool first_pass = lane->first_pass;
    for (int64_t i = 0; i < tiles; i++) {
        int64_t begin = (forward ? i : tiles - 1 - i) * most, left = count - begin;
        executor_aim(executor, lane, batch_row, share->rows.begin + begin);
        lane->first_pass = first_pass && i == 0;
        run_steps(executor, segment, (struct span){0, left < most ? left : most}, lane);
    }
    lane->first_pass = first_pass;
}

static void run_sequences(const struct executor *executor, const struct segment *segment, int64_t batch_row, int64_t rows,
                          struct share *share)
{
    struct lane lane = share->lane;
    if (executor->graph->steps[segment->begin].node->op->rows != OP_ROWS_HEADS) {
        if (lane.part > 0)
            return;
        lane.parts = 1;
    }
    executor_aim(executor, &lane, batch_row, 0);
    run_steps(executor, segment, (struct span){0, rows}, &lane);
    share->lane.counted_flops = lane.counted_flops;
    share->lane.visited_pairs = lane.visited_pairs;
    share->lane.visible_pairs = lane.visible_pairs;
}

static void run_segment(const struct crew *crew, const struct segment *segment, int64_t batch_row, int64_t rows)
{
    struct executor *executor = crew->executor;
    poison_pass(crew, segment->begin, true);
    for (int i = crew->first; i < crew->end; i += crew->step) {
        if (segment->local)
            run_tiles(executor, segment, batch_row, &executor->shares[i]);
        else
            run_sequences(executor, segment, batch_row, rows, &executor->shares[i]);
    }
    meet(crew);
    poison_pass(crew, segment->end - 1, false);
}

// Shares of a multiple of STEP rows, so that tiles have few different sizes: a product is prepared for each.
static struct span row_share(const struct lane *lane, int64_t rows)
{
    enum { STEP = 16 };
    if (lane->parts == 1)
        return (struct span){0, rows};
    int64_t step = lane->graph->tile_rows < STEP ? lane->graph->tile_rows : STEP;
    int64_t most = ((rows + lane->parts - 1) / lane->parts + step - 1) / step * step;
    int64_t begin = lane->part * most < rows ? lane->part * most : rows;
    return (struct span){begin, begin + most < rows ? begin + most : rows};
}

static void run_pass(const struct crew *crew, struct span sequences)
{
    struct executor *executor = crew->executor;
    const struct graph *graph = executor->graph;
    int64_t batch_row = sequences.begin * graph->time, rows = (sequences.end - sequences.begin) * graph->time;
    for (int i = crew->first; i < crew->end; i += crew->step)
        executor->shares[i].rows = row_share(&executor->shares[i].lane, rows);
    int next = 0;
    for (; next < graph->segment_count && graph->segments[next].begin < graph->node_count; next++)
        run_segment(crew, &graph->segments[next], batch_row, rows);
    for (int i = crew->first; i < crew->end; i += crew->step) {
        struct share *share = &executor->shares[i];
        executor_aim(executor, &share->lane, batch_row, share->rows.begin);
        executor_finish_forward(executor, &share->lane, share->rows.end - share->rows.begin);
    }
    meet(crew);
    for (; executor->training && next < graph->segment_count; next++)
        run_segment(crew, &graph->segments[next], batch_row, rows);
    for (int i = crew->first; i < crew->end; i += crew->step)
        executor->shares[i].lane.first_pass = false;
}

static void run_passes(const struct crew *crew, struct span sequences)
{
    int64_t most = crew->executor->graph->sequences;
    for (int64_t first = sequences.begin; first < sequences.end; first += most)
        run_pass(crew, (struct span){first, first + most < sequences.end ? first + most : sequences.end});
}

// A lane that has added up nothing yet starts from zero: its share of a shared pass need not reach every parameter.
static void join(struct executor *executor, struct lane *lane)
{
    const struct graph *graph = executor->graph;
    lane->arena = executor->arena;
    lane->part = lane->index;
    lane->parts = executor->options.lanes;
    if (executor->training && lane->first_pass)
        memset(lane->gradients, 0, graph->parameters->elements * real_size(graph->real));
    lane->first_pass = false;
}

void executor_run_tiled(void *context, int member, int size)
{
    struct executor *executor = context;
    int lanes = executor->options.lanes;
    for (int i = member; i < lanes; i += size) {
        const struct crew crew = {executor, .first = i, .end = i + 1, .step = 1};
        executor_lane(executor, i, member)->arena = executor->arena + (size_t)member * executor->graph->pass_bytes;
        run_passes(&crew, executor->shares[i].sequences);
    }
    if (executor->shared.begin == executor->shared.end)
        return;
    for (int i = member; i < lanes; i += size)
        join(executor, &executor->shares[i].lane);
    const struct crew crew = {executor, .first = member, .end = lanes, .step = size, .shared = true};
    meet(&crew); // the first member's arena is now everyone's
    run_passes(&crew, executor->shared);
}

void executor_split_tiled(struct executor *executor)
{
    int64_t sequences = executor->batch->sequences, own = sequences / executor->options.lanes;
    executor->used_lanes = executor->options.lanes;
    for (int i = 0; i < executor->used_lanes; i++)
        executor->shares[i].sequences = (struct span){own * i, own * (i + 1)};
    executor->shared = (struct span){own * executor->used_lanes, sequences};
}
