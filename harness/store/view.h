// view.h: what a report reads of an experiment: its arms, their runs, and the series of a run. Read only.
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "base/error.h"
#include "base/memory.h"
#include "store/store.h"

struct run_view {
    char id[17];
    enum run_state state;
    int64_t seed;
    int64_t diverged_at; // step, or -1
    int64_t parameters, parameters_without_embeddings;
    double flops; // training, products
    double planned_bytes, peak_bytes;
    double seconds, tokens_per_s; // tokens_per_s: median over the run
    bool shared_machine;          // other runs ran beside it
    const char *exclusion;        // why it is left out; NULL when it is not
    double floor;                 // the source's own loss on the test tokens; NaN where unknown
};

struct arm_view {
    const char *name;      // "ffn=swiglu", as shown in tables; "(base)" for the baseline
    const char *differs;   // "ffn=swiglu, train.lr=0.01": the keys that differ from the baseline; "" for it
    bool is_placebo;       // differs in train.nudge alone
    struct run_view *runs; // [seed_count] of the view; state RUN_PLANNED with an empty id where missing
};

struct experiment_view {
    const char *name, *description, *file, *hash, *text;
    const char *metric; // the primary one
    bool maximize;
    double margin; // NaN: none declared
    int arm_count, seed_count, baseline;
    int64_t *seeds;
    struct arm_view *arms;   // the baseline first
    int looks;               // times the comparison was extended by more seeds: 1 for the first
    bool extension_declared; // by `replicates: {first, max}`, before the runs: every look has a level of its own
    int declared_after;      // runs that had finished when this metric, goal, margin and baseline were first stored; 0: none
    const char *match;       // "params by ffn.d_ff" and what is left, or NULL
};

// The experiment's newest stored version, by its name or its file. Strings live in `arena`.
bool view_open(struct store *store, const char *experiment, struct arena *arena, struct experiment_view *view,
               struct error *error);
// Names of all experiments, newest first, NULL-ended.
bool view_experiments(struct store *store, struct arena *arena, const char *const **names, struct error *error);

// A run on its own, for lists of runs.
struct run_row {
    struct run_view run;
    int64_t attempts, resumed_from_step;
    int64_t started_at;            // unix time; 0: not yet
    const char *experiments, *arm; // "demo, glu-variants"; its arm in the newest of them
    const char *commit;            // of the program that ran it; "" before it began
    const char *failure;           // NULL: none
    const char *started_from;      // the run whose weights it began with; NULL: none
};
// All runs in the order they were planned, or those of one experiment (by name); `experiment` may be NULL.
bool view_runs(struct store *store, const char *experiment, struct arena *arena, int *count, const struct run_row **rows,
               struct error *error);

struct series {
    int64_t count;
    int64_t *steps;
    double *values; // non-finite values as they were
};
// All rows of one metric of one run, by step; count 0 where there are none. "tokens_per_s" reads the throughput.
bool view_series(struct store *store, const char *run, const char *metric, struct arena *arena, struct series *series,
                 struct error *error);
// The last value of a metric; NaN where there is none. "tokens_per_s" reads the median over the run.
bool view_final(struct store *store, const char *run, const char *metric, double *value, struct error *error);
// An option of a run as stored ("model.d_model"), or NULL.
bool view_option(struct store *store, const char *run, const char *key, struct arena *arena, const char **value,
                 struct error *error);

// Provenance of a run, in stored order, ended by name NULL.
bool view_provenance(struct store *store, const char *run, struct arena *arena, const struct fact **facts, struct error *error);

struct event_view {
    int64_t step;
    const char *kind, *detail;
    double value, threshold;
};
bool view_events(struct store *store, const char *run, struct arena *arena, int *count, const struct event_view **events,
                 struct error *error);

// A set of benchmarks: by its number, by the commit (or its first digits) of the program that measured it, or "last". The
// newest where several fit.
struct benchmark_set_view {
    int64_t number, stored_at;
    const char *commit;
    struct store_benchmark_set set; // facts are not read
};
bool view_benchmarks(struct store *store, const char *which, struct arena *arena, struct benchmark_set_view *view,
                     struct error *error);

#endif
