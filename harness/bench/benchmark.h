// benchmark.h: Google Benchmark for C: how often to repeat a piece of work so that its time can be told is the library's
// choice.
//
// A benchmark is a function that does its work while benchmark_running says so. benchmark_run times a list of them, repetitions
// of all in random turns, and hands over one result for each repetition. Called by the suite. The library keeps its settings in
// the process, so two threads must not run benchmarks at once.
#ifndef BENCH_BENCHMARK_H
#define BENCH_BENCHMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { BENCHMARK_ARGUMENTS_MAX = 6 };

struct benchmark_state;
typedef void benchmark_body(struct benchmark_state *state, void *context);
// The condition of the measured loop: `while (benchmark_running(state)) work();`. A body ends when it has said false.
bool benchmark_running(struct benchmark_state *state);
int64_t benchmark_argument(const struct benchmark_state *state, int place);
// Says why this cannot be measured; the body then returns without its loop. `reason` is copied.
void benchmark_refuse(struct benchmark_state *state, const char *reason);

struct benchmark_value {
    const char *name; // "rows"
    int64_t value;
};
struct benchmark_entry {
    const char *name; // "op/linear/forward"; its arguments follow in results: ".../rows:512/in:256"
    benchmark_body *body;
    void *context;
    int argument_count;
    struct benchmark_value arguments[BENCHMARK_ARGUMENTS_MAX];
};
struct benchmark_options {
    double seconds;  // a repetition takes at least that long
    int repetitions; // 1 or more
};
struct benchmark_result {
    int index;           // into the list
    const char *name;    // with its arguments
    int repetition;      // from 0
    int64_t iterations;  // of the loop
    double seconds;      // real time of one iteration
    double cpu_seconds;  // of all threads of the process
    const char *refusal; // NULL: it was measured
};
typedef void benchmark_report(void *context, const struct benchmark_result *result);

// Calls `report` for every repetition of every benchmark, in the order in which they ended. False, and nothing was measured,
// where the library is missing.
bool benchmark_run(const struct benchmark_entry *list, int count, const struct benchmark_options *options,
                   benchmark_report *report, void *context, struct error *error);

#endif
