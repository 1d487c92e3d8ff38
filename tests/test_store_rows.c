// test_store_rows.c: what a worker tells is in the database bit for bit, once, and survives the death of the writer.
#include "fixture_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/database.h"

TestSuite(store_rows, .init = store_folder_open, .fini = store_folder_close, .timeout = 30);

static bool same_bits(double a, double b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }

// Reproducibility is compared bit for bit, and divergence is data: every double comes back as it was told.
Test(store_rows, every_value_comes_back)
{
    const double values[] = {0.1, 0, 5e-324, 1.7976931348623157e308, NAN, INFINITY, -INFINITY, 1.0 / 3};
    enum { COUNT = sizeof values / sizeof *values };
    struct store_metric metrics[COUNT];
    struct store_batch batch = {.metric_count = COUNT, .metrics = metrics};
    struct error error = {0};
    struct arena arena = {0};
    struct series series;
    struct store *store = must_make();
    for (int i = 0; i < COUNT; i++)
        metrics[i] = (struct store_metric){i, "train_loss", values[i]};
    cr_assert(store_rows(store, small_id(0, 1), &batch, &error), "%s", error.text);
    cr_assert(view_series(store, small_id(0, 1), "train_loss", &arena, &series, &error), "%s", error.text);
    cr_assert_eq(series.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_expect_eq(series.steps[i], i);
        cr_expect(same_bits(series.values[i], values[i]), "step %d: %.17g became %.17g", i, values[i], series.values[i]);
    }
    store_close(store);
    // A person asks in SQL: non-finite values have words, not NULLs that look like gaps.
    char *rows = sql_text(store_path, "SELECT step, value, non_finite FROM metrics WHERE step BETWEEN 4 AND 6 ORDER BY step");
    cr_expect_str_eq(rows, "4|NULL|nan\n5|NULL|inf\n6|NULL|-inf\n");
    free(rows);
    arena_close(&arena);
}

// After a resume a worker tells the steps since its checkpoint again.
Test(store_rows, told_twice_is_stored_once)
{
    const struct store_metric metrics[] = {{1, "train_loss", 3}, {2, "train_loss", NAN}};
    const struct store_throughput throughput[] = {{1, 1000}};
    const struct store_event events[] = {{2, "non_finite", "loss", NAN, 0}, {2, "non_finite", NULL, 1, INFINITY}};
    const struct store_batch batch = {.metric_count = 2,
                                      .metrics = metrics,
                                      .throughput_count = 1,
                                      .throughput = throughput,
                                      .event_count = 2,
                                      .events = events};
    static const char sql[] = "SELECT run, step, name, value, non_finite FROM metrics UNION ALL SELECT run, step, kind, value, "
                              "threshold_non_finite FROM events UNION ALL SELECT run, step, 'speed', tokens_per_s, '' FROM "
                              "throughput ORDER BY 1, 2, 3, 4";
    struct error error = {0};
    struct store *store = must_make();
    cr_assert(store_rows(store, small_id(1, 2), &batch, &error), "%s", error.text);
    char *once = sql_text(store_path, sql);
    cr_assert(store_rows(store, small_id(1, 2), &batch, &error), "%s", error.text);
    char *twice = sql_text(store_path, sql);
    cr_expect_str_eq(once, twice);
    cr_expect_str_eq(once, "0000000200000002|1|speed|1000.0|\n0000000200000002|1|train_loss|3.0|NULL\n"
                           "0000000200000002|2|non_finite|NULL|NULL\n0000000200000002|2|non_finite|1.0|inf\n"
                           "0000000200000002|2|train_loss|NULL|nan\n");
    free(once);
    free(twice);
    // A row that differs after all (a run continued by a changed program) is what was told last, not a mixture.
    const struct store_metric later = {2, "train_loss", 7};
    const struct store_batch again = {.metric_count = 1, .metrics = &later};
    cr_assert(store_rows(store, small_id(1, 2), &again, &error), "%s", error.text);
    char *last = sql_text(store_path, "SELECT value, non_finite FROM metrics WHERE step = 2");
    cr_expect_str_eq(last, "7.0|NULL\n");
    free(last);
    store_close(store);
}

// A run's life as `ablate runs` shows it: a crash may be retried, a divergence is a result with its step.
Test(store_rows, a_run_lives_through_its_states)
{
    const struct fact facts[] = {{"commit", "abc123"}, {"cpu", NULL}, {NULL, NULL}};
    const struct store_begin begin = {.parameters = 10,
                                      .parameters_without_embeddings = 7,
                                      .flops = 1e12,
                                      .planned_bytes = 4096,
                                      .resumed_from_step = 40,
                                      .facts = facts};
    const struct store_end end = {.diverged = true, .diverged_at = 77, .seconds = 2.5, .tokens_per_s = 5, .peak_bytes = 8192};
    const struct store_throughput speeds[] = {{1, 100}, {2, 900}, {3, 300}, {4, 500}};
    const struct store_batch batch = {.throughput_count = 4, .throughput = speeds};
    struct error error = {0};
    struct store_run run;
    struct store *store = must_make();
    const char *id = small_id(0, 1);
    cr_assert(store_run_state(store, "ffffffffffffffff", &run, &error) && !run.known, "%s", error.text);
    cr_assert(store_run_state(store, id, &run, &error), "%s", error.text);
    cr_expect(run.known && run.state == RUN_PLANNED && run.attempts == 0);
    cr_assert(store_run_start(store, id, false, &error) && store_run_fail(store, id, "killed by signal 9", &error) &&
                  store_run_start(store, id, true, &error) && store_run_begin(store, id, &begin, &error) &&
                  store_rows(store, id, &batch, &error) && store_run_end(store, id, &end, &error),
              "%s", error.text);
    cr_assert(store_run_state(store, id, &run, &error), "%s", error.text);
    cr_expect(run.state == RUN_DIVERGED && run.attempts == 2 && !strcmp(run.commit, "abc123"));
    store_close(store);
    // The median of 100, 300, 500, 900 is 400.
    char *row = sql_text(store_path, "SELECT state, attempts, resumed_from_step, diverged_at, parameters, "
                                     "parameters_without_embeddings, flops, planned_bytes, peak_bytes, seconds, tokens_per_s, "
                                     "shared_machine, failure, program_commit FROM runs WHERE attempts > 0");
    cr_expect_str_eq(row, "diverged|2|40|77|10|7|1000000000000.0|4096|8192|2.5|400.0|1|NULL|abc123\n");
    free(row);
    char *told = sql_text(store_path, "SELECT name, value FROM provenance");
    cr_expect_str_eq(told, "commit|abc123\ncpu|unknown\n", "an unknown fact is said, not left out");
    free(told);
}

// "the same run" means nothing when options are missing: all that run_visit tells are there, defaults marked.
Test(store_rows, every_option_is_stored)
{
    store_close(must_make());
    char *lr = sql_text(store_path, "SELECT DISTINCT value, is_default FROM options WHERE key = 'train.lr'");
    char *seeds = sql_text(store_path, "SELECT value FROM options WHERE key = 'seed' ORDER BY run");
    cr_expect_str_eq(lr, "0.001|1\n");
    cr_expect_str_eq(seeds, "1\n2\n1\n2\n");
    free(lr);
    free(seeds);
}

Test(store_rows, a_run_that_was_never_planned_is_refused)
{
    const struct store_batch batch = {0};
    struct error error = {0};
    struct store *store = must_make();
    cr_expect(!store_rows(store, "ffffffffffffffff", &batch, &error));
    cr_expect(strstr(error.text, "ffffffffffffffff") && error.count == 1, "%s", error.text);
    store_close(store);
}

// Statements are kept and found by their text: one that is in use must not be given to another query.
Test(store_rows, two_open_queries_of_one_text_do_not_disturb_each_other)
{
    static const char sql[] = "SELECT column1 + ? FROM (VALUES (1), (2))";
    struct store *store = must_make();
    struct error error = {0};
    for (int again = 0; again < 2; again++) {
        struct query one, other;
        query_open(&one, store, &error, sql, "i", INT64_C(10));
        cr_expect(query_next(&one) && query_int(&one, 0) == 11);
        query_open(&other, store, &error, sql, "i", INT64_C(20));
        cr_expect(query_next(&other) && query_int(&other, 0) == 21, "the other begins at %lld",
                  (long long)query_int(&other, 0));
        cr_expect(query_next(&one) && query_int(&one, 0) == 12, "the first goes on with %lld", (long long)query_int(&one, 0));
        cr_expect(query_close(&one) && query_close(&other), "%s", error.text);
    }
    store_close(store);
}

enum { BATCH_ROWS = 200 };

// Writes batch after batch, each with one name and BATCH_ROWS steps, and says so on the pipe after each commit.
static void write_for_ever(int told)
{
    struct store *store;
    struct error error = {0};
    struct store_metric metrics[BATCH_ROWS];
    if (!store_open(&store, store_path, STORE_WRITE, &error))
        _exit(1);
    for (int32_t batch_number = 0;; batch_number++) {
        char name[32];
        struct store_batch batch = {.metric_count = BATCH_ROWS, .metrics = metrics};
        snprintf(name, sizeof name, "m%d", batch_number);
        for (int i = 0; i < BATCH_ROWS; i++)
            metrics[i] = (struct store_metric){i, name, batch_number};
        if (!store_rows(store, small_id(0, 1), &batch, &error) || (batch_number % 7 == 0 && !store_sync(store, &error)) ||
            write(told, &batch_number, sizeof batch_number) != sizeof batch_number)
            _exit(1);
    }
}

// A machine that dies: what was said to be stored is stored, and no batch is there by half.
Test(store_rows, a_killed_writer_loses_nothing_it_committed)
{
    store_close(must_make());
    int32_t last = -1;
    for (int round = 0; round < 4; round++) {
        int told[2];
        cr_assert_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); // where an assertion ends the test first
            write_for_ever(told[1]);
        }
        close(told[1]);
        int32_t batch_number = 0;
        cr_assert_eq(read(told[0], &batch_number, sizeof batch_number), sizeof batch_number, "the child wrote nothing");
        last = batch_number > last ? batch_number : last;
        usleep(13000 * (useconds_t)round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &batch_number, sizeof batch_number) == sizeof batch_number)
            last = batch_number > last ? batch_number : last;
        close(told[0]);
    }
    cr_assert_gt(last, 0, "the child wrote nothing, so nothing was tested");
    store_close(must_open(STORE_WRITE));
    char *halves = sql_text(store_path, "SELECT name FROM metrics GROUP BY name HAVING count(*) <> 200");
    char *count = sql_text(store_path, "SELECT count(DISTINCT name) FROM metrics");
    char *sound = sql_text(store_path, "PRAGMA integrity_check");
    cr_expect_str_empty(halves, "batches that are there by half: %s", halves);
    cr_expect(atoi(count) >= last + 1, "%d batches were committed, %s are there", last + 1, count);
    cr_expect_str_eq(sound, "ok\n");
    free(halves);
    free(count);
    free(sound);
}

// The disk fills up while rows come in: one line that names the file, nothing by half, and the same batch is taken afterwards.
Test(store_rows, a_full_disk_costs_one_batch_at_most)
{
    enum { COUNT = 20000 };
    struct store_metric *metrics = calloc(COUNT, sizeof *metrics);
    const struct store_batch batch = {.metric_count = COUNT, .metrics = metrics};
    struct rlimit limit = {.rlim_cur = 200000, .rlim_max = RLIM_INFINITY};
    struct error error = {0};
    struct store *store = must_make();
    for (int i = 0; i < COUNT; i++)
        metrics[i] = (struct store_metric){i, "train_loss", 1.0 / (i + 1)};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect(!store_rows(store, small_id(0, 1), &batch, &error), "20000 rows fitted into 200 kB");
    cr_expect(strstr(error.text, store_path) && error.count == 1, "%s", error.text);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    char *none = sql_text(store_path, "SELECT count(*) FROM metrics");
    cr_expect_str_eq(none, "0\n", "rows of the failed batch are there: %s", none);
    cr_expect(store_rows(store, small_id(0, 1), &batch, &error), "%s", error.text);
    char *all = sql_text(store_path, "SELECT count(*) FROM metrics");
    cr_expect_str_eq(all, "20000\n");
    store_close(store);
    free(none);
    free(all);
    free(metrics);
}
