// builds.h: two builds of ablate measured in turn, so that a machine whose speed drifts moves both.
//
// Called by `ablate bench compare` when it is given paths. Each round runs one build and then the other, the first to go
// changing from round to round; a benchmark's times of one round are a pair.
#ifndef BENCH_BUILDS_H
#define BENCH_BUILDS_H

#include "base/error.h"
#include "base/memory.h"

enum { BUILD_A, BUILD_B, BUILD_COUNT };

struct builds_options {
    const char *paths[BUILD_COUNT];
    const char *filter;
    double seconds; // of a repetition
    int rounds;
};
struct build_pairs {
    const char *name;
    int count[BUILD_COUNT];       // rounds in which each build measured it
    double *seconds[BUILD_COUNT]; // [rounds]
};
bool builds_run(const struct builds_options *options, struct arena *arena, struct build_pairs **pairs, int *pair_count,
                struct error *error);

#endif
