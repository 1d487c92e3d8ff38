// trial.h: which split of the machine ends a sweep first, found by trying.
//
// The run that costs most is tried in each split worth it, as many at once as would run at once, for a second or so each. A
// sweep too short to pay for that, a single run and a machine of one core go by split_rule. Nothing is stored, and no run's
// bits depend on what is chosen. Called by the runner before its first run, and by `ablate run --dry-run`.
#ifndef SWEEP_TRIAL_H
#define SWEEP_TRIAL_H

#include "sweep/plan.h"
#include "sweep/split.h"

struct trial_options {
    int jobs, threads; // as the user chose them; 0: to be found. Where one is given the other follows by rule
    const char *const *plugins;
    int stop; // a file that can be read when the user has had enough; -1: none
};

// `plan` has been looked up. Cannot fail: a run that cannot be tried leaves the rule, and its trouble to the run itself.
void trial_choose(const struct plan *plan, const struct trial_options *options, struct split_choice *choice);

#endif
