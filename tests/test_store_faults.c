// test_store_faults.c: the n-th write, sync, truncation or allocation inside SQLite does not work, for every n until none
// fails.
//
// Afterwards the same command continues, and the database equals an undisturbed one. The file calls are SQLite's own, with a
// countdown in front of those that change something.
#include "fixture_store.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(store_faults, .init = store_folder_open, .fini = store_folder_close, .timeout = 120);

static long countdown; // 1: the next call fails; 0 or less: none does
static bool failed;

static bool fails_now(void)
{
    if (countdown <= 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

// ---- Files ------------------------------------------------------------------------------------------------------------------

// SQLite has a kind for databases, with locks, and one for logs and journals.
struct kind {
    sqlite3_io_methods faulty; // first: what a file points to
    const sqlite3_io_methods *original;
};
enum { KINDS_MAX = 4 };
static struct kind kinds[KINDS_MAX];
static int (*original_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static const sqlite3_io_methods *original(const sqlite3_file *file) { return ((const struct kind *)file->pMethods)->original; }

static int faulty_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    return fails_now() ? SQLITE_FULL : original(file)->xWrite(file, bytes, count, offset);
}
static int faulty_sync(sqlite3_file *file, int flags)
{
    return fails_now() ? SQLITE_IOERR_FSYNC : original(file)->xSync(file, flags);
}
static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails_now() ? SQLITE_IOERR_TRUNCATE : original(file)->xTruncate(file, size);
}
static void make_faulty(sqlite3_file *file)
{
    int i = 0;
    while (i < KINDS_MAX && kinds[i].original && kinds[i].original != file->pMethods)
        i++;
    cr_assert_lt(i, KINDS_MAX);
    struct kind *kind = &kinds[i];
    kind->original = file->pMethods;
    kind->faulty = *kind->original;
    kind->faulty.xWrite = faulty_write;
    kind->faulty.xSync = faulty_sync;
    kind->faulty.xTruncate = faulty_truncate;
    file->pMethods = &kind->faulty;
}
static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    if ((flags & SQLITE_OPEN_CREATE) && fails_now())
        return SQLITE_CANTOPEN;
    int result = original_open(vfs, name, file, flags, flags_out);
    if (result == SQLITE_OK && file->pMethods)
        make_faulty(file);
    return result;
}

static void make_files_faulty(void)
{
    static sqlite3_vfs vfs;
    vfs = *sqlite3_vfs_find(NULL);
    original_open = vfs.xOpen;
    vfs.xOpen = faulty_open;
    vfs.zName = "faulty";
    cr_assert_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

// ---- Memory -----------------------------------------------------------------------------------------------------------------

static sqlite3_mem_methods memory;
static void *faulty_malloc(int size) { return fails_now() ? NULL : memory.xMalloc(size); }
static void *faulty_realloc(void *block, int size) { return fails_now() ? NULL : memory.xRealloc(block, size); }

static void make_memory_faulty(void)
{
    sqlite3_mem_methods methods;
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), SQLITE_OK);
    methods = memory;
    methods.xMalloc = faulty_malloc;
    methods.xRealloc = faulty_realloc;
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    // Small blocks would come from a pool that never asks.
    cr_assert_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

// ---- A command, disturbed and undisturbed -----------------------------------------------------------------------------------

// What a runner does: open, save, one run from start to end.
static bool command(struct error *error)
{
    struct store *store;
    static const struct store_metric metrics[] = {{1, "train_loss", 3}, {2, "train_loss", 2.5}, {2, "val_loss", 2}};
    static const struct fact facts[] = {{"commit", "abc"}, {NULL, NULL}};
    const struct store_begin begin = {.parameters = 5, .flops = 2, .facts = facts};
    const struct store_batch batch = {.metric_count = 3, .metrics = metrics};
    const struct store_end end = {.diverged_at = -1, .seconds = 1, .tokens_per_s = 10, .peak_bytes = 1};
    const char *id = small_id(0, 1);
    if (!store_open(&store, store_path, STORE_WRITE, error))
        return false;
    bool done = store_experiment_save(store, small_experiment("small", "text", 1, 2), error) &&
                store_run_start(store, id, false, error) && store_run_begin(store, id, &begin, error) &&
                store_rows(store, id, &batch, error) && store_sync(store, error) && store_run_end(store, id, &end, error);
    store_close(store);
    return done;
}

// Everything but times and attempts, which differ by their nature.
static char *contents(void)
{
    return sql_text(
        store_path,
        "SELECT 'runs', id, state, seed, parameters, flops, seconds, tokens_per_s, program_commit, failure FROM runs "
        "UNION ALL SELECT 'metrics', run, step, name, value, non_finite, 0, 0, 0, 0 FROM metrics "
        "UNION ALL SELECT 'options', run, key, value, is_default, 0, 0, 0, 0, 0 FROM options "
        "UNION ALL SELECT 'facts', run, name, value, 0, 0, 0, 0, 0, 0 FROM provenance "
        "UNION ALL SELECT 'experiments', name, version, turn, hash, text, looks, arms, seeds, metric FROM experiments "
        "UNION ALL SELECT 'arms', experiment, version, position, arm, differs, seed, run, 0, 0 FROM arms "
        "ORDER BY 1, 2, 3, 4, 5");
}

static void remove_database(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", store_path, endings[i]);
        unlink(path);
    }
}

// `next` says which call to try after the n-th.
static void disturb_every_call(long (*next)(long))
{
    struct error error = {0};
    cr_assert(command(&error), "%s", error.text);
    char *undisturbed = contents();
    long n = 1, silent = 0;
    for (;; n = next(n)) {
        struct error first = {0}, second = {0};
        remove_database();
        countdown = n;
        failed = false;
        bool done = command(&first);
        bool was_disturbed = failed;
        countdown = 0;
        if (!was_disturbed)
            break;
        silent += done;
        cr_expect(done || (first.count == 1 && strstr(first.text, store_folder)), "call %ld: not one line that names it: %s", n,
                  first.text);
        cr_expect(command(&second), "call %ld: the same command does not continue: %s", n, second.text);
        char *now = contents();
        cr_expect_str_eq(now, undisturbed, "call %ld left another database", n);
        free(now);
    }
    cr_expect_gt(n, 20, "only %ld calls were disturbed", n);
    cr_expect_gt(n - silent, 10, "the faults were not felt");
    free(undisturbed);
}

static long every(long n) { return n + 1; }
// Thousands of allocations: all of the first ones, then ever wider apart.
static long thinner(long n) { return n + 1 + n / 16; }

Test(store_faults, any_file_call_may_fail)
{
    make_files_faulty();
    disturb_every_call(every);
}

// A checkpoint lies past what it was told is safe: the disk must have been asked, also where nothing was written since.
Test(store_faults, a_sync_reaches_the_disk)
{
    struct error error = {0};
    make_files_faulty();
    struct store *store = must_make();
    for (int again = 0; again < 2; again++) {
        countdown = 1;
        error = (struct error){0};
        cr_expect(!store_sync(store, &error), "the sync that fails was not asked for, time %d", again);
        cr_expect(error.count == 1 && strstr(error.text, store_path), "%s", error.text);
        countdown = 0;
        cr_expect(store_sync(store, &error), "%s", error.text);
    }
    store_close(store);
}

Test(store_faults, any_allocation_may_fail)
{
    make_memory_faulty();
    disturb_every_call(thinner);
}
