// overhead_bench.h: what a run costs beside its steps: from a worker's start to its end, and for telling every step.
//
// Real sweeps through the real runner into a database that is thrown away; one run at a time, so that nothing is hidden. Called
// by `ablate bench overhead`.
#ifndef BENCH_OVERHEAD_BENCH_H
#define BENCH_OVERHEAD_BENCH_H

#include "base/error.h"
#include "registry/run.h"

struct overhead_bench {
    double run_seconds; // median of runs of one step: spawn, libraries, data, plan, the step, evaluations, rows stored, exit
    double run_seconds_least;
    double run_cpu_seconds; // of runner and worker together, the mean: what a busy machine does not stretch
    double step_seconds;    // CPU time of a step of a long run, telling left out
    double telling_seconds; // CPU time per step of telling it: the worker writes, the runner reads and stores
    double telling_share;   // of both
    int runs;
    int64_t steps;
};
struct overhead_bench_options {
    int runs;      // of one step
    int64_t steps; // of the long run
};
// `run` says what model and data; its steps are set here.
bool overhead_bench_run(const struct run *run, const struct overhead_bench_options *options, struct overhead_bench *result,
                        struct error *error);

#endif
