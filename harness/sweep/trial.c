// trial.c: see trial.h.
#include "sweep/trial.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/resident.h"
#include "sweep/draft.h"
#include "sweep/rehearsal.h"

// A split is tried for so long, or so many steps where they are slow; the rate by which a sweep's length is judged beforehand
// is that of a fast core, so that the trials of a slower one are a smaller part of it.
static const double TRIAL_SECONDS = 0.8, SHORT_SECONDS = 30, FLOPS_PER_S = 4e10, PATIENCE_SECONDS = 120;
static const double MEMORY_SHARE = 0.9; // of the machine's, for all workers together
enum { TRIAL_STEPS = 3, SHORT_STEPS = 200, TRIAL_RUN_STEPS = 1000000000, POLL_MILLISECONDS = 100 };

// The runs that are left, by their work.
struct work {
    double *steps; // [left]: of the tried run's; what costs half counts half
    int left;
    const struct planned_run *tried; // the one that costs most
    double flops, trained_steps;     // of all together
};

static bool measure_work(const struct plan *plan, struct work *work)
{
    const struct experiment *experiment = plan->experiment;
    double *flops = memory_allocate((size_t)experiment->arm_count, sizeof *flops);
    struct error ignored = {0};
    bool done = true;
    *work = (struct work){.steps = memory_allocate((size_t)plan->run_count, sizeof *work->steps)};
    for (int i = 0; done && i < plan->run_count; i++) {
        const struct planned_run *planned = &plan->runs[i];
        const struct run *run = &plan_arm(plan, planned)->run;
        if (planned->state != RUN_PLANNED)
            continue;
        if (flops[planned->arm] == 0) {
            struct match_cost cost = {0};
            done = match_count(run, &cost, &ignored);
            flops[planned->arm] = cost.flops;
        }
        work->steps[work->left++] = flops[planned->arm];
        work->flops += flops[planned->arm];
        work->trained_steps += (double)run->train.steps;
        if (!work->tried || flops[planned->arm] > flops[work->tried->arm])
            work->tried = planned;
    }
    for (int i = 0; done && i < work->left; i++)
        work->steps[i] *= (double)plan_arm(plan, work->tried)->run.train.steps / flops[work->tried->arm];
    free(flops);
    return done && work->left > 0;
}

struct trial {
    const struct trial_options *options;
    const char *name, *id; // of the tried arm and run
    const char *weights;   // the folder that it may start from
    struct run *run;
    struct rehearsal *rehearsals; // [jobs of the split]
    struct pollfd *polls;         // the rehearsals, then the wish to stop
    bool stopped;
};

// One pass over `count` rehearsals; false when one of them is gone or the user has had enough.
static bool listen(struct trial *trial, int count)
{
    struct error ignored = {0};
    for (int i = 0; i < count; i++)
        trial->polls[i] = (struct pollfd){.fd = trial->rehearsals[i].child.messages.file, .events = POLLIN};
    trial->polls[count] = (struct pollfd){.fd = trial->options->stop, .events = POLLIN};
    poll(trial->polls, (nfds_t)count + 1, POLL_MILLISECONDS);
    trial->stopped = trial->polls[count].revents != 0;
    for (int i = 0; i < count; i++)
        if (!rehearsal_attend(&trial->rehearsals[i], trial->name, &ignored) || trial->rehearsals[i].ended > 0)
            return false;
    return !trial->stopped;
}

static bool all_begun(const struct trial *trial, int count)
{
    for (int i = 0; i < count; i++)
        if (trial->rehearsals[i].begun == 0)
            return false;
    return true;
}

static bool all_stepped(const struct trial *trial, int count)
{
    for (int i = 0; i < count; i++)
        if (trial->rehearsals[i].first == 0)
            return false;
    return true;
}

static bool all_timed(const struct trial *trial, int count)
{
    for (int i = 0; i < count; i++) {
        const struct rehearsal *rehearsal = &trial->rehearsals[i];
        if (rehearsal->last - rehearsal->first < TRIAL_SECONDS || rehearsal->last_step - rehearsal->first_step < TRIAL_STEPS)
            return false;
    }
    return true;
}

// Waits for `ready` of `count` rehearsals; false when that will not be.
static bool await(struct trial *trial, int count, bool (*ready)(const struct trial *trial, int count))
{
    double began = clock_seconds();
    while (!ready(trial, count))
        if (!listen(trial, count) || clock_seconds() - began > PATIENCE_SECONDS)
            return false;
    return true;
}

// All jobs of a split side by side: the mean of their steps, taken while none of them was missing. The first says what a run
// holds before the others are started; fewer of them are where memory does not reach.
static struct split_speed try_split(struct trial *trial, struct split split)
{
    struct error ignored = {0};
    double sum = 0;
    bool done = true;
    trial->rehearsals = memory_allocate((size_t)split.jobs, sizeof *trial->rehearsals);
    trial->polls = memory_allocate((size_t)split.jobs + 1, sizeof *trial->polls);
    for (int i = 0; done && i < split.jobs; i++) {
        done = rehearsal_open(&trial->rehearsals[i], trial->run, trial->id, split.threads, trial->weights,
                              trial->options->plugins, &ignored) &&
               (i > 0 || await(trial, 1, all_begun));
        if (i == 0)
            split_fit(&split, (int64_t)(MEMORY_SHARE * (double)resident_limit_bytes()), trial->rehearsals[0].planned_bytes);
    }
    done = done && await(trial, split.jobs, all_stepped);
    for (int i = 0; i < split.jobs; i++)
        rehearsal_forget(&trial->rehearsals[i]);
    done = done && await(trial, split.jobs, all_timed);
    for (int i = 0; i < split.jobs; i++) {
        sum += rehearsal_step_seconds(&trial->rehearsals[i]);
        rehearsal_close(&trial->rehearsals[i]);
    }
    free(trial->rehearsals);
    free(trial->polls);
    return (struct split_speed){split, done ? sum / split.jobs : NAN};
}

static bool is_short(const struct work *work, int cores)
{
    return work->flops / (cores * FLOPS_PER_S) < SHORT_SECONDS || work->trained_steps < SHORT_STEPS * cores;
}

static bool measure(const struct plan *plan, const struct trial_options *options, struct split_choice *choice)
{
    struct split candidates[SPLITS_MAX];
    struct split_speed speeds[SPLITS_MAX];
    struct work work;
    struct trial trial = {.options = options};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    bool done = measure_work(plan, &work) && !is_short(&work, cpu_cores());
    int count = 0;
    if (!done)
        goto cleanup;
    trial.run = memory_allocate(1, sizeof *trial.run);
    plan_run(plan, work.tried, trial.run);
    count = split_candidates(cpu_cores(), (int)trial.run->train.lanes, work.left, candidates);
    done = count > 1;
    // Nothing but steps, and no end of them.
    trial.run->train.steps = TRIAL_RUN_STEPS;
    trial.run->train.eval_every = 0;
    trial.name = plan_arm(plan, work.tried)->name;
    trial.weights = plan->weights;
    trial.id = work.tried->id;
    messages_open();
    sigaction(SIGPIPE, &ignore, &before); // a worker that died is noticed by its end
    for (int i = 0; done && i < count; i++) {
        speeds[i] = try_split(&trial, candidates[i]);
        done = !trial.stopped;
    }
    sigaction(SIGPIPE, &before, NULL);
    done = done && split_choose(speeds, count, work.steps, work.left, choice);
cleanup:
    free(trial.run);
    free(work.steps);
    return done;
}

void trial_choose(const struct plan *plan, const struct trial_options *options, struct split_choice *choice)
{
    int left = plan_left(plan);
    bool is_measured =
        options->jobs == 0 && options->threads == 0 && left > 1 && cpu_cores() > 1 && measure(plan, options, choice);
    if (!is_measured)
        *choice = (struct split_choice){.split = split_rule(cpu_cores(), left, options->jobs, options->threads),
                                        .seconds = NAN,
                                        .other_seconds = NAN};
}
