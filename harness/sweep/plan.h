// plan.h: an experiment spanned over its seeds: the runs in the order they are carried out, and which of them exist.
//
// Seed by seed, all arms of one seed in an order drawn from the seed, so that an interrupted sweep leaves complete pairs and no
// arm is always the first. Two arms that are the same run share it. Refuses data that cannot be read: its hash is part of a
// run; and sources of initial weights that the database does not hold.
#ifndef SWEEP_PLAN_H
#define SWEEP_PLAN_H

#include "base/error.h"
#include "store/store.h"
#include "sweep/experiment.h"

struct planned_run {
    char id[RUN_ID_SIZE];
    int arm; // index into the experiment's arms; the first of those that share the run
    int64_t seed;
    enum run_state state; // RUN_FINISHED and RUN_DIVERGED as the store has it, RUN_PLANNED otherwise; then as it goes
    double seconds;       // that it took here; 0: not run here
};

struct plan {
    const struct experiment *experiment;
    const char **data_hashes;    // [arm]
    const char **arm_runs;       // [arm * replicates + replicate]: ids
    const struct choice **inits; // [arm * replicates + replicate]: with the source's id; NULL: as the arm has it
    const char *weights;         // the folder of what runs keep; NULL without a database
    struct planned_run *runs;    // each once, in order
    int run_count;
    struct arena arena;
};

// `experiment` must outlive the plan. Opens each distinct data set once, to know its hash, and reads the database, where runs
// start from others. `database` NULL: none do.
bool plan_open(struct plan *plan, const struct experiment *experiment, const char *database, struct error *error);
void plan_close(struct plan *plan);

// Stores the experiment and its planned runs, before the first of them.
bool plan_save(const struct plan *plan, struct store *store, struct error *error);

// What the store knows of the runs. Sets their states; one that was interrupted or failed, or should have kept its weights and
// did not, is planned again. Refuses a planned run whose source has not finished or kept no weights.
struct plan_reuse {
    int runs;             // finished or diverged already
    int failed;           // failed before
    int of_other_commits; // of these, made by another commit than this program's
    char commit[64];      // one of those commits
};
bool plan_look_up(struct plan *plan, struct store *store, struct plan_reuse *reuse, struct error *error);

// The run itself: the arm's with its seed and its source. `run` is the caller's.
void plan_run(const struct plan *plan, const struct planned_run *planned, struct run *run);
const struct arm *plan_arm(const struct plan *plan, const struct planned_run *planned);
// Runs that neither finished nor diverged.
int plan_left(const struct plan *plan);

#endif
