// worker.h: carries out one run in a process of its own and tells the runner what happens; see messages.h.
//
// Reads the run from stdin, trains it (train/train.h) and sends messages on what was stdout. It dies with the runner. Trouble
// is sent as a message; a crash is the runner's to notice.
#ifndef SWEEP_WORKER_H
#define SWEEP_WORKER_H

#include "base/error.h"
#include "sweep/messages.h"

// The whole life of a worker process; called by the hidden verb.
bool worker_main(struct error *error);

// Every key of a run with its value as run_set reads it back, ended by name NULL: what a `run` message carries. In `arena`.
const struct fact *worker_values(const struct run *run, struct arena *arena);

#endif
