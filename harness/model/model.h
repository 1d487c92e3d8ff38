// model.h: a run's slots and scalars become a graph over named parameters, and parameters get their initial values.
//
// Who calls it: training, evaluation, verify, check and bench. Many graphs may be built over one parameter store.
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/error.h"
#include "registry/run.h"
#include "tensor/graph.h"

struct model_request {
    enum graph_mode mode;
    enum real real;
    int64_t sequences; // most sequences of one pass
    int64_t time;
    int64_t tile_rows;       // most rows of a tile; 0: op by op, for the reference executor
    bool explicit_attention; // the reference kernel with n x n scores, for tests
    bool counts_only;        // sizes and costs are asked for and nothing will run: no library of products need be open
    bool keeps_activations;  // rebuild nothing in the backward pass, whatever the run says, for tests and benchmarks of parts
};
// Builds and plans. `parameters` starts zeroed and grows by what the model needs; call parameters_allocate after the last
// build.
bool model_build(struct graph *graph, const struct run *run, const struct model_request *request, struct parameters *parameters,
                 struct error *error);

// Whether each attention of the run's `eval_as` works with exactly the parameters that the run trains; refused by tensor.
bool model_eval_as_fits(const struct run *run, struct error *error);

// The initial values: each tensor from (seed, its name), element by (row, column), or, where the init has a source, what stands
// there already; then moved by train.nudge where set.
void model_initialise(struct parameters *parameters, const struct run *run);

// Sequences of a pass: a rule from sizes alone, part of the plan.
int64_t model_pass_sequences(const struct run *run);
// Rows that go through row-local operations at once, likewise.
int64_t model_tile_rows(const struct run *run);

// Constants are not trained and not counted.
int64_t model_parameter_count(const struct parameters *parameters, bool with_embeddings);
// Products of forward and backward over one batch: what "model FLOPs" means everywhere. What is rebuilt does not count as work.
double model_step_flops(const struct graph *graph, int64_t sequences);

#endif
