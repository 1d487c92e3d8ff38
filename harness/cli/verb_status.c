// verb_status.c: `ablate status`: the experiments of the database and how far each is.
//
// A run that is marked `running` while nobody holds the writer's lock was interrupted: it counts as missing.
#include "cli/continuation.h"
#include "cli/table.h"
#include "store/view.h"

enum { NAME, ARMS, SEEDS, RUNS, FINISHED, DIVERGED, FAILED, RUNNING, MISSING, EXCLUDED, LOOKS, EXPERIMENT_FILE, COLUMN_COUNT };

static const struct column columns[] = {
    [NAME] = {.name = "experiment"},
    [ARMS] = {.name = "arms", .number = true},
    [SEEDS] = {.name = "seeds", .number = true},
    [RUNS] = {.name = "runs", .number = true},
    [FINISHED] = {.name = "finished", .number = true},
    [DIVERGED] = {.name = "diverged", .number = true},
    [FAILED] = {.name = "failed", .number = true},
    [RUNNING] = {.name = "running", .number = true},
    [MISSING] = {.name = "missing", .number = true},
    [EXCLUDED] = {.name = "excluded", .number = true},
    [LOOKS] = {.name = "looks", .number = true},
    [EXPERIMENT_FILE] = {.name = "file"},
};

struct tally {
    int states[RUN_FAILED + 1], excluded;
};

static struct tally count_states(const struct experiment_view *view)
{
    struct tally tally = {0};
    for (int i = 0; i < view->arm_count; i++)
        for (int j = 0; j < view->seed_count; j++) {
            tally.states[view->arms[i].runs[j].state]++;
            tally.excluded += view->arms[i].runs[j].exclusion != NULL;
        }
    return tally;
}

static bool add_row(struct table *table, const struct experiment_view *view, bool has_writer)
{
    struct tally tally = count_states(view);
    int running = has_writer ? tally.states[RUN_RUNNING] : 0;
    int missing = tally.states[RUN_PLANNED] + tally.states[RUN_RUNNING] - running;
    table_row(table);
    table_cell(table, NAME, "%s", view->name);
    table_cell(table, ARMS, "%d", view->arm_count);
    table_cell(table, SEEDS, "%d", view->seed_count);
    table_cell(table, RUNS, "%d", view->arm_count * view->seed_count);
    table_cell(table, FINISHED, "%d", tally.states[RUN_FINISHED]);
    table_cell(table, DIVERGED, "%d", tally.states[RUN_DIVERGED]);
    table_cell(table, FAILED, "%d", tally.states[RUN_FAILED]);
    table_cell(table, RUNNING, "%d", running);
    table_cell(table, MISSING, "%d", missing);
    table_cell(table, EXCLUDED, "%d", tally.excluded);
    table_cell(table, LOOKS, "%d", view->looks);
    table_cell(table, EXPERIMENT_FILE, "%s", view->file);
    return missing > 0 || tally.states[RUN_FAILED] > 0;
}

static bool fill(struct store *store, const struct request *request, struct table *table, int64_t writer,
                 struct experiment_view *unfinished, struct error *error)
{
    const char *const *names;
    bool done = view_experiments(store, request->arena, &names, error);
    for (; done && *names; names++) {
        struct experiment_view view;
        done = view_open(store, *names, request->arena, &view, error);
        if (done && add_row(table, &view, writer != 0) && !unfinished->file)
            *unfinished = view;
    }
    return done;
}

static void print_continuation(const struct request *request, struct store *store, const struct experiment_view *view)
{
    const char *words = continuation_words(request, store, view);
    if (words)
        printf("\nto go on: ablate run %s\n", words);
    else
        printf("\n%s: %s plans other runs by now (it was changed, or is not here)\n", view->name, view->file);
}

static bool run(const struct request *request, struct error *error)
{
    struct store *store;
    struct table table;
    struct experiment_view unfinished = {0};
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    int64_t writer = store_writer(request->database);
    table_open(&table, columns, COLUMN_COUNT);
    bool done = fill(store, request, &table, writer, &unfinished, error);
    if (done)
        table_print(&table, request->format, stdout);
    if (done && request->format == OUTPUT_TEXT && writer > 0)
        printf("\nprocess %lld is writing %s now\n", (long long)writer, request->database);
    else if (done && request->format == OUTPUT_TEXT && unfinished.file && !writer)
        print_continuation(request, store, &unfinished);
    table_close(&table);
    store_close(store);
    return done;
}

const struct verb verb_status = {
    .name = "status",
    .summary = "the experiments of the database and how far each is",
    .example = "ablate status",
    .tables = true,
    .database = true,
    .run = run,
};
