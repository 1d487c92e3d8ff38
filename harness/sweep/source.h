// source.h: the runs that a plan's runs start from: `init: run(ID)`, or `init: run(experiment=NAME, arm=ARM)` by seed.
//
// Called by the plan alone. Refuses what the database does not hold, what has not finished, and what kept no weights, each with
// the command that mends it.
#ifndef SWEEP_SOURCE_H
#define SWEEP_SOURCE_H

#include "base/error.h"
#include "registry/run.h"
#include "store/store.h"

// The init of a run of this seed with its source's id in it, allocated in the arena. `run` has a source.
const struct choice *source_find(struct store *store, const struct run *run, int64_t seed, struct arena *arena,
                                 struct error *error);

// Whether the run of this id has finished and its weights are in the folder.
bool source_is_kept(struct store *store, const char *id, const char *weights, struct error *error);

#endif
