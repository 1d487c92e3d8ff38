// train.h: trains one run in this process and tells a sink what happened.
//
// Who calls it: `ablate train` (a sink that prints) and the worker (a sink that sends messages). It owns the model's memory and
// the training data; it refuses a plan that does not fit and a run whose components refuse. A diverged run is a result.
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "base/error.h"
#include "registry/run.h"

struct profile;
struct team;

enum train_state { TRAIN_FINISHED, TRAIN_DIVERGED };

// What is known before step 1.
struct train_facts {
    int64_t parameters, parameters_without_embeddings;
    double flops;         // of the whole training: products, forward and backward
    size_t planned_bytes; // peak memory by the plan
    const char *data_hash;
};

// What a run tells while it goes. Values may be non-finite. `metric` is for what the run is (the same bits on every
// repetition); `throughput` for what this machine did. Calls come from one thread.
struct train_sink {
    void *context;
    void (*begin)(void *context, const struct train_facts *facts, int64_t resumed_from_step);
    void (*metric)(void *context, int64_t step, const char *name, double value);
    void (*throughput)(void *context, int64_t step, double tokens_per_s);
    void (*event)(void *context, int64_t step, const char *kind, double value, double threshold, const char *detail);
    // Returns when everything told up to here is safely stored, so that a checkpoint never runs ahead of the store.
    bool (*commit)(void *context, int64_t step, struct error *error);
    // With train_options.profiles, once, after the last step; what it is given ends with the call.
    bool (*profiled)(void *context, const struct profile *profile, struct team *team, struct error *error);
};

struct train_options {
    int threads;            // at most lanes of them do work
    const char *checkpoint; // file to write every train.checkpoint_every steps and to resume from; NULL: none
    bool keeps;             // write it after the last step too
    bool profiles;          // records up to 20 steps after the first 3; changes no bit
    const char *weights;    // folder of what runs keep (kept.h), to start from and to keep into; NULL: none
    bool poison;            // see executor.h: a test's wish, changes no bit
};

struct train_result {
    enum train_state state;
    int64_t diverged_at; // step, or -1
    double seconds; // of the steps that led to it, those of earlier attempts included; what was lost and done again counts once
    double tokens_per_s;
    size_t peak_rss_bytes;
    char run[RUN_ID_SIZE]; // its identity
};

// Metrics told: once, at step 0, activation_bytes (what a thread needs to train one sequence beside parameters and gradients,
// as planned: activations and workspace); per step train_loss (what is minimised), gradient_norm, learning_rate, and
// train_cross_entropy with a z-loss; every eval_every steps and at the end val_loss, val_accuracy (the share of counted targets
// that the model holds most likely; training has none, it would cost a pass over the logits), val_perplexity, val_bits_per_byte
// (bytes only), val_excess (above the source's own mean surprise at the same targets, where known); at the end floor (that mean
// over the validation targets), test_loss, test_accuracy, test_standard_error (of test_loss, over blocks of sequences),
// test_perplexity, test_bits_per_byte, test_excess. Losses but train_loss are plain cross-entropies. Step t counts from 0;
// evaluations carry the number of steps done. A run that starts from another's weights is evaluated before its first step too,
// at 0. What an evaluation tells is told again for each attention of `eval_as`, as val_loss@sliding(window=16); whatever it is,
// it makes no divergence.
//
// A run has diverged, ends there with TRAIN_DIVERGED and keeps what it told, when
// - a loss, the gradient norm or an evaluation is not finite (event non_finite, then diverged), or
// - the training cross-entropy was, 20 steps in a row, above twice that of step 0 during warm-up or 1.1 times that of step 0
//   after it: worse than before any training. A run that starts from another's weights is held to no less than log(vocabulary),
//   which is about the loss of an untrained model.
bool train_run(const struct run *run, const struct train_options *options, const struct train_sink *sink,
               struct train_result *result, struct error *error);

#endif
