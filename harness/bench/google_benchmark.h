// google_benchmark.h: what the one C++ file offers to benchmark.c: a table of calls in a shared object of its own.
#ifndef BENCH_GOOGLE_BENCHMARK_H
#define BENCH_GOOGLE_BENCHMARK_H

#include "bench/benchmark.h"

struct google_benchmark {
    void (*run)(const struct benchmark_entry *list, int count, const struct benchmark_options *options,
                benchmark_report *report, void *context);
    bool (*running)(struct benchmark_state *state);
    int64_t (*argument)(const struct benchmark_state *state, int place);
    void (*refuse)(struct benchmark_state *state, const char *reason);
};

#endif
