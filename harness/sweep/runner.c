// runner.c: the loop over workers: start, listen, watch the clock, conclude.
#include "sweep/runner.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/attempt.h"
#include "sweep/checkpoints.h"
#include "sweep/stop.h"
#include "sweep/trial.h"
#include "sweep/worker.h"

static const int TICK_MILLISECONDS = 200;
enum { POLLS_EACH = 3 }; // of a worker: its messages, its stderr, its end

struct worker {
    struct attempt attempt;
    struct planned_run *run; // NULL: idle
    int crashes;
    double began; // clock: of the run's first attempt here
};

struct runner {
    struct store *store;
    struct plan *plan;
    const struct runner_options *options;
    const struct runner_watch *watch;
    struct runner_status status;
    struct runner_place *places;
    struct worker *workers;
    struct pollfd *polls; // POLLS_EACH for every worker, then the signals
    struct run *run;      // of the worker being started
    int next;             // runs before it were taken
    int untaken;          // runs from there on that are to be run
    struct split_choice choice;
    struct split split; // now: the choice's, or its tail's
    struct stop stop;
    bool interrupted;
    double began;
    struct error *error;
};

static bool is_done(const struct planned_run *run) { return run->state == RUN_FINISHED || run->state == RUN_DIVERGED; }

static void note(const struct runner *runner, const struct planned_run *run, const char *what, const char *then)
{
    struct text line = {0};
    text_add(&line, "%s, seed %lld: %s; %s", plan_arm(runner->plan, run)->name, (long long)run->seed, what, then);
    if (runner->watch->note)
        runner->watch->note(runner->watch->context, line.data);
    text_free(&line);
}

// ---- Starting ---------------------------------------------------------------------------------------------------------------

static bool is_busy(const struct runner *runner)
{
    for (int i = 0; i < runner->choice.split.jobs; i++)
        if (runner->workers[i].run)
            return true;
    return false;
}

// The last runs, where they get the machine in a way of their own, begin when all others have ended.
static bool must_wait(struct runner *runner)
{
    const struct split_choice *choice = &runner->choice;
    if (!choice->tail_runs || runner->untaken > choice->tail_runs || runner->split.jobs == choice->tail.jobs)
        return false;
    if (is_busy(runner))
        return true;
    runner->split = choice->tail;
    return false;
}

static struct planned_run *next_run(struct runner *runner)
{
    while (runner->next < runner->plan->run_count) {
        struct planned_run *run = &runner->plan->runs[runner->next++];
        if (is_done(run))
            continue;
        runner->untaken--;
        return run;
    }
    return NULL;
}

// Another run is beside this one, or will be as soon as the next place is filled.
static bool shares_machine(const struct runner *runner, const struct worker *worker)
{
    for (int i = 0; i < runner->choice.split.jobs; i++)
        if (&runner->workers[i] != worker && runner->workers[i].run)
            return true;
    int later = runner->split.jobs == runner->choice.tail.jobs ? 0 : runner->choice.tail_runs;
    return runner->split.jobs > 1 && runner->untaken > later;
}

static bool start(struct runner *runner, struct worker *worker, struct planned_run *run)
{
    struct arena arena = {0};
    char *checkpoint = checkpoints_path(runner->options->checkpoints, run->id);
    plan_run(runner->plan, run, runner->run);
    struct message request = {
        .kind = MESSAGE_RUN,
        .id = run->id,
        .values = worker_values(runner->run, &arena),
        .threads = runner->split.threads,
        .checkpoint = checkpoint,
        .weights = runner->plan->weights,
    };
    worker->run = run;
    run->state = RUN_RUNNING;
    runner->places[worker - runner->workers] = (struct runner_place){
        .run = run,
        .steps = runner->run->train.steps,
        .loss = NAN,
        .tokens_per_s = NAN,
    };
    bool done = store_run_start(runner->store, run->id, shares_machine(runner, worker), runner->error) &&
                attempt_open(&worker->attempt, runner->store, &request, runner->plan->data_hashes[run->arm],
                             runner->options->plugins, runner->error);
    free(checkpoint);
    arena_close(&arena);
    return done;
}

static bool fill_places(struct runner *runner)
{
    for (int i = 0; i < runner->split.jobs; i++) {
        struct worker *worker = &runner->workers[i];
        struct planned_run *run = worker->run || must_wait(runner) ? NULL : next_run(runner);
        if (!run)
            continue;
        worker->crashes = 0;
        worker->began = clock_seconds();
        if (!start(runner, worker, run))
            return false;
    }
    return true;
}

// ---- Concluding -------------------------------------------------------------------------------------------------------------

static void leave_place(struct runner *runner, struct worker *worker, const char *trouble)
{
    const struct planned_run *run = worker->run;
    worker->run = NULL;
    runner->places[worker - runner->workers] = (struct runner_place){0};
    runner->status.finished += run->state == RUN_FINISHED;
    runner->status.diverged += run->state == RUN_DIVERGED;
    runner->status.failed += run->state == RUN_FAILED;
    if (runner->watch->ended)
        runner->watch->ended(runner->watch->context, &runner->status, run, trouble);
}

static bool fail(struct runner *runner, struct worker *worker, const char *reason)
{
    if (!store_run_fail(runner->store, worker->run->id, reason, runner->error))
        return false;
    worker->run->state = RUN_FAILED;
    leave_place(runner, worker, reason);
    return true;
}

static bool retry_or_fail(struct runner *runner, struct worker *worker, const char *how)
{
    if (++worker->crashes <= CRASH_RETRIES) {
        note(runner, worker->run, how, "tried again from its checkpoint");
        return start(runner, worker, worker->run);
    }
    struct text reason = {0};
    text_add(&reason, "crashed %d times; the last worker %s", worker->crashes, how);
    bool done = fail(runner, worker, reason.data);
    text_free(&reason);
    return done;
}

// A checkpoint that stayed would be found ahead again, for ever.
static bool start_over_or_fail(struct runner *runner, struct worker *worker)
{
    if (checkpoints_remove(runner->options->checkpoints, worker->run->id)) {
        note(runner, worker->run, "its checkpoint is ahead of the database", "started over");
        return start(runner, worker, worker->run);
    }
    struct text reason = {0};
    text_add(&reason, "its checkpoint is ahead of the database and cannot be removed from %s: %s", runner->options->checkpoints,
             file_trouble(errno));
    bool done = fail(runner, worker, reason.data);
    text_free(&reason);
    return done;
}

// The process is dead: what does that make of its run?
static bool conclude(struct runner *runner, struct worker *worker)
{
    struct text reason = {0};
    enum outcome outcome;
    struct planned_run *run = worker->run;
    bool diverged = false, done = attempt_close(&worker->attempt, &outcome, &reason, runner->error);
    if (!done)
        goto cleanup;
    switch (outcome) {
    case OUTCOME_ENDED:
        diverged = worker->attempt.record.diverged;
        run->state = diverged ? RUN_DIVERGED : RUN_FINISHED;
        run->seconds = clock_seconds() - worker->attempt.began;
        checkpoints_remove(runner->options->checkpoints, run->id);
        leave_place(runner, worker, NULL);
        break;
    case OUTCOME_TROUBLE:
        done = fail(runner, worker, reason.data);
        break;
    case OUTCOME_STALE:
        done = start_over_or_fail(runner, worker);
        break;
    case OUTCOME_CRASHED:
        done = retry_or_fail(runner, worker, reason.data);
        break;
    }
cleanup:
    text_free(&reason);
    return done;
}

static void stop_all(struct runner *runner)
{
    struct error ignored = {0}; // the run is then found in state `running`, which means the same
    for (int i = 0; i < runner->choice.split.jobs; i++) {
        struct worker *worker = &runner->workers[i];
        if (worker->attempt.is_open)
            attempt_abandon(&worker->attempt);
        if (!worker->run)
            continue;
        store_run_interrupt(runner->store, worker->run->id, &ignored);
        worker->run->state = RUN_PLANNED;
        worker->run = NULL;
    }
}

// ---- The loop ---------------------------------------------------------------------------------------------------------------

static void check_limits(const struct runner *runner, struct worker *worker)
{
    const struct runner_options *options = runner->options;
    struct attempt *attempt = &worker->attempt;
    double now = clock_seconds();
    struct text reason = {0};
    if (options->time_limit > 0 && now - worker->began > options->time_limit)
        text_add(&reason, "took longer than the time limit of %g s, at step %lld; raise --time-limit and run it again",
                 options->time_limit, (long long)attempt->record.step);
    else if (options->hang_limit > 0 && now - attempt->heard > options->hang_limit)
        text_add(&reason, "said nothing for %g s after step %lld, as if it hung; raise --hang-limit if its steps are that long",
                 options->hang_limit, (long long)attempt->record.step);
    if (reason.length && !attempt->over_limit.length)
        attempt_limit(attempt, reason.data);
    text_free(&reason);
}

static void set_poll(struct pollfd *poll, bool wanted, int file)
{
    *poll = (struct pollfd){.fd = wanted ? file : -1, .events = POLLIN};
}

static bool wait_for_something(struct runner *runner)
{
    int jobs = runner->choice.split.jobs;
    for (int i = 0; i < jobs; i++) {
        const struct child *child = &runner->workers[i].attempt.child;
        bool is_open = runner->workers[i].attempt.is_open;
        set_poll(&runner->polls[POLLS_EACH * i], is_open && !child->messages.ended, child->messages.file);
        set_poll(&runner->polls[POLLS_EACH * i + 1], is_open && !child->complaints.ended, child->complaints.file);
        set_poll(&runner->polls[POLLS_EACH * i + 2], is_open, child->exit_notice);
    }
    set_poll(&runner->polls[POLLS_EACH * jobs], true, runner->stop.file);
    if (poll(runner->polls, (nfds_t)(POLLS_EACH * jobs + 1), TICK_MILLISECONDS) < 0 && errno != EINTR)
        return error_add(runner->error, "the workers cannot be waited for: %s; the same command continues", strerror(errno));
    runner->interrupted = stop_is_asked(&runner->stop);
    return true;
}

static bool attend(struct runner *runner, struct worker *worker, const struct pollfd *polls)
{
    if (!worker->attempt.is_open)
        return true;
    if (polls[0].revents && !attempt_listen(&worker->attempt, runner->error))
        return false;
    if (polls[1].revents)
        child_listen(&worker->attempt.child);
    if (polls[2].revents)
        return conclude(runner, worker);
    check_limits(runner, worker);
    return true;
}

static void show(struct runner *runner)
{
    double now = clock_seconds();
    for (int i = 0; i < runner->choice.split.jobs; i++) {
        const struct attempt *attempt = &runner->workers[i].attempt;
        struct runner_place *place = &runner->places[i];
        if (!place->run)
            continue;
        place->step = attempt->record.step;
        place->resumed_from_step = attempt->record.resumed_from_step;
        place->loss = attempt->record.loss;
        place->tokens_per_s = attempt->record.tokens_per_s;
        place->seconds = now - attempt->began;
    }
    runner->status.seconds = now - runner->began;
    runner->status.seconds_left = runner_seconds_left(&runner->status);
    if (runner->watch->tick)
        runner->watch->tick(runner->watch->context, &runner->status);
}

static bool loop(struct runner *runner)
{
    while (fill_places(runner)) {
        show(runner);
        if (!is_busy(runner))
            return true;
        if (!wait_for_something(runner))
            return false;
        if (runner->interrupted)
            return true;
        for (int i = 0; i < runner->choice.split.jobs; i++)
            if (!attend(runner, &runner->workers[i], &runner->polls[POLLS_EACH * i]))
                return false;
    }
    return false;
}

static void choose(struct runner *runner)
{
    struct text line = {0};
    const struct runner_options *options = runner->options;
    trial_choose(runner->plan,
                 &(struct trial_options){.jobs = options->jobs,
                                         .threads = options->threads,
                                         .plugins = options->plugins,
                                         .stop = runner->stop.file},
                 &runner->choice);
    runner->split = runner->choice.split;
    if (isnan(runner->choice.seconds) || !runner->watch->note)
        return;
    split_choice_print(&runner->choice, &line);
    runner->watch->note(runner->watch->context, line.data);
    text_free(&line);
}

static void open_places(struct runner *runner)
{
    size_t jobs = (size_t)runner->choice.split.jobs;
    runner->places = memory_allocate(jobs, sizeof *runner->places);
    runner->workers = memory_allocate(jobs, sizeof *runner->workers);
    runner->polls = memory_allocate(POLLS_EACH * jobs + 1, sizeof *runner->polls);
    runner->status.places = runner->places;
    runner->status.jobs = (int)jobs;
}

bool runner_run(struct store *store, struct plan *plan, const struct runner_options *options, const struct runner_watch *watch,
                struct runner_result *result, struct error *error)
{
    struct runner runner = {
        .store = store, .plan = plan, .options = options, .watch = watch, .untaken = plan_left(plan), .error = error};
    messages_open();
    runner.run = memory_allocate(1, sizeof *runner.run);
    runner.began = clock_seconds();
    runner.status = (struct runner_status){.plan = plan};
    for (int i = 0; i < plan->run_count; i++)
        if (is_done(&plan->runs[i])) {
            runner.status.reused++;
            checkpoints_remove(options->checkpoints, plan->runs[i].id);
        }
    bool done = stop_open(&runner.stop, error) && folder_create(options->checkpoints, error);
    if (done) {
        choose(&runner);
        open_places(&runner);
        runner.interrupted = stop_is_asked(&runner.stop);
        done = runner.interrupted || loop(&runner);
        stop_all(&runner);
    }
    *result = (struct runner_result){runner.status.finished, runner.status.diverged, runner.status.failed, plan_left(plan),
                                     runner.interrupted};
    free(runner.places);
    free(runner.workers);
    free(runner.polls);
    free(runner.run);
    stop_close(&runner.stop);
    return done;
}
