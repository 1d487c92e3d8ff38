// bench_overhead.c: `ablate bench overhead`: what a run costs beside its steps, as a table of one line.
//
// Without --set the model is about the smallest that can learn anything, where a fixed cost weighs most.
#include "bench/overhead_bench.h"
#include "cli/bench.h"
#include "cli/table.h"

static const struct column columns[] = {
    {.name = "run_ms", .heading = "ms a run", .number = true},
    {.name = "least_ms", .heading = "at least", .number = true},
    {.name = "run_cpu_ms", .heading = "CPU ms", .number = true},
    {.name = "runs", .number = true},
    {.name = "step_us", .heading = "us a step", .number = true},
    {.name = "telling_us", .heading = "us telling it", .number = true},
    {.name = "telling_share", .heading = "share", .number = true},
    {.name = "steps", .number = true},
};
enum { RUN_MS, LEAST_MS, RUN_CPU_MS, RUNS, STEP_US, TELLING_US, SHARE, STEPS };

static const char *const smallest[] = {"model.n_layer=1",  "model.d_model=64", "model.n_head=2",
                                       "model.seq_len=64", "train.batch=8",    "data=prose(bytes=4000)"};

bool bench_overhead(const struct request *request, struct error *error)
{
    const struct overhead_bench_options measure = {.runs = 21, .steps = 1000};
    struct run subject;
    struct overhead_bench result;
    struct table table;
    run_defaults(&subject, request->arena);
    for (size_t i = 0; i < sizeof smallest / sizeof *smallest; i++)
        run_set_pair(&subject, smallest[i], request->arena, error);
    for (int i = 0; request->set[i]; i++)
        run_set_pair(&subject, request->set[i], request->arena, error);
    if (error->count || !run_resolve(&subject, error) || !overhead_bench_run(&subject, &measure, &result, error))
        return false;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    table_row(&table);
    table_cell(&table, RUN_MS, "%.1f", 1e3 * result.run_seconds);
    table_cell(&table, LEAST_MS, "%.1f", 1e3 * result.run_seconds_least);
    table_cell(&table, RUN_CPU_MS, "%.1f", 1e3 * result.run_cpu_seconds);
    table_cell(&table, RUNS, "%d", result.runs);
    table_cell(&table, STEP_US, "%.1f", 1e6 * result.step_seconds);
    table_cell(&table, TELLING_US, "%.2f", 1e6 * result.telling_seconds);
    table_cell(&table, SHARE, "%.4f", result.telling_share);
    table_cell(&table, STEPS, "%lld", (long long)result.steps);
    table_print(&table, request->format, stdout);
    table_close(&table);
    return true;
}
