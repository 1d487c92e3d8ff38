// executor_internal.h: the executor's state, and what executor.c offers to the two ways of running a batch.
//
// executor_reference.c goes op by op over whole passes and calls the hooks; executor_tiles.c is the fast way.
#ifndef TENSOR_EXECUTOR_INTERNAL_H
#define TENSOR_EXECUTOR_INTERNAL_H

#include "tensor/executor.h"

struct share { // a lane, its part of a batch, and what it found
    struct lane lane;
    struct span sequences; // its own
    struct span rows;      // of the pass at hand
    struct totals totals;
};

struct executor {
    const struct graph *graph;
    struct team *team;
    struct executor_options options;
    int members;                             // of the team, that carry lanes
    unsigned char *arena, *tile, *workspace; // [passes][pass_bytes], [members][tile_bytes], [members][workspace_bytes]
    unsigned char *packs;                    // [pack_bytes]
    void *gradients;                         // real[lanes][elements]
    double *chunk_norms;
    size_t arena_bytes, tile_bytes, workspace_bytes, gradient_bytes;
    double norm;
    // The call at hand.
    const struct batch *batch;
    const struct outputs *outputs;
    bool training;
    uint64_t seed, step;
    double loss_weight;
    int used_lanes;     // the first so many have something to add
    struct span shared; // sequences that all lanes go through together
    struct share shares[LANES_MAX];
};

// Who owns which sequences, before the team runs.
void executor_split_reference(struct executor *executor);
void executor_split_tiled(struct executor *executor);
// One member's work, for team_run.
void executor_run_reference(void *context, int member, int size);
void executor_run_tiled(void *context, int member, int size);

// The lane at the start of a batch, carried by `member`; its pass's arena is the caller's to choose.
struct lane *executor_lane(struct executor *executor, int index, int member);
// Row 0 of the next call: row `pass_row` of the pass that begins at `batch_row`.
void executor_aim(const struct executor *executor, struct lane *lane, int64_t batch_row, int64_t pass_row);
// Every kernel is called here.
void executor_step(const struct executor *executor, const struct graph_step *step, struct span rows, struct lane *lane);
// Adds up the losses of `count` rows, and copies out what the caller asked for.
void executor_finish_forward(struct executor *executor, struct lane *lane, int64_t count);
// Fills what is born (or has just died) at `moment` with NaN: all bits set is one in every format.
void executor_poison(const struct lane *lane, int moment, bool births, bool tile_only);

#endif
