// executor.h: runs a planned graph over a batch, lane by lane.
//
// A graph planned in tiles runs fast: each lane takes as many whole sequences as all can, through forward and backward in
// passes of graph->sequences; through what is left over, at worst the whole batch, all lanes go together, each with a fixed
// share of the rows and heads. A graph planned without tiles runs by the reference executor, op by op, its batch cut into whole
// sequences alone. Each lane sums gradients of its own, which are added in fixed order. The team only carries lanes, so bits do
// not depend on its size. Opening may refuse; running cannot fail.
#ifndef TENSOR_EXECUTOR_H
#define TENSOR_EXECUTOR_H

#include "tensor/lane.h"
#include "tensor/profile.h"
#include "tensor/threads.h"

// Reference values of one batch, row = sequence * time + position. Arrays belong to the caller.
struct batch {
    int64_t sequences;
    const int32_t *tokens, *targets, *positions; // [sequences * time]; a target of -1 counts for nothing
};

// Where forward leaves tensors that die with the pass; each may be NULL. real[rows * width].
struct outputs {
    void *logits, *row_loss, *row_log_z, *row_correct;
};

struct totals {
    double loss_sum, log_z_sum, log_z_squared_sum; // over counted targets
    int64_t counted;
    double counted_flops;                // products and attention as run
    double visited_pairs, visible_pairs; // of attention, forward: multiplied, and seen
};

struct executor;
struct executor_options {
    int lanes;
    int64_t sequences; // most of a batch
    // Every buffer is filled with NaN when a tensor in it is born and when it dies: changes no bit, or the plan is wrong.
    bool poison;
    // Called after each node's forward, and again where the backward pass rebuilds it (then with node->again), in the calling
    // thread's lane; for rounding, planted faults, the hunt for non-finite values.
    // Needs a graph without tiles.
    void (*after)(void *context, const struct node *node, struct span rows, struct lane *lane);
    void *after_context;
    struct profile *profile; // gets a record of every kernel call of executor_train, and of the gradients' sum; may be NULL
};
// The graph, its parameters' values and the team must outlive the executor. GRAPH_TRAIN graphs also get gradient memory.
bool executor_open(struct executor **executor, const struct graph *graph, struct team *team,
                   const struct executor_options *options, struct error *error);
void executor_close(struct executor *executor);
// Bytes of arenas, workspaces and gradients: what executor_open reserves.
size_t executor_bytes(const struct graph *graph, int team_size, const struct executor_options *options);

// Dropout is on in executor_train alone; seed and step key its masks.
void executor_forward(struct executor *executor, const struct batch *batch, const struct outputs *outputs,
                      struct totals *totals);
// Forward and backward; afterwards executor_gradients holds the gradient of the mean loss (cross-entropy + z-loss over counted
// targets).
void executor_train(struct executor *executor, const struct batch *batch, uint64_t seed, uint64_t step,
                    const struct outputs *outputs, struct totals *totals);
// real[parameters->elements], padding zero. Valid until the next executor_train.
const void *executor_gradients(const struct executor *executor);
// The global norm of those gradients, summed in double in fixed order.
double executor_gradient_norm(const struct executor *executor);

#endif
