// test_runner.c: a sweep from outside: the program is run, killed, stopped and run again, and its database compared.
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "fixture_program.h"

static const char *const run_tiny[] = {"run", "tiny.yaml", "--no-report", NULL};
static const char database[] = "results/ablate.db";

static void open_short(void) { program_folder_open(120, 2); }
static void open_long(void) { program_folder_open(1200, 1); }

// The same sweep, undisturbed, in a database beside.
static char *undisturbed(void)
{
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--db", "calm/ablate.db", NULL}), 0, "%s",
                 program_output());
    return program_content("calm/ablate.db", NULL);
}

static void expect_undisturbed(const char *what)
{
    char *got = program_content(database, NULL), *want = undisturbed();
    program_expect_same(got, want, what);
    free(got);
    free(want);
}

static void expect_output(const char *part)
{
    char *output = program_output();
    cr_assert_not_null(strstr(output, part), "no \"%s\" in: %s", part, output);
    free(output);
}

// Bits may depend on the run alone: not on who runs beside it, nor on how many threads carry its lanes.
Test(runner, the_same_rows_for_any_jobs_and_threads, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--jobs", "1", "--threads", "2", NULL}),
                 0);
    char *one = program_content(database, NULL);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--jobs", "2", "--threads", "1", "--db",
                                                   "two/ablate.db", NULL}),
                 0);
    char *two = program_content("two/ablate.db", NULL);
    program_expect_same(two, one, "with two jobs");
    free(one);
    free(two);
}

// A run is what it is, whichever experiment asked for it.
Test(runner, a_run_on_its_own_is_the_same_as_in_a_sweep, .init = open_short, .fini = program_folder_close)
{
    struct text id = {0};
    cr_assert_eq(program_run(run_tiny), 0);
    program_query(database, "SELECT run FROM options WHERE key = 'ffn' AND value = 'swiglu' ORDER BY run LIMIT 1", &id);
    program_write_experiment(120, 2, "  ffn: {values: [swiglu]}\n");
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--db", "alone/ablate.db", NULL}), 0,
                 "%s", program_output());
    struct text sql = {0};
    text_add(&sql, "SELECT name, step, value FROM metrics WHERE run = '%s' ORDER BY name, step", id.data);
    struct text here = {0}, there = {0};
    program_query(database, sql.data, &here);
    program_query("alone/ablate.db", sql.data, &there);
    cr_assert_gt(here.length, 1000);
    program_expect_same(there.data, here.data, "on its own");
    text_free(&id);
    text_free(&sql);
    text_free(&here);
    text_free(&there);
}

// What was paid for is not paid again.
Test(runner, a_finished_run_is_not_run_again, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run(run_tiny), 0);
    cr_assert_eq(program_run(run_tiny), 0);
    cr_assert_eq(program_count(database, "SELECT max(attempts) FROM runs"), 1);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--replicates", "3", NULL}), 0);
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs"), 9);
    cr_assert_eq(program_count(database, "SELECT max(attempts) FROM runs"), 1);
}

// kill -9 of runner and workers at any moment: the same command continues to the same rows.
Test(runner, killed_at_any_moment_it_continues, .init = open_long, .fini = program_folder_close)
{
    static const int moments[] = {3, 11, 23, 60, 140, 250}; // milliseconds after the start, each of what is left
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        pid_t workers[8], process = program_start(run_tiny, NULL);
        program_sleep(moments[i]);
        int count = program_workers(process, workers, 8);
        kill(process, SIGKILL);
        for (int j = 0; j < count; j++)
            kill(workers[j], SIGKILL);
        program_wait(process);
    }
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    expect_undisturbed("after kills");
}

// A checkpoint is worth its writing only when it is used.
Test(runner, it_resumes_from_a_checkpoint, .init = open_long, .fini = program_folder_close)
{
    pid_t process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    kill(process, SIGKILL);
    program_wait(process);
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    cr_assert_gt(program_count(database, "SELECT max(resumed_from_step) FROM runs"), 0);
    cr_assert_eq(access("results/checkpoints", F_OK), 0);
    cr_assert_neq(system("ls results/checkpoints/* >/dev/null 2>&1"), 0, "checkpoints of finished runs were left");
    expect_undisturbed("after a resume");
}

// A checkpoint without the rows before it would leave a gap in the curves.
Test(runner, a_checkpoint_ahead_of_the_database_is_not_used, .init = open_long, .fini = program_folder_close)
{
    pid_t process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    kill(process, SIGKILL);
    program_wait(process);
    cr_assert_eq(system("rm results/ablate.db*"), 0);
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    expect_undisturbed("after the database was lost");
}

// What a run cost is what all its steps took, not only those after the last interruption: more than the last attempt alone.
Test(runner, time_counts_over_all_attempts, .init = open_long, .fini = program_folder_close)
{
    program_write_experiment(6000, 1, "  ffn: {values: [gelu]}\n");
    pid_t process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    program_sleep(800);
    kill(process, SIGKILL);
    program_wait(process);
    double began = clock_seconds();
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    int last = (int)(1000 * (clock_seconds() - began));
    cr_assert_gt(program_count(database, "SELECT resumed_from_step FROM runs"), 0);
    int all = program_count(database, "SELECT seconds * 1000 FROM runs");
    cr_assert_gt(all, last, "%d ms in all, of which the last attempt took %d", all, last);
}

// Two databases in one folder are two worlds: what one leaves behind, the other does not touch, even at the same time.
Test(runner, databases_of_one_folder_do_not_meet, .init = open_long, .fini = program_folder_close)
{
    pid_t process = program_start((const char *const[]){"run", "tiny.yaml", "--no-report", "--db", "results/a.db", NULL}, NULL);
    program_sleep(300);
    kill(process, SIGKILL);
    program_wait(process);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--db", "results/b.db", NULL}), 0, "%s",
                 program_output());
    char *output = program_output();
    cr_expect_null(strstr(output, "ahead of the database"), "%s", output);
    free(output);
    cr_expect_eq(access("results/b/tiny/report.html", F_OK), 0);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--db", "results/a.db", NULL}), 0);
    char *a = program_content("results/a.db", NULL), *b = program_content("results/b.db", NULL);
    program_expect_same(a, b, "the interrupted one");
    free(a);
    free(b);
}

// A worker that dies is started again, and the run is the same; its neighbours do not notice.
Test(runner, a_crash_is_tried_again, .init = open_long, .fini = program_folder_close)
{
    pid_t process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    kill(program_await_worker(process), SIGABRT);
    cr_assert_eq(program_wait(process), 0);
    expect_output("signal 6");
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs WHERE state = 'diverged'"), 0);
    cr_assert_eq(program_count(database, "SELECT max(attempts) FROM runs"), 2);
    expect_undisturbed("after a crash");
}

// A run that always crashes is a failure with its reason, not an endless loop; asked again, it gets another chance.
Test(runner, three_crashes_are_a_failure, .init = open_long, .fini = program_folder_close)
{
    struct text failure = {0};
    program_write_experiment(200000, 1, "  ffn: {values: [gelu]}\n");
    pid_t process = program_start(run_tiny, NULL);
    int killed = 0;
    for (int i = 0; killed < 3 && i < 500; i++) {
        pid_t worker;
        program_sleep(20);
        if (program_workers(process, &worker, 1) == 1)
            killed += kill(worker, SIGKILL) == 0;
    }
    cr_assert_eq(killed, 3, "%d workers were started", killed);
    cr_assert_eq(program_wait(process), 1);
    program_query(database, "SELECT attempts, state, failure FROM runs", &failure);
    cr_assert(strstr(failure.data, "3|failed|crashed 3 times") == failure.data, "%s", failure.data);
    text_free(&failure);
}

// A hang and a run without end are outcomes: the sweep goes on, and trying again would not help.
Test(runner, a_time_limit_ends_a_run, .init = open_long, .fini = program_folder_close)
{
    struct text failure = {0};
    program_write_experiment(2000000, 1, "  ffn: {values: [gelu]}\n");
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--time-limit", "0.3", NULL}), 1);
    program_query(database, "SELECT attempts, state, failure FROM runs", &failure);
    cr_assert(strstr(failure.data, "1|failed|took longer than the time limit") == failure.data, "%s", failure.data);
    text_free(&failure);
}

// Otherwise a run that crashes again and again would have its time anew after each crash.
Test(runner, a_time_limit_counts_all_attempts, .init = open_long, .fini = program_folder_close)
{
    struct text failure = {0};
    program_write_experiment(2000000, 1, "  ffn: {values: [gelu]}\n");
    pid_t process = program_start((const char *const[]){"run", "tiny.yaml", "--no-report", "--time-limit", "3", NULL}, NULL);
    double began = clock_seconds();
    cr_assert(program_await_checkpoint());
    program_sleep((int)fmax(0, 2000 - 1000 * (clock_seconds() - began)));
    kill(program_await_worker(process), SIGKILL);
    cr_assert_eq(program_wait(process), 1);
    cr_assert_lt(clock_seconds() - began, 4.5, "the second attempt had a time of its own");
    program_query(database, "SELECT attempts, state, failure FROM runs", &failure);
    cr_assert(strstr(failure.data, "2|failed|took longer than the time limit") == failure.data, "%s", failure.data);
    text_free(&failure);
}

Test(runner, a_silent_worker_is_ended, .init = open_long, .fini = program_folder_close)
{
    struct text failure = {0};
    program_write_experiment(2000000, 1, "  ffn: {values: [gelu]}\n");
    pid_t worker,
        process = program_start((const char *const[]){"run", "tiny.yaml", "--no-report", "--hang-limit", "0.4", NULL}, NULL);
    cr_assert(program_await_checkpoint());
    cr_assert_eq(program_workers(process, &worker, 1), 1);
    kill(worker, SIGSTOP);
    cr_assert_eq(program_wait(process), 1);
    program_query(database, "SELECT attempts, state, failure FROM runs", &failure);
    cr_assert(strstr(failure.data, "1|failed|said nothing for") == failure.data, "%s", failure.data);
    text_free(&failure);
}

// Divergence is a result: it is stored as one and never tried again.
Test(runner, a_diverged_run_is_a_result, .init = open_short, .fini = program_folder_close)
{
    program_write_experiment(120, 1, "  train.lr: {values: [0.001, 1e9]}\n");
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs WHERE state = 'diverged' AND diverged_at >= 0"), 1);
    cr_assert_eq(program_run(run_tiny), 0);
    cr_assert_eq(program_count(database, "SELECT max(attempts) FROM runs"), 1);
}

// Ctrl-C keeps everything, says how to go on, and leaves nobody running.
Test(runner, an_interrupted_sweep_continues, .init = open_long, .fini = program_folder_close)
{
    pid_t workers[8], process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    int count = program_workers(process, workers, 8);
    cr_assert_gt(count, 0);
    kill(process, SIGINT);
    cr_assert_eq(program_wait(process), 1);
    expect_output("the same command continues: ablate run tiny.yaml\n");
    for (int i = 0; i < count; i++)
        cr_assert_eq(kill(workers[i], 0), -1, "a worker outlived the runner");
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs WHERE state = 'running'"), 0);
    cr_assert_eq(program_run(run_tiny), 0, "%s", program_output());
    expect_undisturbed("after an interruption");
}

// What is suggested must mean the same runs: a database, a setting or a plug-in left out would start another sweep.
Test(runner, suggested_commands_name_the_same_runs, .init = open_long, .fini = program_folder_close)
{
    struct text plugin = {0}, same = {0};
    text_add(&plugin, "%s/softplus.so", program_plugins());
    text_add(&same, "ablate run tiny.yaml --replicates 2 --db results/second.db --set train.steps=200000 --plugin ");
    text_add_word(&same, plugin.data);
    pid_t process =
        program_start((const char *const[]){"run", "tiny.yaml", "--no-report", "--replicates", "2", "--db", "results/second.db",
                                            "--set", "train.steps=200000", "--plugin", plugin.data, NULL},
                      NULL);
    cr_assert_gt(program_await_worker(process), 0);
    program_sleep(300);
    kill(process, SIGINT);
    cr_assert_eq(program_wait(process), 1);
    expect_output(same.data);
    cr_assert_eq(program_run((const char *const[]){"status", "--db", "results/second.db", NULL}), 0);
    static const char again[] = "ablate run tiny.yaml --replicates 2 --db results/second.db --set train.steps=200000\n";
    expect_output(again);
    cr_assert_eq(program_run((const char *const[]){"compare", "tiny", "--db", "results/second.db", NULL}), 0);
    expect_output(again);
    program_write_experiment(60, 2, "  ffn: {values: [gelu, relu]}\n"); // an arm less than was run
    cr_assert_eq(program_run((const char *const[]){"status", "--db", "results/second.db", NULL}), 0);
    expect_output("tiny: tiny.yaml plans other runs by now");
    cr_assert_eq(program_run((const char *const[]){"compare", "tiny", "--db", "results/second.db", NULL}), 0);
    expect_output("more of these runs: tiny.yaml plans others by now");
    text_free(&plugin);
    text_free(&same);
}

// A worker is another process: it must know the plug-ins too, or it could not read its run.
Test(runner, workers_load_the_plug_ins, .init = open_short, .fini = program_folder_close)
{
    struct text plugin = {0};
    text_add(&plugin, "%s/softplus.so", program_plugins());
    program_write_experiment(60, 1, "  ffn: {values: [gelu, softplus]}\n");
    cr_assert_eq(program_run(run_tiny), 2, "an unknown component was taken");
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--plugin", plugin.data, NULL}), 0, "%s",
                 program_output());
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs WHERE state = 'finished'"), 2);
    text_free(&plugin);
}

// Runs of another version are taken as they are, which a reader of the answer must know.
Test(runner, reuse_across_versions_is_said, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run(run_tiny), 0);
    struct text none = {0};
    program_query(database, "UPDATE fact SET value = '0123456789ab' WHERE name = 'commit' AND run <= 2", &none);
    text_free(&none);
    setenv("COLUMNS", "1000", 1); // the sentence is not broken
    cr_assert_eq(program_run(run_tiny), 0);
    expect_output("2 of 6 finished runs come from another version of the program (commit 0123456789ab");
}

// Speeds taken side by side are not those of a machine of one's own.
Test(runner, runs_that_shared_the_machine_are_marked, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--jobs", "2", NULL}), 0);
    cr_assert_eq(program_count(database, "SELECT count(*) FROM runs WHERE shared_machine"), 6);
    cr_assert_eq(program_run(
                     (const char *const[]){"run", "tiny.yaml", "--no-report", "--jobs", "1", "--db", "one/ablate.db", NULL}),
                 0);
    cr_assert_eq(program_count("one/ablate.db", "SELECT count(*) FROM runs WHERE shared_machine"), 0);
}

// Two writers would tear the rows apart.
Test(runner, a_second_sweep_on_the_same_database_is_refused, .init = open_long, .fini = program_folder_close)
{
    pid_t process = program_start(run_tiny, NULL);
    cr_assert(program_await_checkpoint());
    cr_assert_neq(program_run(run_tiny), 0);
    expect_output(database);
    kill(process, SIGTERM);
    program_wait(process);
}

// A long sweep finds by trials how many runs the machine takes at once; what it is told to do, it does untried.
#define LONG_TEXT "train.steps=500000000"
Test(runner, a_long_sweep_is_tried_first, .init = open_short, .fini = program_folder_close)
{
    static const char *const tried[] = {"run", "tiny.yaml", "--no-report", "--dry-run", "--set", LONG_TEXT, NULL};
    static const char *const told[] = {"run",    "tiny.yaml", "--no-report", "--dry-run", "--set", LONG_TEXT,
                                       "--jobs", "2",         "--threads",   "1",         NULL};
    cr_assert_eq(program_run(tried), 0, "%s", program_output());
    if (cpu_cores() > 1)
        expect_output(", measured\n");
    cr_assert_eq(program_run(told), 0, "%s", program_output());
    expect_output("\n2 runs at a time with 1 thread each\n");
}

// Telling every step must cost next to nothing: 2% was seen with six programs for each core, a transaction for each row costs
// ten times that. CPU time is compared, which a busy machine stretches on both sides.
Test(runner, telling_costs_little, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"bench", "overhead", "--json", NULL}), 0, "%s", program_output());
    char *output = program_output(), *share = strstr(output, "\"telling_share\":");
    cr_assert_not_null(share, "%s", output);
    double value = strtod(share + strlen("\"telling_share\":"), NULL);
    cr_expect(value > 0 && value < 0.1, "%s", output);
    free(output);
}

// Ctrl-C while the trials go on starts no run, and is answered as at any other time.
Test(runner, interrupted_trials_start_nothing, .init = open_short, .fini = program_folder_close)
{
    if (cpu_cores() < 2)
        cr_skip_test("one core: nothing is tried");
    pid_t process = program_start((const char *const[]){"run", "tiny.yaml", "--no-report", "--set", LONG_TEXT, NULL}, NULL);
    pid_t worker = program_await_worker(process);
    cr_assert_gt(worker, 0);
    kill(process, SIGINT);
    cr_assert_eq(program_wait(process), 1, "%s", program_output());
    expect_output("interrupted with 6 of 6 runs left");
    cr_assert_eq(program_count(database, "SELECT sum(attempts) FROM runs"), 0);
    cr_assert_eq(kill(worker, 0), -1, "a worker outlived the trials");
}

// --dry-run tells and leaves no trace, although runs as short as these reach their end in it.
Test(runner, a_dry_run_stores_nothing, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--dry-run", "--set",
                                                   "train.keep_weights=true", NULL}),
                 0, "%s", program_output());
    expect_output("3 arms x 2 seeds, 6 runs; 6 to run");
    cr_assert_neq(access("results", F_OK), 0);
}

// The time of the dry run's first arm in seconds, as its last column says; NaN where it is not a number of seconds.
static double told_seconds(void)
{
    char *output = program_output(), *row = strstr(output, "\n(base)"), *end = NULL;
    cr_assert_not_null(row, "%s", output);
    row[1 + strcspn(row + 1, "\n")] = '\0';
    double seconds = strtod(strrchr(row, ' '), &end);
    bool is_told = *end == 's' && !end[1];
    free(output);
    return is_told ? seconds : NAN;
}

// A run that is over before two batches of its rows have come is timed all the same: about as long as it takes. Half a second
// is what a batch waits; the bounds are wide, for a machine that others use.
#define SHORT_RUN "--set", "model.d_model=128", "--set", "model.seq_len=64", "--set", "train.steps=20"
Test(runner, a_dry_run_tells_the_time_of_short_runs, .init = open_short, .fini = program_folder_close)
{
    static const char *const dry[] = {"run", "tiny.yaml", "--no-report", "--dry-run", SHORT_RUN, NULL};
    static const char *const run[] = {"run", "tiny.yaml", "--no-report", SHORT_RUN, NULL};
    cr_assert_eq(program_run(dry), 0, "%s", program_output());
    double told = told_seconds();
    cr_assert_eq(program_run(run), 0, "%s", program_output());
    double took = program_count(database, "SELECT 1000 * max(seconds) FROM runs") / 1000.0;
    cr_expect(told > took / 8 - 0.1 && told < 8 * took + 1, "told %g s, took %g s", told, took);
}

// Planning counts parameters and operations without the library that multiplies: it is the worker that opens it, and that says
// so where there is none.
Test(runner, plans_without_opening_a_library, .init = open_short, .fini = program_folder_close)
{
    int code = program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--set", "gemm=onednn", "--set",
                                                 "eval_as=[\"sliding(window=4)\"]", NULL});
    if (code != 0)
        expect_output("oneDNN");
    cr_expect(code == 0 || code == 1, "it ended with %d", code);
}

// A mistake anywhere runs nothing, and a missing file is the request's fault.
Test(runner, a_wrong_request_runs_nothing, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "missing.yaml", NULL}), 2);
    cr_assert_neq(access("results", F_OK), 0);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", "--no-report", "--set", "data.path=nowhere.txt", NULL}),
                 2);
    expect_output("nowhere.txt");
    cr_assert_neq(access("results", F_OK), 0);
}

// Another file of the same name, and a margin moved when the runs are there: the one is refused, the other said.
Test(runner, a_stored_name_and_margin_are_kept_to, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run(run_tiny), 0);
    cr_assert_eq(system("cp tiny.yaml copy.yaml"), 0);
    cr_assert_eq(program_run((const char *const[]){"run", "copy.yaml", "--no-report", NULL}), 2);
    expect_output("copy.yaml: \"tiny\" is tiny.yaml in this database; choose another name: or another --db");
    cr_assert_eq(program_run((const char *const[]){"run", "copy.yaml", "--dry-run", NULL}), 2);
    expect_output("\"tiny\" is tiny.yaml");
    cr_assert_eq(program_run((const char *const[]){"run", "./tiny.yaml", "--no-report", NULL}), 0);
    cr_assert_eq(system("sed -i 's/margin: 0.01/margin: 0.9/' tiny.yaml"), 0);
    cr_assert_eq(program_run((const char *const[]){"run", "tiny.yaml", NULL}), 0);
    expect_output("exploratory: the margin was declared after 6 of the runs had finished.");
    cr_assert_eq(system("grep -q 'the margin was declared after 6 of the runs' results/*/report.html"), 0);
}

// Silence is no success: a check that had nothing to check says so.
Test(runner, checking_nothing_is_no_success, .init = open_short, .fini = program_folder_close)
{
    cr_assert_eq(program_run((const char *const[]){"check", "precision", NULL}), 2);
    expect_output("nothing was checked");
    cr_assert_eq(program_run((const char *const[]){"check", "position/none", NULL}), 2);
    expect_output("stands for no component");
}

// A checkpoint that cannot be written is said before hours of training, not after; a file of something else is left alone.
Test(runner, a_checkpoint_that_cannot_be_is_refused_at_once, .init = open_short, .fini = program_folder_close)
{
    static const char steps[] = "train.steps=1000000000";
    cr_assert_eq(program_run((const char *const[]){"train", "--set", steps, "--checkpoint", "nowhere/x", NULL}), 1);
    expect_output("nowhere/x: it cannot be written: there is no such file or folder");
    cr_assert_eq(program_run((const char *const[]){"train", "--set", steps, "--checkpoint", "text.txt", NULL}), 2);
    expect_output("text.txt: ");
}

// OpenBLAS asks for its buffer until it gets it: a limit on memory must be an answer, not a hang.
#ifndef __SANITIZE_ADDRESS__ // whose own shadow is larger than any such limit
Test(runner, too_little_memory_is_said, .init = open_short, .fini = program_folder_close)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)100 << 20, .rlim_max = RLIM_INFINITY}, before;
    cr_assert_eq(getrlimit(RLIMIT_AS, &before), 0);
    const char *const words[] = {"train", "--set", "data=text(path=text.txt)", "--set", "model.n_layer=1", NULL};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    pid_t process = program_start(words, NULL);
    cr_assert_eq(setrlimit(RLIMIT_AS, &before), 0);
    cr_assert_eq(program_wait(process), 1);
    expect_output("OpenBLAS: 0.13 GiB of memory cannot be had");
}
#endif
