// overhead_bench.c: see overhead_bench.h.
#include "bench/overhead_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "bench/ratio.h"
#include "sweep/messages.h"
#include "sweep/runner.h"

// ---- A sweep of one arm -----------------------------------------------------------------------------------------------------

struct clock {
    double last;     // when the run before ended
    double *seconds; // [runs]
    int ended;
};

static void run_ended(void *context, const struct runner_status *status, const struct planned_run *run, const char *trouble)
{
    struct clock *clock = context;
    double now = clock_seconds();
    (void)status, (void)run, (void)trouble;
    clock->seconds[clock->ended++] = now - clock->last;
    clock->last = now;
}

// Carries out `runs` seeds of `run`, one after the other; seconds[i] from one end to the next.
static bool sweep(const char *folder, const char *name, const struct run *run, int runs, double *seconds, struct error *error)
{
    struct arena arena = {0};
    struct arm arm = {.name = "(base)", .differs = "", .run = *run};
    struct experiment experiment = {.file = name,
                                    .name = name,
                                    .text = "",
                                    .metric = "val_loss",
                                    .margin = NAN,
                                    .replicates = runs,
                                    .first_seed = 1,
                                    .arms = &arm,
                                    .arm_count = 1};
    struct plan plan = {0};
    struct store *store = NULL;
    struct runner_result result = {0};
    struct clock clock = {.seconds = seconds};
    const struct runner_options options = {.jobs = 1,
                                           .threads = 1,
                                           .checkpoints = arena_format(&arena, "%s/checkpoints", folder)};
    const struct runner_watch watch = {.context = &clock, .ended = run_ended};
    bool done = plan_open(&plan, &experiment, NULL, error) &&
                store_open(&store, arena_format(&arena, "%s/overhead.db", folder), STORE_WRITE, error) &&
                plan_save(&plan, store, error);
    clock.last = clock_seconds();
    done = done && runner_run(store, &plan, &options, &watch, &result, error);
    if (done && result.finished != runs)
        done = error_add(error, "bench overhead: %d of %d runs finished; ablate train with the same --set says why",
                         result.finished, runs);
    store_close(store);
    plan_close(&plan);
    arena_close(&arena);
    return done;
}

// ---- CPU time ---------------------------------------------------------------------------------------------------------------

static double cpu_seconds(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// What the worker spends on one row: the same rows printed and written here, to nobody.
static double row_seconds(void)
{
    enum { ROWS = 512, REPEATS = 100 };
    static const char *const names[] = {"train_loss", "gradient_norm", "learning_rate"};
    struct message_row *rows = memory_allocate(ROWS, sizeof *rows);
    int nobody = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < ROWS; i++)
        rows[i] = (struct message_row){i, names[i % 3], 1 / (i + 3.0)};
    double began = cpu_seconds(RUSAGE_SELF);
    for (int i = 0; i < REPEATS; i++) {
        struct text line = {0};
        struct error ignored = {0};
        message_print(&(struct message){.kind = MESSAGE_METRICS, .rows = rows, .row_count = ROWS}, &line);
        line_write(nobody, &line, &ignored);
        text_free(&line);
    }
    double seconds = (cpu_seconds(RUSAGE_SELF) - began) / (ROWS * REPEATS);
    close(nobody);
    free(rows);
    return seconds;
}

// ---- The two questions ------------------------------------------------------------------------------------------------------

static bool time_runs(const char *folder, struct run *run, int runs, struct overhead_bench *result, struct error *error)
{
    double *seconds = memory_allocate((size_t)runs, sizeof *seconds);
    run->train.steps = 1;
    double before = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
    bool done = sweep(folder, "one-step", run, runs, seconds, error);
    result->run_cpu_seconds = (cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN) - before) / runs;
    result->run_seconds = ratio_median(seconds, runs);
    result->run_seconds_least = gsl_stats_min(seconds, 1, (size_t)runs);
    free(seconds);
    return done;
}

// The long run against one of a step, so that what both pay for their start and end cancels.
static bool time_telling(const char *folder, struct run *run, int64_t steps, struct overhead_bench *result, struct error *error)
{
    enum { SHORT, LONG };
    enum { ROWS_EACH_STEP = 3 };
    double seconds, runner[2], workers[2];
    static const char *const names[] = {"short", "long"};
    for (int i = SHORT; i <= LONG; i++) {
        run->train.steps = i == SHORT ? 2 : steps;
        double self = cpu_seconds(RUSAGE_SELF), children = cpu_seconds(RUSAGE_CHILDREN);
        if (!sweep(folder, names[i], run, 1, &seconds, error))
            return false;
        runner[i] = cpu_seconds(RUSAGE_SELF) - self;
        workers[i] = cpu_seconds(RUSAGE_CHILDREN) - children;
    }
    double writing = ROWS_EACH_STEP * row_seconds();
    result->telling_seconds = (runner[LONG] - runner[SHORT]) / (double)(steps - 2) + writing;
    result->step_seconds = (workers[LONG] - workers[SHORT]) / (double)(steps - 2) - writing;
    result->telling_share = result->telling_seconds / (result->telling_seconds + result->step_seconds);
    return true;
}

static void remove_folder(const char *folder)
{
    static const char *const files[] = {"overhead.db",      "overhead.db-wal", "overhead.db-shm",
                                        "overhead.db.lock", "checkpoints",     ""};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct text path = {0};
        text_add(&path, "%s/%s", folder, files[i]);
        remove(path.data);
        text_free(&path);
    }
}

bool overhead_bench_run(const struct run *run, const struct overhead_bench_options *options, struct overhead_bench *result,
                        struct error *error)
{
    char folder[] = P_tmpdir "/ablate-XXXXXX";
    struct run *subject = memory_allocate(1, sizeof *subject);
    *subject = *run;
    subject->train.warmup = 0;
    subject->train.checkpoint_every = 0;
    *result = (struct overhead_bench){.runs = options->runs, .steps = options->steps};
    bool done = mkdtemp(folder) || error_add(error, "%s: %s", folder, file_trouble(errno));
    if (done) {
        done = time_runs(folder, subject, options->runs, result, error) &&
               time_telling(folder, subject, options->steps, result, error);
        remove_folder(folder);
    }
    free(subject);
    return done;
}
