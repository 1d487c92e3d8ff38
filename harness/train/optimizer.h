// optimizer.h: applies the run's optimizer component to every trained parameter, on the whole team.
//
// Tensors are cut into chunks of fixed size and sums are taken in chunk order, so bits do not depend on the number of threads.
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "registry/run.h"
#include "tensor/graph.h"
#include "tensor/threads.h"

struct optimizer_chunk {
    int parameter;
    size_t begin; // into the flat arrays
    int64_t count;
};
struct optimizer {
    const struct component *component;
    const void *options; // the component's
    struct parameters *parameters;
    float *state[OPTIMIZER_STATE_MAX]; // flat, as parameters->values; NULL beyond state_count
    size_t state_bytes;                // of one
    struct optimizer_chunk *chunks;
    int chunk_count;
    double *partial;        // [chunk_count], what measure returned
    double *measured;       // [parameters->count]
    const float *gradients; // of the update under way
    struct optimizer_step step;
};

// State starts at zero. `run` and the allocated float parameters must outlive it.
bool optimizer_open(struct optimizer *optimizer, const struct run *run, struct parameters *parameters, struct error *error);
void optimizer_close(struct optimizer *optimizer);
// Bytes of state that optimizer_open reserves.
size_t optimizer_bytes(const struct run *run, const struct parameters *parameters);

// One update from flat gradients; step->decays is set here, per tensor. Cannot fail, allocates nothing.
void optimizer_update(struct optimizer *optimizer, struct team *team, const float *gradients,
                      const struct optimizer_step *step);

#endif
