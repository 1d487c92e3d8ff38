// trainer.h: one model in training: its graphs, weights and optimizer, and the step that everything else repeats.
//
// Called by train_run, verify and bench, so that what is verified and measured is what trains. All memory is reserved when it
// opens; a step cannot fail and allocates nothing.
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "model/model.h"
#include "tensor/executor.h"
#include "train/optimizer.h"

struct trainer_options {
    int threads;         // at most train.lanes of them do work
    bool poison;         // see executor.h
    bool profiles;       // also make room for a profile of some steps
    bool evaluates;      // also build the graphs that evaluate
    const char *weights; // the folder of what other runs kept (kept.h); NULL: a run that starts from one is refused
};
// The run with another attention over the same parameters.
struct trainer_variant {
    struct run run;
    struct graph graph;
};
struct trainer {
    const struct run *run;
    struct team *team;
    struct parameters parameters;
    struct graph train_graph, eval_graph; // eval_graph and its executor only when the trainer evaluates
    struct executor *train_executor, *eval_executor;
    struct trainer_variant *eval_as; // one for each entry of the run's eval_as, when the trainer evaluates
    struct executor_options executor_options;
    struct optimizer optimizer;
    struct profile *profile; // NULL unless it profiles; the caller begins and ends the steps that are recorded
};
// Opens the matrix products too. The weights are the run's initial ones. `run` must outlive it; trainer_close also after a
// failure.
bool trainer_open(struct trainer *trainer, const struct run *run, const struct trainer_options *options, struct error *error);
void trainer_close(struct trainer *trainer);
// An executor that evaluates as entry i of eval_as, for the caller to close before the next: the plan has room for one.
bool trainer_eval_as_open(const struct trainer *trainer, int i, struct executor **executor, struct error *error);
// By the plan: weights, gradients, optimizer state, activations and workspaces.
size_t trainer_bytes(const struct trainer *trainer);

struct step_result {
    double loss; // what is minimised: cross-entropy + z-loss, in nats per counted target, before the update
    double cross_entropy;
    double log_z_squared; // mean(log^2 Z)
    double gradient_norm; // before clipping
    double learning_rate;
    bool finite; // loss and norm are; otherwise the weights were left alone
};
// The losses of a pass by its totals.
void step_losses(const struct run *run, const struct totals *totals, struct step_result *result);
struct step_result trainer_step(struct trainer *trainer, const struct batch *batch, int64_t step);

#endif
