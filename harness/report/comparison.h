// comparison.h: an experiment's runs become an answer: per arm its loss, its difference to the baseline, and a verdict.
//
// Who calls it: `ablate compare`, the screen of `ablate run`, plots and the report. Only runs that finished count, on the seeds
// that are complete in every counted arm. An arm counts unless one of its seeds diverged (the survivors are not averaged; its
// divergences are compared instead), or one misses what the experiment requires (it did not learn what it is compared on), or
// so many of its runs failed or were excluded that it can never have two. What does not count is listed, and no value is ever
// filled in.
#ifndef REPORT_COMPARISON_H
#define REPORT_COMPARISON_H

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "registry/expectation.h"
#include "report/statistics.h"
#include "store/store.h"
#include "store/view.h"

struct comparison_arm {
    const char *name, *differs;
    bool is_baseline, is_placebo;
    bool counted;                                      // see above
    bool compared;                                     // counted, and its baseline is: one of the m arms of the family
    int finished, diverged, failed, excluded, pending; // runs: these five add up to the experiment's seeds
    double missed;        // the least value of what is required, where that is too little (-inf: unknown); otherwise NaN
    const double *values; // [seed_count]: the metric of each seed; NaN where there is no finished run
    double value;         // mean of the metric over the shared seeds; NaN where the arm does not count
    double excess;        // the same above the floor; NaN where no floor is known
    struct difference difference; // to the baseline, over the shared seeds; NaN where not compared
    double divergence_p;          // Fisher's exact test against the baseline; NaN where neither diverged
    int seeds_needed;             // for the seen delta, when not distinguishable; otherwise 0
    double tokens_per_s;          // geometric mean over the arm's finished and diverged runs; NaN: none
    struct difference speed;      // of log(tokens_per_s), same formula; exploratory; NaN where not compared
    bool shared_machine;          // some of the runs ran beside others: speed and time are marked
    double peak_bytes;            // largest over seeds; NaN: unknown
    double parameters, parameters_without_embeddings, flops; // NaN: no run yet
    double seconds;                                          // mean of a run; NaN: none
    // As stored with the runs; NULL where no run says.
    const char *data, *steps, *learning_rate, *attention, *length;
};

// A run that does not count, and why.
struct comparison_gap {
    const char *arm;
    int64_t seed;
    enum run_state state;
    const char *reason;  // the exclusion's, or NULL
    int64_t diverged_at; // step, or -1
};

struct comparison {
    const struct experiment_view *view;
    struct requirement requirement; // metric NULL: none
    struct comparison_arm *arms;    // [arm_count], in the view's order
    int arm_count;
    int compared;                   // m
    const int *shared;              // [shared_count]: places in view->seeds that are complete in every counted arm
    int shared_count;               // n
    double alpha;                   // of the family at this look
    bool exploratory;               // seeds were added, or the comparison declared, after a look
    double floor;                   // NaN: unknown, or not the same for all
    double seed_deviation, pairing; // statistics.h; NaN where unknown
    double block_error;             // of the test loss, from the choice of its text; NaN: unknown
    int finished, pending, diverged, failed, excluded; // runs of the experiment
    double seconds;                                    // of all runs that ran, added up
    double seconds_per_seed;                           // of all arms, for one more seed; NaN: unknown
    struct comparison_gap *gaps;                       // [gap_count]: diverged, failed and excluded runs
    int gap_count;
};

// Reads the newest stored version of an experiment, by its name, or by its file when `experiment` ends in .yaml or .yml.
// Everything lives in `arena`.
bool comparison_open(struct store *store, const char *experiment, struct arena *arena, struct comparison *comparison,
                     struct error *error);

// The experiment's file as stored, as a tree; NULL where it is none.
const struct yaml *comparison_file(const struct experiment_view *view, struct arena *arena);

// What comparison_open reads beside the view; comparison_make is the pure rest. The view must outlive the comparison.
struct comparison_values {
    const double *metric;      // [arm_count, seed_count]: the primary metric at the end; NaN where none
    const double *excess;      // the same above the floor; NaN where unknown
    const double *required;    // the metric that the experiment requires; NULL where it requires none
    const double *block_error; // standard error of the test loss over blocks of its text; NaN where unknown
    const char *const *data, *const *steps, *const *learning_rate; // [arm_count]; NULL where unknown
    const char *const *attention, *const *length;                  // likewise
    struct requirement requirement;                                // metric NULL: none
};
void comparison_make(const struct experiment_view *view, const struct comparison_values *values, struct arena *arena,
                     struct comparison *comparison);

// The unit of the metric, from its name and the data: "nats per byte", or "" where it has none.
const char *comparison_unit(const struct comparison *comparison);
// Whether a metric's name ends so, "_loss" say, but for the attention it was evaluated with: val_loss@full is a loss.
bool comparison_metric_is(const char *metric, const char *end);
// What no model can fall below, as a value of the metric: 0 where the metric is itself an excess, NaN where it is unknown.
double comparison_floor(const struct comparison *comparison);

#endif
