// bench_models.c: `ablate bench models`, what `make bench` prints: the models of bench/models.h against what they must reach.
#include "bench/models.h"

#include <math.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "tensor/gemm.h"

static const struct column columns[] = {
    {.name = "model"},
    {.name = "precision"},
    {.name = "isa"},
    {.name = "tokens_per_s", .heading = "tok/s", .number = true},
    {.name = "fraction_of_peak", .heading = "fraction", .number = true},
    {.name = "wanted", .number = true},
    {.name = "of", .heading = "of"},
    {.name = "gemm_peak_flops_per_s", .heading = "products G/s", .number = true},
    {.name = "fma_peak_flops_per_s", .heading = "FMA G/s", .number = true},
    {.name = "products_fraction_of_fma", .heading = "of FMA", .number = true},
    {.name = "planned_bytes", .heading = "planned MB", .number = true},
    {.name = "peak_rss_bytes", .heading = "peak MB", .number = true},
    {.name = "spread", .number = true},
};
enum { MODEL, PRECISION, ISA, TOKENS, FRACTION, WANTED, OF, PRODUCTS, FMA, OF_FMA, PLANNED, PEAK, SPREAD };

static void add_row(struct table *table, const struct bench_model_result *result, bool for_people)
{
    double mega = for_people ? 1e6 : 1, giga = for_people ? 1e9 : 1;
    table_row(table);
    table_cell(table, MODEL, "%s", result->model->name);
    table_cell(table, PRECISION, "%s", result->precision);
    table_cell(table, ISA, "%s", result->isa);
    table_cell(table, TOKENS, "%.0f", result->tokens_per_s);
    table_cell(table, FRACTION, "%.3f", result->fraction);
    if (isfinite(result->wanted))
        table_cell(table, WANTED, "%.2f", result->wanted);
    table_cell(table, OF, "%s", result->model->beside ? result->model->beside : "products");
    table_cell(table, PRODUCTS, "%.4g", result->gemm_peak_flops_per_s / giga);
    table_cell(table, FMA, "%.4g", result->fma_peak_flops_per_s / giga);
    table_cell(table, OF_FMA, "%.3f", result->products_fraction_of_fma);
    table_cell(table, PLANNED, for_people ? "%.1f" : "%.0f", result->planned_bytes / mega);
    table_cell(table, PEAK, for_people ? "%.1f" : "%.0f", result->peak_rss_bytes / mega);
    table_cell(table, SPREAD, "%.3f", result->spread);
}

static void show_progress(const struct bench_model *model, const char *precision)
{
    fprintf(stderr, "training %s in %s\n", model->name, precision);
}

bool bench_models_table(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    const struct bench_models_options options = {chosen->threads, bench_seconds(chosen, 6),
                                                 isatty(STDERR_FILENO) ? show_progress : NULL};
    const struct bench_model_result *results;
    struct table table;
    double spread = 0;
    int count;
    bool for_people = request->format == OUTPUT_TEXT;
    if (!bench_models_run(&options, request->arena, &results, &count, error))
        return false;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < count; i++) {
        add_row(&table, &results[i], for_people);
        spread = fmax(spread, results[i].spread);
    }
    table_print(&table, request->format, stdout);
    table_close(&table);
    if (for_people) {
        for (const struct bench_model *model = bench_models; model->name; model++)
            printf("%s: %s\n", model->name, model->meaning);
        printf("fp32 products must reach %.2f of the registers' FMA peak.\n", bench_products_wanted);
        const char *notice = gemm_notice(gemm_rule(GEMM_AUTO, GEMM_BF16));
        if (notice)
            terminal_print(stdout, "Without bf16 and bf16x3. %s", notice);
    }
    bench_warn(spread);
    return true;
}
