// store_experiment.c: stores an experiment and plans its runs, before the first of them is started.
//
// An experiment is a view over runs: it holds which run each (arm, seed) is, and experiments share runs. The same file with the
// same arms only grows by seeds, which is another look at the same comparison; anything else is a new version.
#include "store/database.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

// ---- Runs -------------------------------------------------------------------------------------------------------------------

struct option_rows {
    struct query query;
    int64_t run, position;
};

static void write_option(void *context, const char *key, const char *value, bool is_default)
{
    struct option_rows *rows = context;
    query_again(&rows->query, "iitti", rows->run, rows->position++, key, value, (int64_t)is_default);
    query_next(&rows->query);
}

// Returns the run's number; 0 after an error. `run` carries its seed. A run that is known stays as it is.
static int64_t plan_run(struct store *store, const char *id, const struct run *run, struct error *error)
{
    struct query query;
    int64_t number = 0;
    query_open(&query, store, error, "SELECT number FROM run WHERE id = ?", "t", id);
    if (query_next(&query))
        number = query_int(&query, 0);
    if (!query_close(&query) || number)
        return number;
    if (!store_change(store, error, "INSERT INTO run (id, state, seed, planned_at) VALUES (?, 'planned', ?, ?)", "tii", id,
                      run->seed, clock_unix()))
        return 0;
    struct option_rows rows = {.run = sqlite3_last_insert_rowid(store->database)};
    query_open(&rows.query, store, error,
               "INSERT INTO run_option (run, position, key, value, is_default) VALUES (?, ?, ?, ?, ?)", "");
    run_visit(run, write_option, &rows);
    return query_close(&rows.query) ? rows.run : 0;
}

// ---- Versions ---------------------------------------------------------------------------------------------------------------

struct version {
    int64_t number, turn, looks; // number 0: none
};

// The arms of a version are the experiment's, name by name.
static bool same_arms(struct store *store, int64_t version, const struct store_experiment *experiment, bool *same,
                      struct error *error)
{
    struct query query;
    int count = 0;
    *same = true;
    query_open(&query, store, error, "SELECT name, differs, is_placebo FROM arm WHERE experiment = ? ORDER BY position", "i",
               version);
    while (query_next(&query)) {
        const struct store_arm *arm = count < experiment->arm_count ? &experiment->arms[count] : NULL;
        *same = *same && arm && !strcmp(arm->name, query_text(&query, 0)) && !strcmp(arm->differs, query_text(&query, 1)) &&
                arm->is_placebo == (query_int(&query, 2) != 0);
        count++;
    }
    *same = *same && count == experiment->arm_count;
    return query_close(&query);
}

// Of the experiment's (arm, seed) pairs: how many the version holds with the same run, and with another.
static bool count_shared(struct store *store, int64_t version, const struct store_experiment *experiment, int *same, int *other,
                         struct error *error)
{
    struct query query;
    *same = *other = 0;
    query_open(&query, store, error,
               "SELECT id FROM arm_run JOIN run ON run.number = arm_run.run WHERE experiment = ? AND arm = ? AND "
               "arm_run.seed = ?",
               "");
    for (int64_t i = 0; i < experiment->arm_count; i++) {
        for (int j = 0; j < experiment->seed_count; j++) {
            query_again(&query, "iii", version, i, experiment->seeds[j]);
            if (!query_next(&query))
                continue;
            if (strcmp(query_text(&query, 0), experiment->arms[i].ids[j]) == 0)
                ++*same;
            else
                ++*other;
        }
    }
    return query_close(&query);
}

// The version that this experiment continues, and the newest of its name.
static bool find_versions(struct store *store, const struct store_experiment *experiment, struct version *continued,
                          struct version *newest, struct error *error)
{
    struct query query;
    bool done = true;
    *continued = *newest = (struct version){0};
    query_open(&query, store, error, "SELECT number, turn, looks, hash FROM experiment WHERE name = ? ORDER BY turn DESC", "t",
               experiment->name);
    while (done && !continued->number && query_next(&query)) {
        struct version version = {query_int(&query, 0), query_int(&query, 1), query_int(&query, 2)};
        bool arms_same = false;
        int same = 0, other = 0;
        if (!newest->number)
            *newest = version;
        if (strcmp(query_text(&query, 3), experiment->hash) != 0)
            continue;
        done = same_arms(store, version.number, experiment, &arms_same, error) &&
               count_shared(store, version.number, experiment, &same, &other, error);
        if (arms_same && same > 0 && other == 0)
            *continued = version;
    }
    return query_close(&query) && done;
}

// How many of the experiment's seeds a version does not hold yet.
static bool count_new_seeds(struct store *store, int64_t version, const struct store_experiment *experiment, int *count,
                            struct error *error)
{
    struct query query;
    *count = 0;
    query_open(&query, store, error, "SELECT 1 FROM arm_run WHERE experiment = ? AND seed = ?", "");
    for (int j = 0; j < experiment->seed_count; j++) {
        query_again(&query, "ii", version, experiment->seeds[j]);
        *count += !query_next(&query);
    }
    return query_close(&query);
}

// Looks already taken at this comparison: those of the newest version, where it shares runs, and one more when seeds come on
// top.
static bool count_looks(struct store *store, const struct version *before, const struct store_experiment *experiment,
                        int64_t *looks, struct error *error)
{
    int same = 0, other = 0, new_seeds = 0;
    *looks = 1;
    if (!before->number)
        return true;
    if (!count_shared(store, before->number, experiment, &same, &other, error) ||
        !count_new_seeds(store, before->number, experiment, &new_seeds, error))
        return false;
    if (same > 0)
        *looks = before->looks + (new_seeds > 0);
    return true;
}

static int64_t newest_turn(struct store *store, struct error *error)
{
    struct query query;
    query_open(&query, store, error, "SELECT coalesce(max(turn), 0) FROM experiment", "");
    int64_t turn = query_next(&query) ? query_int(&query, 0) : -1;
    return query_close(&query) ? turn : -1;
}

static bool insert_arms(struct store *store, int64_t version, const struct store_experiment *experiment, struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "INSERT INTO arm (experiment, position, name, differs, is_placebo, match_left) VALUES (?, ?, ?, ?, ?, ?)", "");
    for (int64_t i = 0; i < experiment->arm_count; i++) {
        const struct store_arm *arm = &experiment->arms[i];
        query_again(&query, "iittir", version, i, arm->name, arm->differs, (int64_t)arm->is_placebo, arm->match_left);
        query_next(&query);
    }
    return query_close(&query);
}

static int64_t insert_version(struct store *store, const struct store_experiment *experiment, int64_t turn, int64_t looks,
                              struct error *error)
{
    bool done =
        store_change(store, error,
                     "INSERT INTO experiment (name, file, hash, text, description, lecture, metric, maximize, margin, "
                     "match, stored_at, turn, looks, extension_declared) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "tttttttirtiiii", experiment->name, experiment->file, experiment->hash, experiment->text,
                     experiment->description, experiment->lecture, experiment->metric, (int64_t)experiment->maximize,
                     experiment->margin, experiment->match, clock_unix(), turn, looks, (int64_t)experiment->extension_declared);
    int64_t number = sqlite3_last_insert_rowid(store->database);
    return done && insert_arms(store, number, experiment, error) ? number : 0;
}

// Finds or makes the version and says its number; 0 after an error. A command that is repeated changes nothing.
static int64_t save_version(struct store *store, const struct store_experiment *experiment, struct error *error)
{
    struct version continued, newest;
    int64_t turn, looks;
    if (!find_versions(store, experiment, &continued, &newest, error) || (turn = newest_turn(store, error)) < 0 ||
        !count_looks(store, continued.number ? &continued : &newest, experiment, &looks, error))
        return 0;
    if (!continued.number)
        return insert_version(store, experiment, turn + 1, looks, error);
    if (continued.turn == turn)
        turn--;
    // Going beyond what was declared once is not forgotten when a later look keeps to it.
    return store_change(
               store, error,
               "UPDATE experiment SET turn = ?, looks = ?, extension_declared = min(extension_declared, ?) WHERE number = ?",
               "iiii", turn + 1, looks, (int64_t)experiment->extension_declared, continued.number)
               ? continued.number
               : 0;
}

// ---- Both together ----------------------------------------------------------------------------------------------------------

static bool save_runs(struct store *store, int64_t version, const struct store_experiment *experiment, struct error *error)
{
    struct run *run = memory_allocate(1, sizeof *run);
    struct query query;
    bool done = true;
    query_open(&query, store, error,
               "INSERT INTO arm_run (experiment, arm, seed, run) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", "");
    for (int64_t i = 0; done && i < experiment->arm_count; i++) {
        const struct store_arm *arm = &experiment->arms[i];
        *run = *arm->run;
        for (int j = 0; done && j < experiment->seed_count; j++) {
            run->seed = experiment->seeds[j];
            if (arm->inits && arm->inits[j])
                run->slots[SLOT_INIT].choices[0] = *arm->inits[j];
            int64_t number = plan_run(store, arm->ids[j], run, error);
            done = number != 0;
            if (done) {
                query_again(&query, "iiii", version, i, experiment->seeds[j], number);
                query_next(&query);
            }
        }
    }
    free(run);
    return query_close(&query) && done;
}

// The same path, or another way to write it.
static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return !strcmp(a, b) ||
           (stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

bool store_experiment_check(struct store *store, const char *name, const char *file, struct error *error)
{
    struct query query;
    bool is_other = false;
    query_open(&query, store, error, "SELECT file FROM experiment WHERE name = ? ORDER BY turn DESC LIMIT 1", "t", name);
    if (query_next(&query)) {
        const char *stored = query_text(&query, 0);
        is_other = !is_same_file(stored, file) && access(stored, F_OK) == 0;
        if (is_other)
            error_request(error, "%s: \"%s\" is %s in this database; choose another name: or another --db", file, name, stored);
    }
    return query_close(&query) && !is_other;
}

bool store_experiment_save(struct store *store, const struct store_experiment *experiment, struct error *error)
{
    if (!store_start(store, error))
        return false;
    bool is_free = store_experiment_check(store, experiment->name, experiment->file, error);
    int64_t version = is_free ? save_version(store, experiment, error) : 0;
    return store_finish(store, version && save_runs(store, version, experiment, error), error);
}
