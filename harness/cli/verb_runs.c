// verb_runs.c: `ablate runs [EXPERIMENT]`: every run of the database, a line each; and the one place where a person leaves a
// run out of the comparisons, with the reason.
#include "cli/table.h"
#include "report/number.h"
#include "store/view.h"

#include <math.h>
#include <string.h>

struct runs_options {
    const char *metric, *exclude, *include, *reason;
};

static const struct option options[] = {
    {"metric", OPTION_TEXT, offsetof(struct runs_options, metric), .fallback = "val_loss", .unit = "NAME",
     .help = "the metric whose last value is shown"},
    {"exclude", OPTION_TEXT, offsetof(struct runs_options, exclude), .unit = "ID",
     .help = "leaves this run out of every comparison; needs --reason"},
    {"reason", OPTION_TEXT, offsetof(struct runs_options, reason), .unit = "TEXT", .help = "why, as reports will say"},
    {"include", OPTION_TEXT, offsetof(struct runs_options, include), .unit = "ID", .help = "takes an excluded run back in"},
    {0},
};

enum {
    ID,
    STATE,
    EXPERIMENTS,
    ARM,
    SEED,
    METRIC,
    PARAMETERS,
    SECONDS,
    SPEED,
    PEAK,
    ATTEMPTS,
    RESUMED,
    STARTED,
    COMMIT,
    SOURCE,
    NOTE,
    COLUMN_COUNT
};

static const struct column columns[COLUMN_COUNT] = {
    [ID] = {.name = "run"},
    [STATE] = {.name = "state"},
    [EXPERIMENTS] = {.name = "experiments", .wraps = true, .folds = true},
    [ARM] = {.name = "arm", .wraps = true},
    [SEED] = {.name = "seed", .number = true},
    [METRIC] = {.name = "metric", .number = true},
    [PARAMETERS] = {.name = "parameters", .heading = "params", .number = true},
    [SECONDS] = {.name = "seconds", .heading = "time", .number = true},
    [SPEED] = {.name = "tokens_per_s", .heading = "tok/s", .number = true},
    [PEAK] = {.name = "peak_bytes", .heading = "MiB", .number = true},
    [ATTEMPTS] = {.name = "attempts", .heading = "tries", .number = true, .usual = "1"},
    [RESUMED] = {.name = "resumed_from_step", .heading = "resumed", .number = true, .usual = "0"},
    [STARTED] = {.name = "started_at", .number = true},
    [COMMIT] = {.name = "commit", .folds = true},
    [SOURCE] = {.name = "started_from", .heading = "from"},
    [NOTE] = {.name = "note", .wraps = true},
};

// For people as `brief` writes it, where there is one, else in decimals; the number itself for programs.
static void add_number(struct table *table, int column, double value, struct number (*brief)(double), bool for_people)
{
    struct text text = {0};
    if (!isfinite(value))
        return;
    if (for_people && brief)
        text_add(&text, "%s", brief(value).text);
    else if (for_people)
        text_add(&text, "%.*f", column == METRIC ? 4 : 0, value);
    else
        text_add_real(&text, value);
    table_cell(table, column, "%s", text.data);
    text_free(&text);
}

static void add_note(struct table *table, const struct run_row *row)
{
    if (row->run.exclusion)
        table_cell(table, NOTE, "excluded: %s", row->run.exclusion);
    else if (row->failure)
        table_cell(table, NOTE, "%s", row->failure);
    else if (row->run.state == RUN_DIVERGED)
        table_cell(table, NOTE, "diverged at step %lld", (long long)row->run.diverged_at);
}

static void add_row(struct table *table, const struct run_row *row, double metric, bool for_people)
{
    table_row(table);
    table_cell(table, ID, "%s", row->run.id);
    table_cell(table, STATE, "%s", run_state_names[row->run.state]);
    table_cell(table, EXPERIMENTS, "%s", row->experiments);
    table_cell(table, ARM, "%s", row->arm);
    table_cell(table, SEED, "%lld", (long long)row->run.seed);
    add_number(table, METRIC, metric, NULL, for_people);
    if (row->run.parameters)
        add_number(table, PARAMETERS, (double)row->run.parameters, number_count, for_people);
    add_number(table, SECONDS, row->run.seconds, number_duration, for_people);
    add_number(table, SPEED, row->run.tokens_per_s, number_count, for_people);
    add_number(table, PEAK, for_people ? row->run.peak_bytes / 1048576 : row->run.peak_bytes, NULL, for_people);
    table_cell(table, ATTEMPTS, "%lld", (long long)row->attempts);
    table_cell(table, RESUMED, "%lld", (long long)row->resumed_from_step);
    if (row->started_at && !for_people) // who reads the rows in the order of their starts
        table_cell(table, STARTED, "%lld", (long long)row->started_at);
    table_cell(table, COMMIT, "%s", row->commit);
    if (row->started_from)
        table_cell(table, SOURCE, "%s", row->started_from);
    add_note(table, row);
}

static bool print_runs(const struct request *request, const struct runs_options *chosen, struct error *error)
{
    struct store *store;
    struct column shown[COLUMN_COUNT];
    struct table table;
    const struct run_row *rows;
    int count;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    memcpy(shown, columns, sizeof shown);
    shown[METRIC].name = chosen->metric;
    table_open(&table, shown, COLUMN_COUNT);
    bool done = view_runs(store, request->words[0], request->arena, &count, &rows, error);
    for (int i = 0; done && i < count; i++) {
        double metric;
        done = view_final(store, rows[i].run.id, chosen->metric, &metric, error);
        if (done)
            add_row(&table, &rows[i], metric, request->format == OUTPUT_TEXT);
    }
    if (done && count == 0 && request->words[0])
        done = error_request(error, "%s: no runs of an experiment \"%s\". See: ablate status", request->database,
                             request->words[0]);
    if (done)
        table_print(&table, request->format, stdout);
    table_close(&table);
    store_close(store);
    return done;
}

static bool change_exclusion(const struct request *request, const struct runs_options *chosen, struct error *error)
{
    struct store *store;
    if (*chosen->exclude && !*chosen->reason)
        return error_request(error, "ablate runs: --exclude needs --reason TEXT, which reports will print");
    if (!store_open(&store, request->database, STORE_WRITE, error))
        return false;
    bool done = true;
    if (*chosen->exclude)
        done = store_run_exclude(store, chosen->exclude, chosen->reason, error);
    if (done && *chosen->include)
        done = store_run_exclude(store, chosen->include, NULL, error);
    store_close(store);
    return done;
}

static bool run(const struct request *request, struct error *error)
{
    const struct runs_options *chosen = request->options;
    if (*chosen->exclude || *chosen->include)
        return change_exclusion(request, chosen, error);
    return print_runs(request, chosen, error);
}

const struct verb verb_runs = {
    .name = "runs",
    .summary = "every run of the database",
    .words_help = "[EXPERIMENT]",
    .words_max = 1,
    .example = "ablate runs --csv",
    .options = options,
    .options_size = sizeof(struct runs_options),
    .tables = true,
    .database = true,
    .run = run,
};
