// bench_suite.c: `ablate bench [FILTER]`: benchmarks of ops and components, beside what the machine reaches, and into the
// database.
#include "bench/suite.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine.h"
#include "cli/bench.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "report/figure.h"
#include "report/roofline.h"
#include "store/provenance.h"
#include "store/store.h"

static const struct column columns[] = {
    {.name = "name", .heading = "benchmark"},
    {.name = "seconds", .number = true},
    {.name = "flops_per_s", .heading = "GFLOP/s", .number = true},
    {.name = "bytes_per_s", .heading = "GB/s", .number = true},
    {.name = "fraction_of_fma", .heading = "of FMA", .number = true},
    {.name = "fraction_of_triad", .heading = "of triad", .number = true},
    {.name = "spread", .number = true},
    {.name = "repetitions", .heading = "n", .number = true},
    {.name = "law"},
    {.name = "declared"},
    {.name = "law_by", .heading = "by"},
    {.name = "refusal", .heading = "", .wraps = true},
};
enum { NAME, SECONDS, FLOPS, BYTES, OF_FMA, OF_TRIAD, SPREAD, REPETITIONS, LAW, DECLARED, LAW_BY, REFUSAL };

struct machine {
    double fma_flops_per_s, triad_bytes_per_s;
};

static bool measure_machine(struct machine *machine, struct error *error)
{
    struct team *team;
    if (!team_open(&team, 1, error))
        return false;
    machine->fma_flops_per_s = machine_fma_flops_per_s(team);
    bool done = machine_triad_bytes_per_s(team, &machine->triad_bytes_per_s, error);
    team_close(team);
    return done;
}

// ---- Printing ---------------------------------------------------------------------------------------------------------------

static const struct suite_law *law_of(const struct suite *suite, const struct suite_row *row)
{
    for (int i = 0; i < suite->law_count; i++)
        if (row->length && !strcmp(suite->laws[i].subject, row->subject))
            return &suite->laws[i];
    return NULL;
}

static void add_rate(struct table *table, int rate_column, int fraction_column, double rate, double peak, double unit)
{
    if (!(rate > 0 && peak > 0))
        return;
    table_cell(table, rate_column, "%.4g", rate / unit);
    table_cell(table, fraction_column, "%.3f", rate / peak);
}

static void add_row(struct table *table, const struct suite *suite, const struct suite_row *row, const struct machine *machine,
                    bool for_people)
{
    const struct suite_law *law = law_of(suite, row);
    double seconds = suite_median(row), giga = for_people ? 1e9 : 1;
    table_row(table);
    table_cell(table, NAME, "%s", row->name);
    if (row->count) {
        table_cell(table, SECONDS, for_people ? "%.3g" : "%.6g", seconds);
        add_rate(table, FLOPS, OF_FMA, row->flops / seconds, machine->fma_flops_per_s, giga);
        add_rate(table, BYTES, OF_TRIAD, row->bytes / seconds, machine->triad_bytes_per_s, giga);
        table_cell(table, SPREAD, "%.3f", suite_spread(row));
        table_cell(table, REPETITIONS, "%d", row->count);
    }
    if (law && !for_people) { // for whom a sentence below says it once
        table_cell(table, LAW, "%s", complexity_names[law->found]);
        table_cell(table, DECLARED, "%s", complexity_names[law->declared]);
        table_cell(table, LAW_BY, "%s", law->counted ? "operations" : "time");
    }
    if (row->refusal)
        table_cell(table, REFUSAL, "%s", row->refusal);
}

static void print(const struct suite *suite, const struct machine *machine, enum output_format format)
{
    struct table table;
    table_open(&table, columns, sizeof columns / sizeof *columns);
    for (int i = 0; i < suite->row_count; i++)
        add_row(&table, suite, &suite->rows[i], machine, format == OUTPUT_TEXT);
    table_print(&table, format, stdout);
    table_close(&table);
    if (format != OUTPUT_TEXT)
        return;
    if (machine->fma_flops_per_s > 0)
        printf("one thread; FMA from registers %.1f GFLOP/s, triad %.1f GB/s\n", machine->fma_flops_per_s / 1e9,
               machine->triad_bytes_per_s / 1e9);
    for (int i = 0; i < suite->law_count; i++) {
        const struct suite_law *law = &suite->laws[i];
        terminal_print(stdout, "%s grows as %s by %s, and is declared to grow as %s%s", law->subject,
                       complexity_names[law->found], law->counted ? "its operations" : "time", complexity_names[law->declared],
                       law->found == law->declared ? "" : ": THEY DIFFER");
    }
}

// The middle of all rows' spreads: one noisy row is its own affair.
static double middle_spread(const struct suite *suite)
{
    double *spreads = memory_allocate((size_t)suite->row_count, sizeof *spreads), middle = 0;
    size_t count = 0;
    for (int i = 0; i < suite->row_count; i++)
        if (suite->rows[i].count > 1)
            spreads[count++] = suite_spread(&suite->rows[i]);
    gsl_sort(spreads, 1, count);
    if (count)
        middle = gsl_stats_median_from_sorted_data(spreads, 1, count);
    free(spreads);
    return middle;
}

static void show_progress(void *context, const struct suite_row *row)
{
    int *done = context;
    fprintf(stderr, "\r%4d  %-72.72s", ++*done, row->name);
}

// ---- Keeping ----------------------------------------------------------------------------------------------------------------

static void fill_set(const struct suite *suite, const struct run *base, const struct machine *machine, struct arena *arena,
                     struct store_benchmark_set *set)
{
    struct store_benchmark *list = arena_allocate(arena, (size_t)suite->row_count, sizeof *list);
    *set = (struct store_benchmark_set){.fma_flops_per_s = machine->fma_flops_per_s,
                                        .triad_bytes_per_s = machine->triad_bytes_per_s,
                                        .facts = provenance_bench(base, 1, arena),
                                        .benchmarks = list};
    for (int i = 0; i < suite->row_count; i++) {
        const struct suite_row *row = &suite->rows[i];
        if (row->count)
            list[set->count++] = (struct store_benchmark){row->name, row->flops, row->bytes, row->count, row->seconds};
    }
}

static bool keep(const struct request *request, const struct store_benchmark_set *set, struct error *error)
{
    struct store *store;
    int64_t number;
    if (!store_open(&store, request->database, STORE_WRITE, error))
        return false;
    bool done = store_benchmarks_save(store, set, &number, error);
    store_close(store);
    if (done && request->format == OUTPUT_TEXT)
        printf("stored as set %lld: ablate bench compare %lld last\n", (long long)number, (long long)number);
    return done;
}

static bool choose_base(const struct request *request, struct run *base, struct error *error)
{
    run_defaults(base, request->arena);
    for (int i = 0; request->set[i]; i++) {
        size_t length = strcspn(request->set[i], "=");
        for (const char *const *key = suite_own_keys; *key; key++)
            if (strlen(*key) == length && !strncmp(*key, request->set[i], length))
                error_request(error, "%s: every benchmark has its own; a filter picks among them. See: ablate bench --list",
                              *key);
        run_set_pair(base, request->set[i], request->arena, error);
    }
    return error->count == 0;
}

bool bench_suite(const struct request *request, struct error *error)
{
    const struct bench_options *chosen = request->options;
    int measured = 0;
    struct run base;
    struct suite suite = {0};
    struct machine machine = {0};
    struct store_benchmark_set set;
    const struct suite_options options = {
        .filter = request->word_count ? request->words[0] : "",
        .seconds = bench_seconds(chosen, 0.01),
        .repetitions = (int)chosen->repetitions,
        .list = chosen->list,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .context = &measured,
    };
    bool done = choose_base(request, &base, error) && (!*chosen->plot || figure_terminal(chosen->plot, error)) &&
                suite_run(&suite, &base, &options, error);
    if (measured)
        fprintf(stderr, "\r%80s\r", "");
    // After the suite, which refuses a mistaken filter at once.
    done = done && (chosen->list || chosen->bare || measure_machine(&machine, error));
    for (int i = 0; done && chosen->list && i < suite.row_count; i++)
        printf("%s\n", suite.rows[i].name);
    if (done && !chosen->list) {
        print(&suite, &machine, request->format);
        bench_warn(middle_spread(&suite));
        fill_set(&suite, &base, &machine, request->arena, &set);
        done = chosen->bare || ((!*chosen->plot || roofline_draw(&set, chosen->plot, error)) && keep(request, &set, error));
    }
    suite_close(&suite);
    return done;
}
