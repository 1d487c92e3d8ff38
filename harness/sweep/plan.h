// plan.h: an experiment spanned over its seeds: the runs in the order they are carried out, and which of them exist.
//
// Seed by seed, all arms of one seed in an order drawn from the seed, so that an interrupted sweep leaves complete pairs and no
// arm is always the first. Two arms that are the same run share it. Refuses data that cannot be read: its hash is part of a run.
#ifndef SWEEP_PLAN_H
#define SWEEP_PLAN_H

#include "base/error.h"
#include "store/view.h"
#include "sweep/experiment.h"

struct planned_run {
    char id[RUN_ID_SIZE];
    int arm; // index into the experiment's arms; the first of those that share the run
    int64_t seed;
    enum run_state state; // as the store had it; RUN_PLANNED where it knew nothing, then as it goes
    double seconds;       // of a finished one; 0 where unknown
};

struct plan {
    const struct experiment *experiment;
    const char **data_hashes; // [arm]
    const char **arm_runs;    // [arm * replicates + replicate]: ids
    struct planned_run *runs; // each once, in order
    int run_count;
    struct arena arena;
};

// `experiment` must outlive the plan. Opens each distinct data set once, to know its hash.
bool plan_open(struct plan *plan, const struct experiment *experiment, struct error *error);
void plan_close(struct plan *plan);

// The run itself: the arm's with its seed. `run` is the caller's.
void plan_run(const struct plan *plan, const struct planned_run *planned, struct run *run);
const struct arm *plan_arm(const struct plan *plan, const struct planned_run *planned);
// Runs that neither finished nor diverged.
int plan_left(const struct plan *plan);

#endif
