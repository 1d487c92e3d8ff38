// verb_compare.c: `ablate compare FILE|NAME`: which of an experiment's arms differ from its baseline, from stored runs alone.
//
// It opens the database read-only, so it may run beside a sweep. Text is for people; --json and --csv give one row an arm, with
// every number in full.
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "report/comparison.h"
#include "report/page.h"
#include "report/screen.h"
#include "sweep/repeat.h"

enum { PAGE_COLUMNS = 120 }; // of the answer in a file or a pipe

struct compare_options {
    bool memory, parameters, flops, time;
};

static const struct option options[] = {
    {"memory", OPTION_BOOL, offsetof(struct compare_options, memory), .fallback = "false", .help = "adds peak memory"},
    {"parameters", OPTION_BOOL, offsetof(struct compare_options, parameters), .fallback = "false",
     .help = "adds the number of parameters"},
    {"flops", OPTION_BOOL, offsetof(struct compare_options, flops), .fallback = "false",
     .help = "adds the training's floating-point operations"},
    {"time", OPTION_BOOL, offsetof(struct compare_options, time), .fallback = "false",
     .help = "adds seconds of a run, and the speed against the baseline's with its interval"},
    {0},
};

// ---- One row an arm ---------------------------------------------------------------------------------------------------------

// Offsets into struct comparison_arm: the whole row is this table.
enum value_type { VALUE_TEXT, VALUE_INT, VALUE_BOOL, VALUE_REAL, VALUE_VERDICT };
static const struct value {
    struct column column;
    enum value_type type;
    size_t offset;
} values[] = {
    {{.name = "arm"}, VALUE_TEXT, offsetof(struct comparison_arm, name)},
    {{.name = "differs"}, VALUE_TEXT, offsetof(struct comparison_arm, differs)},
    {{.name = "placebo", .number = true}, VALUE_BOOL, offsetof(struct comparison_arm, is_placebo)},
    {{.name = "finished", .number = true}, VALUE_INT, offsetof(struct comparison_arm, finished)},
    {{.name = "diverged", .number = true}, VALUE_INT, offsetof(struct comparison_arm, diverged)},
    {{.name = "failed", .number = true}, VALUE_INT, offsetof(struct comparison_arm, failed)},
    {{.name = "excluded", .number = true}, VALUE_INT, offsetof(struct comparison_arm, excluded)},
    {{.name = "pending", .number = true}, VALUE_INT, offsetof(struct comparison_arm, pending)},
    {{.name = "value", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, value)},
    {{.name = "above_floor", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, excess)},
    {{.name = "delta", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, difference.delta)},
    {{.name = "low", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, difference.low)},
    {{.name = "high", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, difference.high)},
    {{.name = "p", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, difference.p)},
    {{.name = "verdict"}, VALUE_VERDICT, offsetof(struct comparison_arm, difference.verdict)},
    {{.name = "detectable", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, difference.detectable)},
    {{.name = "seeds_needed", .number = true}, VALUE_INT, offsetof(struct comparison_arm, seeds_needed)},
    {{.name = "divergence_p", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, divergence_p)},
    {{.name = "tokens_per_s", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, tokens_per_s)},
    {{.name = "log_speed_delta", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, speed.delta)},
    {{.name = "log_speed_low", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, speed.low)},
    {{.name = "log_speed_high", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, speed.high)},
    {{.name = "shared_machine", .number = true}, VALUE_BOOL, offsetof(struct comparison_arm, shared_machine)},
    {{.name = "peak_bytes", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, peak_bytes)},
    {{.name = "parameters", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, parameters)},
    {{.name = "flops", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, flops)},
    {{.name = "seconds", .number = true}, VALUE_REAL, offsetof(struct comparison_arm, seconds)},
};
enum { VALUE_COUNT = sizeof values / sizeof *values, SHARED_COUNT = 4 };

// The same in every row.
static const struct column shared_columns[SHARED_COUNT] = {
    {.name = "experiment"},
    {.name = "metric"},
    {.name = "seeds", .number = true},
    {.name = "exploratory", .number = true},
};

static void set_real(struct table *table, int column, double value)
{
    struct text digits = {0};
    if (!isfinite(value))
        return;
    text_add_real(&digits, value);
    table_cell(table, column, "%s", digits.data);
    text_free(&digits);
}

static void set_value(struct table *table, int column, const struct value *value, const struct comparison_arm *arm)
{
    const void *field = (const char *)arm + value->offset;
    switch (value->type) {
    case VALUE_TEXT:
        table_cell(table, column, "%s", *(const char *const *)field);
        break;
    case VALUE_INT:
        table_cell(table, column, "%d", *(const int *)field);
        break;
    case VALUE_BOOL:
        table_cell(table, column, "%d", *(const bool *)field);
        break;
    case VALUE_REAL:
        set_real(table, column, *(const double *)field);
        break;
    case VALUE_VERDICT:
        table_cell(table, column, "%s", arm->is_baseline ? "baseline" : verdict_names[*(const enum verdict *)field]);
        break;
    }
}

static void print_rows(const struct comparison *comparison, enum output_format format)
{
    struct column columns[SHARED_COUNT + VALUE_COUNT];
    struct table table;
    memcpy(columns, shared_columns, sizeof shared_columns);
    for (int i = 0; i < VALUE_COUNT; i++)
        columns[SHARED_COUNT + i] = values[i].column;
    table_open(&table, columns, SHARED_COUNT + VALUE_COUNT);
    for (int a = 0; a < comparison->arm_count; a++) {
        table_row(&table);
        table_cell(&table, 0, "%s", comparison->view->name);
        table_cell(&table, 1, "%s", comparison->view->metric);
        table_cell(&table, 2, "%d", comparison->shared_count);
        table_cell(&table, 3, "%d", comparison->exploratory);
        for (int i = 0; i < VALUE_COUNT; i++)
            set_value(&table, SHARED_COUNT + i, &values[i], &comparison->arms[a]);
    }
    table_print(&table, format, stdout);
    table_close(&table);
}

// ---- For people -------------------------------------------------------------------------------------------------------------

static bool is_colourful(void)
{
    const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(refused && *refused) && terminal && strcmp(terminal, "dumb");
}

static void print_screen(const struct request *request, struct store *store, const struct comparison *comparison)
{
    struct repeat repeat;
    bool is_known = repeat_find(store, comparison->view, request->arena, &repeat);
    const struct compare_options *wanted = request->options;
    const char *page =
        arena_format(request->arena, "%s/report.html", page_folder(request->database, comparison->view->name, request->arena));
    const char *const next[] = {page, NULL};
    struct screen_options screen = {
        .width = terminal_columns(stdout, PAGE_COLUMNS),
        .colour = is_colourful(),
        .memory = wanted->memory,
        .parameters = wanted->parameters,
        .flops = wanted->flops,
        .time = wanted->time,
        .database = request_other_database(request),
        .again = request_again(request, repeat.set),
        .replicates = repeat.replicates,
        .is_changed = !is_known,
        .next = access(page, R_OK) == 0 ? next : NULL,
    };
    screen_print(comparison, &screen, stdout);
}

static bool run(const struct request *request, struct error *error)
{
    struct store *store;
    struct comparison comparison;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    bool done = comparison_open(store, request->words[0], request->arena, &comparison, error);
    if (done && request->format == OUTPUT_TEXT)
        print_screen(request, store, &comparison);
    else if (done)
        print_rows(&comparison, request->format);
    store_close(store);
    return done;
}

const struct verb verb_compare = {
    .name = "compare",
    .summary = "which arms of an experiment differ from its baseline, by how much, and how sure that is",
    .words_help = "FILE|NAME",
    .words_min = 1,
    .words_max = 1,
    .example = "ablate compare demo",
    .options = options,
    .options_size = sizeof(struct compare_options),
    .tables = true,
    .database = true,
    .run = run,
};
