// suite.h: the benchmarks of every op and every registered component, plug-ins included: none of them is listed by hand.
//
// Components come from the registry, ops from the graphs that they build: a component's part of a model of one layer runs by
// itself, forward and backward, over lengths, widths and numbers of heads, on one lane; each node of it is a benchmark of its
// op. An optimizer's is its update. Called by `ablate bench`.
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include <regex.h>

#include "bench/complexity.h"
#include "registry/run.h"

struct suite_row {
    const char *name;    // "ffn/swiglu/forward/seq:256/width:256/heads:8"
    const char *subject; // "ffn/swiglu/forward"
    int64_t length;      // tokens of the sequence where nothing but the length differs from other rows of the subject; else 0
    double flops, bytes; // of one call; 0: not counted
    int count;           // repetitions measured
    double *seconds;     // [count]
    const char *refusal; // why it was not measured, or NULL
};
// How a component's cost grows, where it declares a law.
struct suite_law {
    const char *subject;
    enum complexity declared, found;
    bool counted; // operations were counted at longer sequences, because times over the range do not tell
};
struct suite {
    struct arena arena;
    struct suite_row *rows;
    struct suite_law *laws;
    int row_count, row_capacity, law_count, law_capacity;
};

struct suite_options {
    const char *filter; // a POSIX extended regular expression that a row's name must hold; "": all
    double seconds;     // of a repetition
    int repetitions;
    bool list;                                                    // only names, nothing is measured
    void (*progress)(void *context, const struct suite_row *row); // after a row was measured; may be NULL
    void *context;
};
// Compiles a filter of names; the caller ends it with regfree.
bool suite_filter(const char *expression, regex_t *filter, struct error *error);
// `base` is what a component is put into. Refuses an expression that is none, or that no benchmark holds.
bool suite_run(struct suite *suite, const struct run *base, const struct suite_options *options, struct error *error);
void suite_close(struct suite *suite);

// The middle of the repetitions, and how far they lie apart: (largest - smallest) / median. NaN where there are none.
double suite_median(const struct suite_row *row);
double suite_spread(const struct suite_row *row);

// What every benchmark sets itself, so that nobody can: NULL-ended.
extern const char *const suite_own_keys[];

#endif
