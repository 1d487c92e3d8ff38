// split.h: how a sweep divides the machine: how many runs at once, with how many threads each. Pure: a table of speeds in, a
// split out.
//
// A run's bits depend on its lanes alone, so a split decides when a sweep ends and nothing else. The last runs, fewer than
// there are places, may get a split of their own: five equal runs on two cores are four side by side, then one with both cores.
// Called by trial.c, which measures, and by tests.
#ifndef SWEEP_SPLIT_H
#define SWEEP_SPLIT_H

#include <stdint.h>

#include "base/text.h"

struct split {
    int jobs, threads; // runs at once, threads of each
};
enum { SPLITS_MAX = 32 };

// Without measuring, `jobs` and `threads` where they are not 0: as many runs as there are cores, or fewer where the runs have
// threads; where there are fewer runs, the cores divided among them.
struct split split_rule(int cores, int left, int jobs, int threads);

// What is worth measuring for `left` runs, each of which can use `lanes` threads: all cores in use, as far as that reaches. The
// fewest runs at once come first. Returns how many.
int split_candidates(int cores, int lanes, int left, struct split *candidates);
// Fewer runs at once where `memory_bytes` do not hold so many of `run_bytes` each; at least one.
void split_fit(struct split *split, int64_t memory_bytes, int64_t run_bytes);

struct split_speed {
    struct split split;
    double step_seconds; // of one run's step while all its neighbours ran; NaN: not known
};

struct split_choice {
    struct split split;
    struct split tail; // of the last `tail_runs`, which begin when all others have ended
    int tail_runs;
    struct split other;            // the next best
    double seconds, other_seconds; // until all runs are done; NaN where the choice was made by rule
};

// The end of runs that take `work[i]` steps each, in this order, each at the first place that is free; NaN where one of them
// is.
double split_seconds(const double *work, int count, const struct split_speed *speed);

// The choice that ends the runs first, by the speeds that are known; where two are as good as equal, the one with more runs at
// once. Speeds in the order of split_candidates. False where none is known.
bool split_choose(const struct split_speed *speeds, int speed_count, const double *work, int left, struct split_choice *choice);

// "2 runs at a time with 1 thread each".
void split_print(const struct split *split, struct text *text);
// The choice and why, in one line.
void split_choice_print(const struct split_choice *choice, struct text *text);

#endif
