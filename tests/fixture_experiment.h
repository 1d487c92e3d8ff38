// fixture_experiment.h: a database with one made-up experiment: curves, costs, an answer of every kind.
#ifndef TESTS_FIXTURE_EXPERIMENT_H
#define TESTS_FIXTURE_EXPERIMENT_H

#include <stdbool.h>

#include "base/error.h"

struct fixture_arm {
    const char *name;
    double effect; // on the loss, beside the baseline's
    double cost;   // factor on time and memory
    int diverged;  // of its first seeds
    bool is_placebo, is_missing_one, is_failed_one;
};
struct fixture {
    const char *name;               // of the experiment
    const struct fixture_arm *arms; // the baseline first, ended by name NULL
    int seeds;
    bool planned_only; // no run has begun
    bool without_floor;
};
extern const struct fixture fixture_demo; // better, worse, equivalent, not distinguishable, a placebo, a diverging one
extern const double fixture_floor;
// Of every run's loss under sliding(window=16), which its experiment evaluates with too, beside the level where its own ends.
extern const double fixture_eval_as_cost;

bool fixture_write(const struct fixture *fixture, const char *database, struct error *error);

#endif
