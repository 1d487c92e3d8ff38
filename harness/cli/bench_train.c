// bench_train.c: `ablate bench train`: the speed of a training run, as a share of its own matrix products alone.
#include "bench/train_bench.h"
#include "cli/bench.h"
#include "cli/table.h"
#include "tensor/gemm.h"

static const struct column columns[] = {
    {.name = "tokens_per_s", .heading = "tok/s", .number = true},
    {.name = "model_flops_per_s", .heading = "GFLOP/s", .number = true},
    {.name = "gemm_peak_flops_per_s", .heading = "products", .number = true},
    {.name = "fraction_of_peak", .heading = "fraction", .number = true},
    {.name = "fma_peak_flops_per_s", .heading = "FMA", .number = true},
    {.name = "products_fraction_of_fma", .heading = "of FMA", .number = true},
    {.name = "planned_bytes", .heading = "planned MiB", .number = true},
    {.name = "peak_rss_bytes", .heading = "peak MiB", .number = true},
    {.name = "threads", .number = true, .folds = true},
    {.name = "spread", .number = true},
    {.name = "precision", .folds = true},
    {.name = "isa", .folds = true},
    {.name = "gemm", .folds = true},
    {.name = "core", .folds = true},
};
enum {
    TOKENS,
    MODEL_FLOPS,
    PEAK_FLOPS,
    FRACTION,
    FMA_FLOPS,
    OF_FMA,
    PLANNED,
    RESIDENT,
    THREADS,
    SPREAD,
    PRECISION,
    ISA,
    GEMM,
    CORE
};

static void print(const struct train_bench *result, const struct run *run, enum output_format format)
{
    struct table table;
    struct gemm_way way = run_gemm_way(run);
    bool for_people = format == OUTPUT_TEXT;
    double giga = for_people ? 1e9 : 1, mebi = for_people ? 1048576 : 1;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    table_row(&table);
    table_cell(&table, TOKENS, "%.0f", result->tokens_per_s);
    table_cell(&table, MODEL_FLOPS, "%.4g", result->model_flops_per_s / giga);
    table_cell(&table, PEAK_FLOPS, "%.4g", result->gemm_peak_flops_per_s / giga);
    table_cell(&table, FRACTION, "%.3f", result->fraction_of_peak);
    table_cell(&table, FMA_FLOPS, "%.4g", result->fma_peak_flops_per_s / giga);
    table_cell(&table, OF_FMA, "%.3f", result->products_fraction_of_fma);
    table_cell(&table, PLANNED, "%.0f", (double)result->planned_bytes / mebi);
    table_cell(&table, RESIDENT, "%.0f", (double)result->peak_rss_bytes / mebi);
    table_cell(&table, THREADS, "%d", result->threads);
    table_cell(&table, SPREAD, "%.3f", result->spread);
    table_cell(&table, PRECISION, "%s", run_choice(run, SLOT_PRECISION, 0)->component->name);
    table_cell(&table, ISA, "%s", gemm_isa(way));
    table_cell(&table, GEMM, "%s %s", gemm_way_name(way), gemm_version(way.library));
    table_cell(&table, CORE, "%s", gemm_core());
    table_print(&table, format, stdout);
    table_close(&table);
    bench_warn(result->spread);
}

bool bench_train(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    struct run subject;
    struct train_bench result;
    run_defaults(&subject, request->arena);
    for (int i = 0; request->set[i]; i++)
        run_set_pair(&subject, request->set[i], request->arena, error);
    if (error->count || !run_resolve(&subject, error))
        return false;
    const struct train_bench_options measure = {.threads = bench_threads(chosen), .seconds = bench_seconds(chosen, 6)};
    if (!train_bench_run(&subject, &measure, &result, error))
        return false;
    print(&result, &subject, request->format);
    return true;
}
