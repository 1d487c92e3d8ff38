// estimate.h: what a plan would cost, before it is run: time from short probes, memory from the workers' own plans, disk.
//
// Called by `ablate run --dry-run`. Each arm's worker is started and says its parameters, FLOPs and planned memory; one of each
// shape trains for a moment, as many at once as would run at once, and is stopped. Nothing is stored.
#ifndef SWEEP_ESTIMATE_H
#define SWEEP_ESTIMATE_H

#include "base/error.h"
#include "sweep/plan.h"
#include "sweep/split.h"

struct arm_estimate {
    int runs_left;
    int64_t parameters, planned_bytes;
    double flops;   // of a run's training
    double seconds; // of a run; NaN: the probe did not get to a second step
};
struct estimate {
    struct arm_estimate *arms; // [arm_count of the experiment]
    int runs_left;
    double seconds;       // of all that is left; NaN: unknown
    int64_t memory_bytes; // of the largest arms together that would run at once
    int64_t disk_bytes;   // rows and checkpoints
};

// `plan` has been looked up. False when an arm's worker refuses its run or cannot be started. Released by estimate_close.
bool estimate_open(struct estimate *estimate, const struct plan *plan, const struct split *split, const char *const *plugins,
                   struct error *error);
void estimate_close(struct estimate *estimate);

#endif
