// attempt.h: one worker process at one run, from its start to what became of it.
//
// Called by the runner, which decides what follows from an outcome.
#ifndef SWEEP_ATTEMPT_H
#define SWEEP_ATTEMPT_H

#include "sweep/record.h"

struct attempt {
    struct child child;
    struct record record;
    bool is_open;
    double began, heard;    // clock: when it started, when it last spoke
    struct text over_limit; // why it was killed; empty: it was not
};

enum outcome {
    OUTCOME_ENDED,   // finished or diverged, and stored as such
    OUTCOME_TROUBLE, // refused, met trouble, or was over a limit: trying again would not help
    OUTCOME_CRASHED,
    OUTCOME_STALE, // its checkpoint must go; then it can be started again
};

// Starts a worker and hands it the run. False when no process can be started.
bool attempt_open(struct attempt *attempt, struct store *store, const struct message *request, const char *data_hash,
                  const char *const *plugins, struct error *error);
// Stores what the worker has said up to now; one that cannot be understood is killed. False is trouble with the store.
bool attempt_listen(struct attempt *attempt, struct error *error);
// Kills the worker for being over a limit.
void attempt_limit(struct attempt *attempt, const char *reason);
// Of a worker whose process has ended: stores its last words and says what became of it, with the reason where it is not ENDED.
// False is trouble with the store; the attempt is closed all the same.
bool attempt_close(struct attempt *attempt, enum outcome *outcome, struct text *reason, struct error *error);
// Kills the worker and forgets what it did not yet say.
void attempt_abandon(struct attempt *attempt);

#endif
