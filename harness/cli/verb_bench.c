// verb_bench.c: `ablate bench train`: the speed of a training run, as a share of its own matrix products alone.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/train_bench.h"
#include "cli/bench_overhead.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "registry/run.h"
#include "tensor/gemm.h"

struct bench_options {
    int64_t threads;
    double seconds;
};

static const struct option options[] = {
    {"threads", OPTION_INT, offsetof(struct bench_options, threads), .fallback = "0", .min = 0, .max = 1024,
     .help = "threads that carry the lanes; 0: one for each core"},
    {"seconds", OPTION_REAL, offsetof(struct bench_options, seconds), .fallback = "6", .min = 0.1, .max = 3600,
     .unit = "seconds", .help = "how long to measure"},
    {0},
};

static const struct column columns[] = {
    {.name = "tokens_per_s", .heading = "tok/s", .number = true},
    {.name = "model_flops_per_s", .heading = "model FLOP/s", .number = true},
    {.name = "gemm_peak_flops_per_s", .heading = "peak FLOP/s", .number = true},
    {.name = "fraction_of_peak", .heading = "fraction", .number = true},
    {.name = "planned_bytes", .number = true},
    {.name = "peak_rss_bytes", .number = true},
    {.name = "threads", .number = true},
    {.name = "spread", .number = true},
    {.name = "gemm"},
    {.name = "core"},
    {.name = "isa"},
};
enum { TOKENS, MODEL_FLOPS, PEAK_FLOPS, FRACTION, PLANNED, RESIDENT, THREADS, SPREAD, GEMM, CORE, ISA };

static const double noisy_spread = 0.15;

static void print(const struct train_bench *result, struct gemm_way way, enum output_format format)
{
    struct table table;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    table_row(&table);
    table_cell(&table, TOKENS, "%.0f", result->tokens_per_s);
    table_cell(&table, MODEL_FLOPS, "%.4g", result->model_flops_per_s);
    table_cell(&table, PEAK_FLOPS, "%.4g", result->gemm_peak_flops_per_s);
    table_cell(&table, FRACTION, "%.3f", result->fraction_of_peak);
    table_cell(&table, PLANNED, "%zu", result->planned_bytes);
    table_cell(&table, RESIDENT, "%zu", result->peak_rss_bytes);
    table_cell(&table, THREADS, "%d", result->threads);
    table_cell(&table, SPREAD, "%.3f", result->spread);
    table_cell(&table, GEMM, "%s %s", gemm_way_name(way), gemm_version(way.library));
    table_cell(&table, CORE, "%s", gemm_core());
    table_cell(&table, ISA, "%s", gemm_isa(way));
    table_print(&table, format, stdout);
    table_close(&table);
    if (result->spread > noisy_spread)
        fprintf(stderr, "The rounds differ by %.0f%%: something else keeps this machine busy; measure again when it is idle.\n",
                100 * result->spread);
}

static bool run(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    struct run subject;
    struct train_bench result;
    if (!strcmp(request->words[0], "overhead"))
        return bench_overhead(request, error);
    if (strcmp(request->words[0], "train") != 0)
        return error_request(error, "no benchmark \"%s\"; there are: ablate bench train, ablate bench overhead",
                             request->words[0]);
    run_defaults(&subject, request->arena);
    for (int i = 0; request->set[i]; i++)
        run_set_pair(&subject, request->set[i], request->arena, error);
    if (error->count || !run_resolve(&subject, error))
        return false;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct train_bench_options measure = {.threads = chosen->threads ? (int)chosen->threads : (int)cores,
                                                .seconds = chosen->seconds};
    if (!train_bench_run(&subject, &measure, &result, error))
        return false;
    print(&result, run_gemm_way(&subject), request->format);
    return true;
}

const struct verb verb_bench = {
    .name = "bench",
    .summary = "speed of training, as a share of its own matrix products alone",
    .words_help = "train|overhead",
    .words_min = 1,
    .words_max = 1,
    .example = "ablate bench train --seconds 2 --set model.d_model=256 --set model.n_head=8",
    .options = options,
    .options_size = sizeof(struct bench_options),
    .tables = true,
    .sets = true,
    .run = run,
};
