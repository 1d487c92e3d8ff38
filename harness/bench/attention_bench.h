// attention_bench.h: what one attention pattern costs at a length, forward and backward: time, memory, pairs.
//
// The pattern's kernel runs in the smallest graph that trains: queries, keys and values are rows of tables, and the loss is
// taken on what attention mixes, so that no projection stands beside it; a component that builds its attention itself brings
// its projections along. Through the executor, batch 1. Called by `ablate bench attention`.
#ifndef BENCH_ATTENTION_BENCH_H
#define BENCH_ATTENTION_BENCH_H

#include "base/error.h"
#include "registry/run.h"

struct attention_bench_options {
    const char *attention; // "sliding(window=256)"
    int64_t seq_len, n_head, head_dim;
    int threads;
    double seconds; // to measure; at least three steps are
};
struct attention_bench {
    double seconds;                       // of one forward and backward: the median
    double spread;                        // (largest - smallest) / median
    double bytes;                         // arenas, workspaces and gradients, as planned, and the schedule's tiles
    int64_t visited_pairs, visible_pairs; // of all heads, forward: multiplied, and seen
};
bool attention_bench_run(const struct attention_bench_options *options, struct attention_bench *result, struct error *error);

#endif
