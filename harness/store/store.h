// store.h: the database of runs: opened by the one runner that writes, or read-only by any number of readers.
//
// The only code that knows SQLite. It refuses a file that is not a database of ablate, or of another schema version, with what
// to do, and leaves it untouched. Every call that writes is one transaction: after a failure nothing of it is there, the store
// stays usable, and the same call may be made again. Writing the same rows twice leaves them as they are.
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "registry/run.h"

struct store;

enum run_state { RUN_PLANNED, RUN_RUNNING, RUN_FINISHED, RUN_DIVERGED, RUN_FAILED };
extern const char *const run_state_names[]; // "planned", "running", ... NULL-ended

enum store_mode { STORE_READ, STORE_WRITE };

// STORE_READ never creates a file. STORE_WRITE makes the database (and its folder) where there is none, and refuses a second
// writer: the lock is the file <path>.lock, held by this process and gone with it, however it ends.
bool store_open(struct store **store, const char *path, enum store_mode mode, struct error *error);
void store_close(struct store *store); // NULL is fine

// Where that which belongs to a database lies, checkpoints and pages: the folder of `results/ablate.db` is `results`, that of
// any other name, `results/x.db`, is `results/x` (`results/x.files` where the name has no ending), so that no two share one.
const char *store_place(const char *path, struct arena *arena);

// The process that holds the writer's lock now; 0: nobody, so that a run in state `running` was interrupted.
int64_t store_writer(const char *path);

// ---- An experiment, before its first run ------------------------------------------------------------------------------------

struct store_arm {
    const char *name, *differs; // as struct arm and struct arm_view say
    bool is_placebo;
    double match_left;
    const struct run *run;             // its seed is not read
    const char *const *ids;            // [seed_count] the identity of each run, in the order of `seeds`
    const struct choice *const *inits; // [seed_count] of each run, where it has one of its own; NULL: none has
};
struct store_experiment {
    const char *name, *file, *hash, *text;
    const char *description, *lecture, *match; // NULL where the file says none
    const char *metric;
    bool maximize;
    double margin;           // NaN: none declared
    bool extension_declared; // the file planned as many seeds beforehand
    int arm_count, seed_count;
    const int64_t *seeds;
    const struct store_arm *arms; // the baseline first
};
// Refuses a file whose experiment has the name of a stored one from another file that still exists: what status, compare and
// the pages call by that name would become something else.
bool store_experiment_check(struct store *store, const char *name, const char *file, struct error *error);
// Checks its name, stores the experiment and plans its runs with all their options. Runs that are known are shared. The same
// file with the same arms only grows by its new seeds; anything else is a new version beside the old ones.
bool store_experiment_save(struct store *store, const struct store_experiment *experiment, struct error *error);

// ---- A run ------------------------------------------------------------------------------------------------------------------

// What is there before the runner decides what is missing.
struct store_run {
    bool known; // false: never planned, the rest is empty
    enum run_state state;
    int64_t attempts;
    char commit[64]; // of the program that ran it; "" before it began
};
bool store_run_state(struct store *store, const char *id, struct store_run *run, struct error *error);

// A worker is about to be started: one more attempt, state `running`.
bool store_run_start(struct store *store, const char *id, bool shared_machine, struct error *error);

struct fact {
    const char *name, *value;
};
// What the worker knows before its first step.
struct store_begin {
    int64_t parameters, parameters_without_embeddings;
    double flops;
    int64_t planned_bytes;
    int64_t resumed_from_step; // 0: from the start
    const struct fact *facts;  // provenance.h, ended by name NULL; "commit" is among them
};
bool store_run_begin(struct store *store, const char *id, const struct store_begin *begin, struct error *error);

struct store_metric {
    int64_t step;
    const char *name;
    double value; // may be non-finite
};
struct store_throughput {
    int64_t step;
    double tokens_per_s;
};
struct store_event {
    int64_t step;
    const char *kind, *detail; // detail NULL: none
    double value, threshold;   // may be non-finite
};
// A batch of messages of one worker.
struct store_batch {
    int64_t metric_count, throughput_count, event_count;
    const struct store_metric *metrics;
    const struct store_throughput *throughput;
    const struct store_event *events;
};
bool store_rows(struct store *store, const char *id, const struct store_batch *batch, struct error *error);
// What was stored outlives this process however that ends; from here on a power cut too, as it must before a checkpoint may lie
// past it.
bool store_sync(struct store *store, struct error *error);

struct store_end {
    bool diverged;
    int64_t diverged_at; // step, or -1
    double seconds;      // of every attempt, as far as its steps were kept
    double tokens_per_s; // taken where the run has no throughput rows; otherwise their median is
    int64_t peak_bytes;
};
bool store_run_end(struct store *store, const char *id, const struct store_end *end, struct error *error);

// A crash, a time limit, a refusal: state `failed`, with one line that says why. store_run_start may follow.
bool store_run_fail(struct store *store, const char *id, const char *failure, struct error *error);
// The runner is told to stop: back to `planned`, to be continued by the next.
bool store_run_interrupt(struct store *store, const char *id, struct error *error);

// Leaves a run out of every comparison, with the reason; NULL takes it back in.
bool store_run_exclude(struct store *store, const char *id, const char *reason, struct error *error);

// ---- Benchmarks -------------------------------------------------------------------------------------------------------------

struct store_benchmark {
    const char *name;
    double flops, bytes; // of one call
    int count;
    const double *seconds; // [count], of one call in each repetition
};
// What one process measured, and the machine's own rates in that process.
struct store_benchmark_set {
    double fma_flops_per_s, triad_bytes_per_s;
    const struct fact *facts; // provenance, ended by name NULL
    int count;
    const struct store_benchmark *benchmarks; // names differ
};
// `number` gets the set's, by which it is found again.
bool store_benchmarks_save(struct store *store, const struct store_benchmark_set *set, int64_t *number, struct error *error);

#endif
