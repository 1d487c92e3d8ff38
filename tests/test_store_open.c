// test_store_open.c: a path on the command line may name anything. It is opened as a database of ablate, or refused by one line
// that names it, and then its bytes are as before.
#include "fixture_store.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(store_open, .init = store_folder_open, .fini = store_folder_close, .timeout = 30);

static void expect_refused(enum store_mode mode, const char *words, bool is_request)
{
    struct store *store;
    struct error error = {0};
    bool opened = store_open(&store, store_path, mode, &error);
    cr_expect(!opened, "opened in mode %d although it should be refused: %s", mode, words);
    cr_expect_null(store);
    cr_expect(strstr(error.text, words) && strstr(error.text, store_folder), "expected \"%s\" in: %s", words, error.text);
    cr_expect_eq(error.count, 1, "not one line: %s", error.text);
    cr_expect_eq(error.is_request, is_request, "wrong exit status for: %s", error.text);
    store_close(store);
}

// Both modes refuse the file and leave it as it is.
static void expect_untouched(const char *words)
{
    char before[HASH_TEXT_SIZE], after[HASH_TEXT_SIZE];
    char lock[128];
    file_fingerprint(store_path, before);
    expect_refused(STORE_READ, words, true);
    expect_refused(STORE_WRITE, words, true);
    file_fingerprint(store_path, after);
    cr_expect_str_eq(before, after, "the refused file was changed");
    snprintf(lock, sizeof lock, "%s.lock", store_path);
    cr_expect(access(lock, F_OK), "a lock was left beside a refused file");
}

static void write_file(const void *bytes, size_t count)
{
    FILE *file = fopen(store_path, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, count, file), count);
    cr_assert_eq(fclose(file), 0);
}

static void change_by_sql(const char *sql)
{
    char *unused = sql_text(store_path, sql);
    free(unused);
}

// A closed database stands in one file.
static void make_closed(void) { store_close(must_make()); }

// A misspelt --db must not leave an empty database behind.
Test(store_open, reading_makes_no_file)
{
    expect_refused(STORE_READ, "no database is there yet", true);
    cr_expect(access(store_path, F_OK), "reading made the file");
}

Test(store_open, makes_the_folders_of_a_new_database)
{
    struct store *store;
    struct error error = {0};
    snprintf(store_path, sizeof store_path, "%s/a/b/runs.db", store_folder);
    cr_assert(store_open(&store, store_path, STORE_WRITE, &error), "%s", error.text);
    store_close(store);
    cr_expect(!access(store_path, F_OK));
}

// '%', '?' and '#' mean something in the addresses that readers open.
Test(store_open, any_file_name_is_itself)
{
    snprintf(store_path, sizeof store_path, "%s/a%%41?mode=rw#b c.db", store_folder);
    store_close(must_make());
    cr_expect(!access(store_path, F_OK), "the file has another name");
    store_close(must_open(STORE_READ));
}

Test(store_open, refuses_a_text_file)
{
    write_file("name: demo\nmethod: grid\n", 24);
    expect_untouched("not a database");
}

// Longer than a header, so that the magic alone decides.
Test(store_open, refuses_bytes)
{
    unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 131 >> 3);
    write_file(bytes, sizeof bytes);
    expect_untouched("not a database");
}

Test(store_open, refuses_a_folder)
{
    cr_assert_eq(mkdir(store_path, 0777), 0);
    expect_refused(STORE_READ, "not a file", true);
    expect_refused(STORE_WRITE, "not a file", true);
}

// A pipe would let open() wait for ever.
Test(store_open, refuses_a_pipe)
{
    cr_assert_eq(mkfifo(store_path, 0666), 0);
    expect_refused(STORE_READ, "not a file", true);
}

Test(store_open, refuses_the_database_of_something_else)
{
    change_by_sql("CREATE TABLE photos (id INTEGER)");
    expect_untouched("not a database of ablate");
}

Test(store_open, refuses_an_older_version)
{
    make_closed();
    change_by_sql("PRAGMA user_version = 0");
    change_by_sql("PRAGMA wal_checkpoint(TRUNCATE)");
    unlink(strcat(strcpy((char[128]){0}, store_path), ".lock"));
    expect_untouched("an older version");
}

Test(store_open, refuses_a_newer_version)
{
    make_closed();
    change_by_sql("PRAGMA user_version = 1000");
    change_by_sql("PRAGMA wal_checkpoint(TRUNCATE)");
    unlink(strcat(strcpy((char[128]){0}, store_path), ".lock"));
    expect_untouched("a newer version");
}

// The numbers in the header are right, the tables are not: what was changed by hand is not guessed at.
Test(store_open, refuses_changed_tables)
{
    make_closed();
    change_by_sql("DROP INDEX arm_run_by_run");
    expect_refused(STORE_READ, "is not that of schema", true);
    expect_refused(STORE_WRITE, "is not that of schema", true);
}

// A person may keep views of his own beside ours.
Test(store_open, accepts_what_was_added)
{
    make_closed();
    change_by_sql("CREATE VIEW mine AS SELECT * FROM runs");
    store_close(must_open(STORE_WRITE));
    store_close(must_open(STORE_READ));
}

// An interrupted copy: at any length it is refused (a length of 0 is a file that was never written).
Test(store_open, refuses_a_truncated_database)
{
    struct bytes whole;
    struct error error = {0};
    make_closed();
    cr_assert(file_read(store_path, 1 << 24, &whole, &error), "%s", error.text);
    for (size_t count = 1; count < whole.count; count += count < 200 ? 33 : 4096 - 7) {
        struct store *store;
        struct error why = {0};
        write_file(whole.data, count);
        cr_expect(!store_open(&store, store_path, STORE_READ, &why), "%zu of %zu bytes were taken for a database", count,
                  whole.count);
        cr_expect(strstr(why.text, store_path), "the file is not named: %s", why.text);
        store_close(store);
    }
    bytes_free(&whole);
}

static void read_everything(struct store *store)
{
    struct arena arena = {0};
    struct error error = {0};
    struct experiment_view view;
    struct series series;
    const struct fact *facts;
    const struct event_view *events;
    const struct run_row *rows;
    const char *const *names, *value;
    int count;
    view_experiments(store, &arena, &names, &error);
    view_open(store, "small", &arena, &view, &error);
    view_runs(store, NULL, &arena, &count, &rows, &error);
    view_series(store, small_id(0, 1), "val_loss", &arena, &series, &error);
    view_provenance(store, small_id(0, 1), &arena, &facts, &error);
    view_events(store, small_id(0, 1), &arena, &count, &events, &error);
    view_option(store, small_id(0, 1), "train.lr", &arena, &value, &error);
    arena_close(&arena);
}

// No bytes crash the program: one byte in each of many places of a good file is changed, then everything is read.
Test(store_open, damaged_bytes_never_crash)
{
    struct bytes whole;
    struct error error = {0};
    make_closed();
    cr_assert(file_read(store_path, 1 << 24, &whole, &error), "%s", error.text);
    for (size_t i = 0; i < 400; i++) {
        size_t place = random_below(random_key(1, "damage", 0), i, 0, i % 2 ? whole.count : 4096);
        unsigned char kept = whole.data[place];
        struct store *store;
        struct error why = {0};
        whole.data[place] ^= (unsigned char)(1 + random_below(random_key(1, "bits", 0), i, 0, 255));
        write_file(whole.data, whole.count);
        if (store_open(&store, store_path, STORE_READ, &why))
            read_everything(store);
        store_close(store);
        whole.data[place] = kept;
    }
    bytes_free(&whole);
}

// ---- One writer, many readers -----------------------------------------------------------------------------------------------

Test(store_open, a_second_writer_is_told_who_writes)
{
    char process[32];
    struct store *store = must_make();
    snprintf(process, sizeof process, "process %d ", getpid());
    cr_expect_eq(store_writer(store_path), getpid());
    expect_refused(STORE_WRITE, process, false);
    store_close(store);
    cr_expect_eq(store_writer(store_path), 0);
    store_close(must_open(STORE_WRITE));
}

// The lock dies with its holder, however that ends: no file has to be removed by hand.
Test(store_open, the_lock_of_a_killed_writer_is_free)
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // where an assertion ends the test first
        struct store *store;
        struct error error = {0};
        bool opened = store_open(&store, store_path, STORE_WRITE, &error);
        if (write(ready[1], opened ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    cr_expect_eq(store_writer(store_path), child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect_eq(store_writer(store_path), 0);
    store_close(must_open(STORE_WRITE));
}

Test(store_open, a_reader_sees_what_a_writer_committed)
{
    struct error error = {0};
    struct store *writer = must_make(), *reader = must_open(STORE_READ);
    const struct store_metric metric = {1, "val_loss", 2.5};
    const struct store_batch batch = {.metric_count = 1, .metrics = &metric};
    double value;
    cr_assert(store_rows(writer, small_id(0, 1), &batch, &error), "%s", error.text);
    cr_assert(view_final(reader, small_id(0, 1), "val_loss", &value, &error), "%s", error.text);
    cr_expect_eq(value, 2.5);
    store_close(reader);
    // The reader's coming and going must not have taken the writer's locks.
    cr_expect(store_rows(writer, small_id(0, 2), &batch, &error), "%s", error.text);
    store_close(writer);
}

// Results on a medium that cannot be written are read all the same. Root may write anywhere, so it steps down first.
Test(store_open, reads_in_a_read_only_folder)
{
    make_closed();
    cr_assert_eq(chmod(store_path, 0444), 0);
    cr_assert_eq(chmod(store_folder, 0555), 0);
    bool is_root = geteuid() == 0;
    if (is_root)
        cr_assert_eq(seteuid(65534), 0);
    store_close(must_open(STORE_READ));
    expect_refused(STORE_WRITE, store_folder, false);
    if (is_root)
        cr_assert_eq(seteuid(0), 0);
    chmod(store_folder, 0755);
}

// A full disk, as a limit on the size of files makes it: one line, and no database that is half there.
Test(store_open, a_full_disk_leaves_no_half_database)
{
    struct rlimit limit = {.rlim_cur = 9000, .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_refused(STORE_WRITE, "runs.db", false);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect(access(store_path, F_OK), "a half-written database was left");
    store_close(must_make());
}

// What belongs to a database is found by its name alone, and by no other's.
Test(store_open, each_database_has_a_place_of_its_own)
{
    static const char *const places[][2] = {{"results/ablate.db", "results"},
                                            {"ablate.db", "."},
                                            {"results/x.db", "results/x"},
                                            {"/tmp/x.y.db", "/tmp/x.y"},
                                            {"runs", "runs.files"},
                                            {"a.b/runs", "a.b/runs.files"},
                                            {"/ablate.db", "/"},
                                            {"d/.db", "d/.db.files"}};
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        cr_expect_str_eq(store_place(places[i][0], &arena), places[i][1]);
    arena_close(&arena);
}
