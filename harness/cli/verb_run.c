// verb_run.c: `ablate run`: experiments from their files to their answers.
//
// All files are read before anything is run: a mistake in one of them runs nothing.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/continuation.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "report/comparison.h"
#include "report/number.h"
#include "report/page.h"
#include "report/screen.h"
#include "store/provenance.h"
#include "store/view.h"
#include "sweep/estimate.h"
#include "sweep/find.h"
#include "sweep/runner.h"
#include "sweep/trial.h"

struct run_options {
    bool dry_run, quiet, no_report;
    int64_t jobs, threads, replicates;
    double time_limit, hang_limit;
};

static const struct option options[] = {
    {"dry_run", OPTION_BOOL, offsetof(struct run_options, dry_run), .fallback = "false",
     .help = "prints what would be run, in how much time and memory, and runs nothing"},
    {"jobs", OPTION_INT, offsetof(struct run_options, jobs), .fallback = "0", .min = 0, .max = 1024, .unit = "runs",
     .help = "runs at once; 0: as --threads leaves cores; where both are 0, what ends a long sweep first, by trials"},
    {"threads", OPTION_INT, offsetof(struct run_options, threads), .fallback = "0", .min = 0, .max = 1024, .unit = "threads",
     .help = "threads of each run; 0: the cores divided among the runs"},
    {"replicates", OPTION_INT, offsetof(struct run_options, replicates), .fallback = "0", .min = 0, .max = 1000,
     .unit = "seeds", .help = "seeds of every arm; 0: as the file says"},
    {"time_limit", OPTION_REAL, offsetof(struct run_options, time_limit), .fallback = "0", .min = 0, .max = 1e9,
     .unit = "seconds", .help = "a run that takes longer, its retries included, has failed; 0: no limit"},
    {"hang_limit", OPTION_REAL, offsetof(struct run_options, hang_limit), .fallback = "600", .min = 0, .max = 1e9,
     .unit = "seconds", .help = "a run that says nothing for so long has failed; 0: no limit"},
    {"quiet", OPTION_BOOL, offsetof(struct run_options, quiet), .fallback = "false", .help = "prints the answer alone"},
    {"no_report", OPTION_BOOL, offsetof(struct run_options, no_report), .fallback = "false",
     .help = "writes no page; ablate report does it later"},
    {0},
};

// ---- What to run ------------------------------------------------------------------------------------------------------------

struct sweep {
    struct experiment *experiments;
    struct plan *plans;
    int read, planned;
};

static void close_sweep(struct sweep *sweep)
{
    for (int i = 0; i < sweep->planned; i++)
        plan_close(&sweep->plans[i]);
    for (int i = 0; i < sweep->read; i++)
        experiment_close(&sweep->experiments[i]);
    free(sweep->plans);
    free(sweep->experiments);
}

static bool read_sweep(const struct request *request, struct sweep *sweep, struct error *error)
{
    const struct run_options *chosen = request->options;
    struct experiment_changes changes = {.replicates = chosen->replicates, .set = request->set};
    size_t count = (size_t)request->word_count;
    bool done = true;
    *sweep =
        (struct sweep){memory_allocate(count, sizeof *sweep->experiments), memory_allocate(count, sizeof *sweep->plans), 0, 0};
    for (int i = 0; i < request->word_count; i++) {
        const char *file = find_experiment(request->words[i], request->database, request->arena, error);
        bool read = file && experiment_read(file, &changes, &sweep->experiments[sweep->read], error);
        sweep->read += read;
        done = done && read;
    }
    for (; done && sweep->planned < sweep->read; sweep->planned++)
        done = plan_open(&sweep->plans[sweep->planned], &sweep->experiments[sweep->planned], request->database, error);
    if (!done)
        error->is_request = true;
    return done;
}

static void print_notes(const struct plan *plan, const struct plan_reuse *reuse, bool quiet)
{
    const struct experiment *experiment = plan->experiment;
    const char *notice = NULL;
    struct run run;
    if (quiet)
        return;
    for (int i = 0; i < plan->run_count && !notice; i++) {
        plan_run(plan, &plan->runs[i], &run);
        notice = gemm_notice(run_gemm_way(&run));
    }
    if (notice)
        terminal_print(stdout, "%s: %s", experiment->name, notice);
    fputs(experiment->notes ? experiment->notes : "", stdout);
    if (reuse->of_other_commits)
        terminal_print(
            stdout,
            "%s: %d of %d finished runs come%s from another version of the program (commit %s; this is %s); they are "
            "used as they are. To run them again, name another --db.",
            experiment->name, reuse->of_other_commits, reuse->runs, reuse->of_other_commits == 1 ? "s" : "", reuse->commit,
            provenance_commit());
    fflush(stdout);
}

// ---- --dry-run --------------------------------------------------------------------------------------------------------------

static const struct column estimate_columns[] = {
    {.name = "arm", .wraps = true},
    {.name = "runs_left", .heading = "runs left", .number = true},
    {.name = "parameters", .number = true},
    {.name = "flops", .heading = "FLOPs a run", .number = true},
    {.name = "memory", .heading = "memory a run", .number = true},
    {.name = "seconds", .heading = "time a run", .number = true},
};
enum { ESTIMATE_COLUMNS = sizeof estimate_columns / sizeof *estimate_columns };

static void print_totals(const struct plan *plan, const struct plan_reuse *reuse, const struct estimate *estimate,
                         const struct split_choice *choice)
{
    const struct experiment *experiment = plan->experiment;
    struct text line = {0};
    text_add(&line, "%s: %d arms x %lld seeds, %d runs", experiment->name, experiment->arm_count,
             (long long)experiment->replicates, plan->run_count);
    if (reuse->runs)
        text_add(&line, ", %d of them exist", reuse->runs);
    if (estimate->runs_left)
        text_add(&line, "; %d to run: %s%s, %s of memory, %s of disk", estimate->runs_left,
                 isnan(estimate->seconds) ? "unknown time" : "about ",
                 isnan(estimate->seconds) ? "" : number_about(estimate->seconds).text,
                 number_bytes((double)estimate->memory_bytes).text, number_bytes((double)estimate->disk_bytes).text);
    terminal_print(stdout, "%s", line.data);
    line.length = 0;
    if (estimate->runs_left) {
        split_choice_print(choice, &line);
        terminal_print(stdout, "%s", line.data);
    }
    text_free(&line);
}

static void print_estimate(const struct plan *plan, const struct plan_reuse *reuse, const struct estimate *estimate,
                           const struct split_choice *choice)
{
    const struct experiment *experiment = plan->experiment;
    struct table table;
    table_open(&table, estimate_columns, ESTIMATE_COLUMNS);
    for (int i = 0; i < experiment->arm_count; i++) {
        const struct arm_estimate *arm = &estimate->arms[i];
        table_row(&table);
        table_cell(&table, 0, "%s", experiment->arms[i].name);
        table_cell(&table, 1, "%d", arm->runs_left);
        if (!arm->runs_left)
            continue;
        table_cell(&table, 2, "%s", number_count((double)arm->parameters).text);
        table_cell(&table, 3, "%s", number_count(arm->flops).text);
        table_cell(&table, 4, "%s", number_bytes((double)arm->planned_bytes).text);
        table_cell(&table, 5, "%s", number_duration(arm->seconds).text);
    }
    table_print(&table, OUTPUT_TEXT, stdout);
    table_close(&table);
    print_totals(plan, reuse, estimate, choice);
}

// A database that is not there yet knows nothing.
static bool look_up_dry(const struct request *request, struct plan *plan, struct plan_reuse *reuse, struct error *error)
{
    struct store *store = NULL;
    *reuse = (struct plan_reuse){0};
    if (access(request->database, F_OK))
        return true;
    bool done = store_open(&store, request->database, STORE_READ, error) &&
                store_experiment_check(store, plan->experiment->name, plan->experiment->file, error) &&
                plan_look_up(plan, store, reuse, error);
    store_close(store);
    return done;
}

static bool run_dry(const struct request *request, struct plan *plan, struct error *error)
{
    struct plan_reuse reuse;
    struct estimate estimate;
    struct split_choice choice;
    const struct run_options *chosen = request->options;
    if (!look_up_dry(request, plan, &reuse, error))
        return false;
    print_notes(plan, &reuse, false);
    const struct trial_options how = {.jobs = (int)chosen->jobs,
                                      .threads = (int)chosen->threads,
                                      .plugins = request->plugins,
                                      .stop = -1};
    if (isatty(STDERR_FILENO) && plan_left(plan) > 0)
        terminal_print(stderr, "%s: trying each of its arms for a moment", plan->experiment->name);
    trial_choose(plan, &how, &choice);
    if (!estimate_open(&estimate, plan, &choice.split, request->plugins, error))
        return false;
    print_estimate(plan, &reuse, &estimate, &choice);
    estimate_close(&estimate);
    return true;
}

// ---- Running ----------------------------------------------------------------------------------------------------------------

// A page that cannot be drawn (no gnuplot, a folder that cannot be written) is no reason to call the runs failed: it is said.
static void write_page(const struct request *request, struct store *store, const struct comparison *comparison)
{
    struct error trouble = {0};
    const struct figure_source source = {.store = store, .comparison = comparison};
    const char *folder = page_folder(request->database, comparison->view->name, request->arena);
    const struct page_commands commands = {.run = continuation_words(request, store, comparison->view),
                                           .database = request_other_database(request)};
    if (page_write(&source, &commands, folder, &trouble))
        printf("%s/report.html\n", folder);
    else
        printf("%s", trouble.text);
}

static bool print_answer(const struct request *request, struct store *store, const struct plan *plan, double elapsed,
                         struct error *error)
{
    const struct run_options *chosen = request->options;
    struct arena arena = {0};
    struct comparison comparison;
    bool done = comparison_open(store, plan->experiment->name, &arena, &comparison, error);
    if (done) {
        screen_print(&comparison,
                     &(struct screen_options){.width = progress_columns(),
                                              .colour = isatty(STDOUT_FILENO),
                                              .elapsed = elapsed,
                                              .workers = (int)chosen->jobs,
                                              .database = request_other_database(request),
                                              .replicates = chosen->replicates,
                                              .again = request_again(request, request->set)},
                     stdout);
        fflush(stdout);
        if (!chosen->no_report)
            write_page(request, store, &comparison);
    }
    fflush(stdout);
    arena_close(&arena);
    return done;
}

// "a.yaml b.yaml --replicates 5 --db FILE": the words and options that make a command the same.
static const char *same_command(const struct request *request)
{
    const struct run_options *chosen = request->options;
    struct text text = {0};
    for (int i = 0; i < request->word_count; i++) {
        text_add(&text, "%s", i ? " " : "");
        text_add_word(&text, request->words[i]);
    }
    if (chosen->replicates > 0)
        text_add(&text, " --replicates %lld", (long long)chosen->replicates);
    text_add(&text, "%s", request_again(request, request->set));
    return text_keep(&text, request->arena);
}

static bool judge(const struct request *request, const struct plan *plan, const struct runner_result *result,
                  struct error *error)
{
    if (result->interrupted)
        return error_add(error,
                         "%s: interrupted with %d of %d runs left; nothing is lost, the same command continues: ablate run %s",
                         plan->experiment->name, result->left, plan->run_count, same_command(request));
    if (result->failed)
        return error_add(error, "%s: %d of %d runs failed; ablate runs says why, the same command tries them again",
                         plan->experiment->name, result->failed, plan->run_count);
    return true;
}

static bool run_plan(const struct request *request, struct store *store, const char *checkpoints, struct plan *plan,
                     bool *interrupted, struct error *error)
{
    const struct run_options *chosen = request->options;
    struct plan_reuse reuse;
    struct runner_result result = {0};
    struct progress progress;
    if (!plan_save(plan, store, error) || !plan_look_up(plan, store, &reuse, error))
        return false;
    print_notes(plan, &reuse, chosen->quiet);
    const struct runner_options how = {
        .jobs = (int)chosen->jobs,
        .threads = (int)chosen->threads,
        .time_limit = chosen->time_limit,
        .hang_limit = chosen->hang_limit,
        .checkpoints = checkpoints,
        .plugins = request->plugins,
    };
    progress_open(&progress, store, chosen->quiet);
    struct runner_watch watch = progress_watch(&progress);
    double began = clock_seconds();
    bool done = runner_run(store, plan, &how, &watch, &result, error);
    progress_close(&progress);
    *interrupted = result.interrupted;
    bool ran = result.finished + result.diverged + result.failed > 0;
    if (done && !print_answer(request, store, plan, ran ? clock_seconds() - began : 0, error))
        return false;
    return done && judge(request, plan, &result, error);
}

static bool run(const struct request *request, struct error *error)
{
    const struct run_options *chosen = request->options;
    struct sweep sweep;
    struct store *store = NULL;
    bool done = read_sweep(request, &sweep, error), interrupted = false;
    const char *checkpoints = arena_format(request->arena, "%s/checkpoints", store_place(request->database, request->arena));
    if (done && !chosen->dry_run)
        done = store_open(&store, request->database, STORE_WRITE, error);
    for (int i = 0; done && store && i < sweep.planned; i++)
        done = store_experiment_check(store, sweep.experiments[i].name, sweep.experiments[i].file, error);
    bool is_ready = done;
    for (int i = 0; is_ready && i < sweep.planned && !interrupted; i++) {
        if (chosen->dry_run)
            done = run_dry(request, &sweep.plans[i], error) && done;
        else
            done = run_plan(request, store, checkpoints, &sweep.plans[i], &interrupted, error) && done;
    }
    store_close(store);
    close_sweep(&sweep);
    return done;
}

const struct verb verb_run = {
    .name = "run",
    .summary = "runs an experiment's missing runs and prints the answer",
    .words_help = "FILE|NAME...",
    .words_min = 1,
    .words_max = -1,
    .example = "ablate run experiments/demo.yaml",
    .options = options,
    .options_size = sizeof(struct run_options),
    .database = true,
    .sets = true,
    .run = run,
};
