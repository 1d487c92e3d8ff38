// train_bench.h: how fast a run trains, as a share of the rate at which its own matrix products run alone on this machine.
//
// Called by `ablate bench train` and by tests. Steps, products and multiply-adds from registers take turns in one process, each
// over a stretch of time, so that a machine whose speed drifts moves all; medians over the rounds are reported.
#ifndef BENCH_TRAIN_BENCH_H
#define BENCH_TRAIN_BENCH_H

#include "base/error.h"
#include "registry/run.h"

struct train_bench {
    double tokens_per_s;
    double model_flops_per_s;     // products of forward and backward, attention over visible pairs, recomputation not counted
    double gemm_peak_flops_per_s; // the model's own products alone: warm, on random data, in the backend, on all threads
    double fma_peak_flops_per_s;  // multiply-adds from registers, on all threads together
    double fraction_of_peak;      // median over rounds of model FLOP/s over the products'
    double products_fraction_of_fma; // median over rounds of the one over the other
    double spread;                   // (largest - smallest) / median of the rounds' fractions: a noisy machine shows here
    size_t planned_bytes, peak_rss_bytes;
    int threads, rounds;
};
struct train_bench_options {
    int threads;
    double seconds; // to measure, warm-up apart
};
bool train_bench_run(const struct run *run, const struct train_bench_options *options, struct train_bench *result,
                     struct error *error);

#endif
