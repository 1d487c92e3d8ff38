// bench_compare.c: `ablate bench compare A B [FILTER]`: two builds in turn, or two stored sets, benchmark by benchmark.
#include <math.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

#include "bench/builds.h"
#include "bench/ratio.h"
#include "bench/suite.h"
#include "cli/bench.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "store/view.h"

enum { ROUNDS_MIN = 6 }; // with fewer pairs the sign test cannot reach 5%

static const struct column columns[] = {
    {.name = "name", .heading = "benchmark"},
    {.name = "seconds_a", .heading = "A", .number = true},
    {.name = "seconds_b", .heading = "B", .number = true},
    {.name = "ratio", .heading = "B/A", .number = true},
    {.name = "low", .number = true},
    {.name = "high", .number = true},
    {.name = "p", .number = true},
    {.name = "verdict"},
};
enum { NAME, SECONDS_A, SECONDS_B, RATIO, LOW, HIGH, P, VERDICT };

struct sheet {
    struct table table;
    int verdicts[RATIO_NOISY + 1], rows;
    int only_a, only_b; // left out
};

static void add_row(struct sheet *sheet, const char *name, const struct ratio *ratio, double a, double b)
{
    struct table *table = &sheet->table;
    table_row(table);
    table_cell(table, NAME, "%s", name);
    table_cell(table, SECONDS_A, "%.4g", a);
    table_cell(table, SECONDS_B, "%.4g", b);
    table_cell(table, RATIO, "%.3f", ratio->value);
    if (isfinite(ratio->low)) {
        table_cell(table, LOW, "%.3f", ratio->low);
        table_cell(table, HIGH, "%.3f", ratio->high);
    }
    table_cell(table, P, "%.2g", ratio->p);
    table_cell(table, VERDICT, "%s", ratio_verdict_names[ratio->verdict]);
    sheet->verdicts[ratio->verdict]++;
    sheet->rows++;
}

static bool compare_builds(const struct request *request, const char *filter, struct sheet *sheet, struct error *error)
{
    const struct bench_options *chosen = request->options;
    const struct builds_options options = {
        .paths = {request->words[1], request->words[2]},
        .filter = filter,
        .seconds = bench_seconds(chosen, 0.02),
        .rounds = chosen->repetitions < ROUNDS_MIN ? ROUNDS_MIN : (int)chosen->repetitions,
    };
    struct build_pairs *pairs;
    int count;
    if (!builds_run(&options, request->arena, &pairs, &count, error))
        return false;
    for (int i = 0; i < count; i++) {
        if (pairs[i].count[BUILD_A] != options.rounds || pairs[i].count[BUILD_B] != options.rounds) {
            sheet->only_a += pairs[i].count[BUILD_A] == options.rounds;
            sheet->only_b += pairs[i].count[BUILD_B] == options.rounds;
            continue;
        }
        const struct ratio ratio = ratio_paired(pairs[i].seconds[BUILD_A], pairs[i].seconds[BUILD_B], options.rounds);
        add_row(sheet, pairs[i].name, &ratio, ratio_median(pairs[i].seconds[BUILD_A], options.rounds),
                ratio_median(pairs[i].seconds[BUILD_B], options.rounds));
    }
    return true;
}

static const struct store_benchmark *find(const struct benchmark_set_view *view, const char *name)
{
    for (int i = 0; i < view->set.count; i++)
        if (!strcmp(view->set.benchmarks[i].name, name))
            return &view->set.benchmarks[i];
    return NULL;
}

static int count_others(const struct benchmark_set_view *of, const struct benchmark_set_view *others, const regex_t *filter)
{
    int count = 0;
    for (int i = 0; i < of->set.count; i++) {
        const char *name = of->set.benchmarks[i].name;
        count += !find(others, name) && regexec(filter, name, 0, NULL, 0) == 0;
    }
    return count;
}

static bool compare_sets(const struct request *request, const regex_t *filter, struct sheet *sheet, struct error *error)
{
    struct store *store;
    struct benchmark_set_view a, b;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    bool done = view_benchmarks(store, request->words[1], request->arena, &a, error) &&
                view_benchmarks(store, request->words[2], request->arena, &b, error);
    store_close(store);
    if (!done)
        return false;
    for (int i = 0; i < a.set.count; i++) {
        const struct store_benchmark *one = &a.set.benchmarks[i], *other = find(&b, one->name);
        if (!other || regexec(filter, one->name, 0, NULL, 0) != 0)
            continue;
        const struct ratio ratio = ratio_unpaired(one->seconds, one->count, other->seconds, other->count);
        add_row(sheet, one->name, &ratio, ratio_median(one->seconds, one->count), ratio_median(other->seconds, other->count));
    }
    sheet->only_a = count_others(&a, &b, filter);
    sheet->only_b = count_others(&b, &a, filter);
    return true;
}

static void print_summary(const struct sheet *sheet)
{
    struct text line = {0};
    for (int i = 0; ratio_verdict_names[i]; i++)
        text_add(&line, "%s%d %s", i ? ", " : "", sheet->verdicts[i], ratio_verdict_names[i]);
    terminal_print(stdout, "%s, of %d; by chance alone about %.0f would be called faster or slower.", line.data, sheet->rows,
                   RATIO_ALPHA * sheet->rows);
    text_free(&line);
}

// A build is named by a path, as a shell would run it.
static bool is_build(const char *word) { return strchr(word, '/') && access(word, X_OK) == 0; }

bool bench_compare(const struct request *request, struct error *error)
{
    struct sheet sheet = {.rows = 0};
    bool builds = is_build(request->words[1]) && is_build(request->words[2]);
    if (!builds && (strchr(request->words[1], '/') || strchr(request->words[2], '/')))
        return error_request(error,
                             "%s and %s: not both are programs that can be run. For example: "
                             "ablate bench compare ../before/ablate ./ablate",
                             request->words[1], request->words[2]);
    const char *wanted = request->word_count > 3 ? request->words[3] : "";
    regex_t filter;
    if (!suite_filter(wanted, &filter, error))
        return false;
    table_open(&sheet.table, columns, sizeof columns / sizeof *columns);
    bool done = builds ? compare_builds(request, wanted, &sheet, error) : compare_sets(request, &filter, &sheet, error);
    regfree(&filter);
    if (done && sheet.rows == 0)
        done = error_request(error, "A and B have no benchmark in common%s", *wanted ? " that the filter holds" : "");
    if (done)
        table_print(&sheet.table, request->format, stdout);
    if (done && request->format == OUTPUT_TEXT)
        print_summary(&sheet);
    if (done && (sheet.only_a || sheet.only_b))
        terminal_print(stderr, "Left out: %d that only A has, %d that only B has.", sheet.only_a, sheet.only_b);
    table_close(&sheet.table);
    return done;
}
