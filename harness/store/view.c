// view.c: reads an experiment as one snapshot: its newest version, its arms, and the run of every (arm, seed).
//
// What stands in the database is checked before it is believed: positions lie within the counts, states and ids are known.
#include "store/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/database.h"

static const char *copy_or_null(const struct query *query, int column, struct arena *arena)
{
    return query_is_null(query, column) ? NULL : arena_copy_text(arena, query_text(query, column));
}

static int64_t count_rows(struct store *store, const char *sql, int64_t version, struct error *error)
{
    struct query query;
    query_open(&query, store, error, sql, "i", version);
    int64_t count = query_next(&query) ? query_int(&query, 0) : -1;
    return query_close(&query) ? count : -1;
}

// ---- Which experiment -------------------------------------------------------------------------------------------------------

static bool refuse_name(struct store *store, const char *name, struct error *error)
{
    struct query query;
    struct nearest nearest;
    struct arena arena = {0};
    nearest_open(&nearest, name);
    query_open(&query, store, error, "SELECT DISTINCT name FROM experiment", "");
    while (query_next(&query))
        nearest_offer(&nearest, arena_copy_text(&arena, query_text(&query, 0)));
    if (query_close(&query))
        error_request(error, "%s: no experiment \"%s\"%s See: ablate status", store->path, name,
                      nearest_suggestion(&nearest).text);
    arena_close(&arena);
    return false;
}

// Fills what the experiment's own row says. The version's number; 0 after an error.
static int64_t read_experiment(struct store *store, const char *name, struct arena *arena, struct experiment_view *view,
                               struct error *error)
{
    struct query query;
    int64_t version = 0;
    query_open(&query, store, error,
               "SELECT number, name, description, file, hash, text, metric, maximize, margin, looks, match, "
               "extension_declared FROM experiment "
               "WHERE name = ?1 OR file = ?1 ORDER BY name = ?1 DESC, turn DESC LIMIT 1",
               "t", name);
    if (query_next(&query)) {
        version = query_int(&query, 0);
        *view = (struct experiment_view){
            .name = arena_copy_text(arena, query_text(&query, 1)),
            .description = arena_copy_text(arena, query_text(&query, 2)),
            .file = arena_copy_text(arena, query_text(&query, 3)),
            .hash = arena_copy_text(arena, query_text(&query, 4)),
            .text = arena_copy_text(arena, query_text(&query, 5)),
            .metric = arena_copy_text(arena, query_text(&query, 6)),
            .maximize = query_int(&query, 7) != 0,
            .margin = query_real(&query, 8),
            .looks = (int)query_int(&query, 9),
            .match = copy_or_null(&query, 10, arena),
            .extension_declared = query_int(&query, 11) != 0,
        };
    }
    if (!query_close(&query))
        return 0;
    if (!version)
        refuse_name(store, name, error);
    return version;
}

// A version is declared when the first one of its name with the same metric, goal, margin and baseline (the same runs where
// both have a seed) is stored. Counts the runs that an older version of the name had and that were over by then; runs which
// another experiment finished alone do not count: the margin was declared at this one's own start. Times are whole seconds: a
// run that ended in the second of the declaration counts as ended before it.
static bool read_declaration(struct store *store, int64_t version, struct experiment_view *view, struct error *error)
{
    static const char sql[] =
        "WITH own AS (SELECT * FROM experiment WHERE number = ?), declared AS (SELECT min(same.number) AS number, "
        "min(same.stored_at) AS stored_at FROM experiment AS same JOIN own ON same.name = own.name AND same.metric = "
        "own.metric "
        "AND same.maximize = own.maximize AND same.margin IS own.margin WHERE NOT EXISTS (SELECT 1 FROM arm_run AS mine JOIN "
        "arm_run AS theirs USING (arm, seed) WHERE arm = 0 AND mine.experiment = own.number AND theirs.experiment = "
        "same.number "
        "AND mine.run <> theirs.run)) "
        "SELECT count(DISTINCT mine.run) FROM own JOIN declared JOIN arm_run AS mine ON mine.experiment = own.number "
        "JOIN run ON run.number = mine.run JOIN arm_run AS theirs ON theirs.run = mine.run "
        "JOIN experiment AS older ON older.number = theirs.experiment AND older.name = own.name "
        "WHERE older.number < declared.number AND run.state IN ('finished', 'diverged') "
        "AND run.finished_at <= declared.stored_at";
    int64_t count = count_rows(store, sql, version, error);
    view->declared_after = (int)count;
    return count >= 0;
}

// ---- Its arms and runs ------------------------------------------------------------------------------------------------------

static bool read_seeds(struct store *store, int64_t version, struct arena *arena, struct experiment_view *view,
                       struct error *error)
{
    struct query query;
    int64_t count = count_rows(store, "SELECT count(DISTINCT seed) FROM arm_run WHERE experiment = ?", version, error);
    if (count < 0)
        return false;
    view->seeds = arena_allocate(arena, (size_t)count, sizeof *view->seeds);
    query_open(&query, store, error, "SELECT DISTINCT seed FROM arm_run WHERE experiment = ? ORDER BY seed", "i", version);
    while (view->seed_count < count && query_next(&query))
        view->seeds[view->seed_count++] = query_int(&query, 0);
    return query_close(&query);
}

static bool read_arms(struct store *store, int64_t version, struct arena *arena, struct experiment_view *view,
                      struct error *error)
{
    struct query query;
    double left = 0;
    int64_t count = count_rows(store, "SELECT count(*) FROM arm WHERE experiment = ?", version, error);
    if (count < 0)
        return false;
    view->arms = arena_allocate(arena, (size_t)count, sizeof *view->arms);
    query_open(&query, store, error,
               "SELECT name, differs, is_placebo, match_left FROM arm WHERE experiment = ? ORDER BY position", "i", version);
    while (view->arm_count < count && query_next(&query)) {
        struct arm_view *arm = &view->arms[view->arm_count++];
        *arm = (struct arm_view){
            .name = arena_copy_text(arena, query_text(&query, 0)),
            .differs = arena_copy_text(arena, query_text(&query, 1)),
            .is_placebo = query_int(&query, 2) != 0,
            .runs = arena_allocate(arena, (size_t)view->seed_count, sizeof *arm->runs),
        };
        for (int j = 0; j < view->seed_count; j++)
            arm->runs[j] = (struct run_view){.seed = view->seeds[j], .diverged_at = -1, .floor = NAN};
        left = fmax(left, fabs(query_real(&query, 3)));
    }
    if (view->match)
        view->match = arena_format(arena, "%s, at most %.2g%% left", view->match, 100 * left);
    return query_close(&query);
}

// What read_run reads, in its order.
#define RUN_COLUMNS                                                                                                            \
    "id, state, diverged_at, parameters, parameters_without_embeddings, flops, planned_bytes, peak_bytes, seconds, "           \
    "tokens_per_s, shared_machine, exclusion, "                                                                                \
    "(SELECT value FROM metric WHERE metric.run = number AND name = 'floor' ORDER BY step DESC LIMIT 1)"
enum { RUN_COLUMN_COUNT = 13 };

static void read_run(const struct query *query, struct arena *arena, struct run_view *run)
{
    const char *state = query_text(query, 1);
    snprintf(run->id, sizeof run->id, "%s", query_text(query, 0));
    for (int i = 0; run_state_names[i]; i++)
        if (!strcmp(run_state_names[i], state))
            run->state = (enum run_state)i;
    run->diverged_at = query_is_null(query, 2) ? -1 : query_int(query, 2);
    run->parameters = query_int(query, 3);
    run->parameters_without_embeddings = query_int(query, 4);
    run->flops = query_real(query, 5);
    run->planned_bytes = query_real(query, 6);
    run->peak_bytes = query_real(query, 7);
    run->seconds = query_real(query, 8);
    run->tokens_per_s = query_real(query, 9);
    run->shared_machine = query_int(query, 10) != 0;
    run->exclusion = copy_or_null(query, 11, arena);
    run->floor = query_real(query, 12);
}

static bool read_runs(struct store *store, int64_t version, struct arena *arena, const struct experiment_view *view,
                      struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "SELECT " RUN_COLUMNS
               ", arm, arm_run.seed FROM arm_run JOIN run ON run.number = arm_run.run WHERE experiment = ?",
               "i", version);
    while (query_next(&query)) {
        int64_t arm = query_int(&query, RUN_COLUMN_COUNT), seed = query_int(&query, RUN_COLUMN_COUNT + 1);
        for (int j = 0; arm >= 0 && arm < view->arm_count && j < view->seed_count; j++)
            if (view->seeds[j] == seed)
                read_run(&query, arena, &view->arms[arm].runs[j]);
    }
    return query_close(&query);
}

bool view_open(struct store *store, const char *experiment, struct arena *arena, struct experiment_view *view,
               struct error *error)
{
    *view = (struct experiment_view){0};
    if (!store_start(store, error))
        return false;
    int64_t version = read_experiment(store, experiment, arena, view, error);
    bool done = version && read_declaration(store, version, view, error) && read_seeds(store, version, arena, view, error) &&
                read_arms(store, version, arena, view, error) && read_runs(store, version, arena, view, error);
    return store_finish(store, done, error);
}

bool view_experiments(struct store *store, struct arena *arena, const char *const **names, struct error *error)
{
    struct query query;
    size_t count = 0, capacity = 0;
    const char **list = NULL;
    query_open(&query, store, error, "SELECT name FROM experiment GROUP BY name ORDER BY max(turn) DESC", "");
    while (query_next(&query)) {
        if (count == capacity)
            list = memory_resize(list, capacity = capacity ? 2 * capacity : 16, sizeof *list);
        list[count++] = arena_copy_text(arena, query_text(&query, 0));
    }
    const char **kept = arena_allocate(arena, count + 1, sizeof *kept);
    if (count)
        memcpy(kept, list, count * sizeof *kept);
    free(list);
    *names = kept;
    return query_close(&query);
}

static void read_row(const struct query *query, struct arena *arena, struct run_row *row)
{
    int next = RUN_COLUMN_COUNT;
    *row = (struct run_row){0};
    read_run(query, arena, &row->run);
    row->run.seed = query_int(query, next++);
    row->attempts = query_int(query, next++);
    row->resumed_from_step = query_int(query, next++);
    row->started_at = query_int(query, next++);
    row->failure = copy_or_null(query, next++, arena);
    row->commit = arena_copy_text(arena, query_text(query, next++));
    row->started_from = copy_or_null(query, next++, arena);
    row->experiments = arena_copy_text(arena, query_text(query, next++));
    row->arm = arena_copy_text(arena, query_text(query, next++));
}

bool view_runs(struct store *store, const char *experiment, struct arena *arena, int *count, const struct run_row **rows,
               struct error *error)
{
    static const char sql[] =
        "SELECT " RUN_COLUMNS ", seed, attempts, resumed_from_step, started_at, failure, "
        "(SELECT program_commit FROM runs WHERE runs.id = run.id), (SELECT started_from FROM runs WHERE runs.id = run.id), "
        "(SELECT group_concat(name, ', ') FROM (SELECT DISTINCT name FROM experiment JOIN arm_run ON experiment = "
        "experiment.number WHERE arm_run.run = run.number ORDER BY name)), "
        "(SELECT arm.name FROM arm_run JOIN arm ON arm.experiment = arm_run.experiment AND arm.position = arm_run.arm "
        "JOIN experiment ON experiment.number = arm.experiment WHERE arm_run.run = run.number AND (?1 IS NULL OR "
        "experiment.name = ?1) ORDER BY turn DESC LIMIT 1) "
        "FROM run WHERE ?1 IS NULL OR number IN (SELECT arm_run.run FROM arm_run JOIN experiment ON experiment.number = "
        "arm_run.experiment WHERE experiment.name = ?1) ORDER BY number";
    struct query query;
    size_t found = 0, capacity = 0;
    struct run_row *list = NULL;
    query_open(&query, store, error, sql, "t", experiment);
    while (query_next(&query)) {
        if (found == capacity)
            list = memory_resize(list, capacity = capacity ? 2 * capacity : 64, sizeof *list);
        read_row(&query, arena, &list[found++]);
    }
    struct run_row *kept = arena_allocate(arena, found, sizeof *kept);
    if (found)
        memcpy(kept, list, found * sizeof *kept);
    free(list);
    *count = (int)found;
    *rows = kept;
    return query_close(&query);
}
