// probe.h: a small model on random tokens, built and run in one call: what conformance and the reference comparison look at.
//
// Weights are drawn wider than for training and gains and biases are shifted, so that every term of every gradient matters.
// Double and float probes of one run hold the same weights, up to rounding.
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include "model/model.h"
#include "tensor/executor.h"

struct probe_request {
    const struct run *run; // resolved; vocabulary, heads and so on as there
    enum real real;
    enum graph_mode mode;
    int64_t sequences, time;
    int threads, lanes;
    int64_t pass_sequences; // 0: as many as a lane has
    int64_t tile_rows;      // see struct graph
    bool explicit_attention, keeps_activations, poison;
};

struct probe {
    struct probe_request request;
    struct run run;
    struct parameters parameters;
    struct graph graph;
    struct team *team;
    struct executor *executor;
    int32_t *tokens, *targets, *positions; // [sequences * time]; the caller may change them between runs
    void *logits;                          // real[sequences * time * vocab], of the last run
    struct totals totals;
};
bool probe_open(struct probe *probe, const struct probe_request *request, struct error *error);
void probe_close(struct probe *probe);
// Forward alone, or forward and backward (GRAPH_TRAIN).
void probe_forward(struct probe *probe);
void probe_train(struct probe *probe);
// The objective whose gradient probe_train computes: mean loss plus the z-loss penalty.
double probe_objective(const struct probe *probe);
double probe_value(const struct probe *probe, const void *array, int64_t index); // reads float or double

#endif
