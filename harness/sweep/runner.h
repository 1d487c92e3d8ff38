// runner.h: carries out a plan: one worker process per run, several at once, everything they say stored as it comes.
//
// A run that crashes is tried again from its checkpoint; one that diverged is a result; one that takes too long, falls silent
// or meets trouble has failed, with the reason. SIGINT and SIGTERM stop the workers and keep everything: the same command
// continues. Where the user leaves it open, trials find how many run at once and with how many threads; which changes no run's
// bits. This process multiplies nothing: products and their threads live in the workers.
#ifndef SWEEP_RUNNER_H
#define SWEEP_RUNNER_H

#include "base/error.h"
#include "store/store.h"
#include "sweep/plan.h"

enum { CRASH_RETRIES = 2 };

struct runner_options {
    int jobs, threads;          // workers at once, threads of each; 0: as trial.h finds
    double time_limit;          // seconds of a run, all its attempts here together; 0: none
    double hang_limit;          // seconds between two words of a worker; 0: none
    const char *checkpoints;    // the folder of <run id>.safetensors
    const char *const *plugins; // for the workers to load; NULL-ended
};

// A place where a worker runs, as watchers see it.
struct runner_place {
    const struct planned_run *run; // NULL: nothing runs here
    int64_t step, steps;           // done, and of the whole run
    double loss, tokens_per_s;     // the newest; NaN where there is none
    double seconds;                // since the attempt began
    int64_t resumed_from_step;
};
struct runner_status {
    const struct plan *plan;
    const struct runner_place *places; // [jobs]
    int jobs;
    int reused, finished, diverged, failed; // of this plan's runs; the last three here and now
    double seconds, seconds_left;           // since the start; NaN while nothing is known
};

// What runs and waits, by what runs took so far; NaN while nothing is known.
double runner_seconds_left(const struct runner_status *status);

// Called from the runner's thread; every call may be NULL.
struct runner_watch {
    void *context;
    // A run has ended; `trouble` says why it failed, or is NULL.
    void (*ended)(void *context, const struct runner_status *status, const struct planned_run *run, const char *trouble);
    void (*note)(void *context, const char *line);                   // for people: a retry, a checkpoint not used
    void (*tick)(void *context, const struct runner_status *status); // a few times a second
};

struct runner_result {
    int finished, diverged, failed, left;
    bool interrupted;
};

// False when the store or the machine cannot go on; what was stored stays. An interruption and failed runs are in `result`.
bool runner_run(struct store *store, struct plan *plan, const struct runner_options *options, const struct runner_watch *watch,
                struct runner_result *result, struct error *error);

#endif
