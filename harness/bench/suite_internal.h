// suite_internal.h: what the three files of the suite share. suite.c walks over the registry and measures, suite_offer.c finds
// what a stage has to measure, suite_laws.c says how times grow with the length.
#ifndef BENCH_SUITE_INTERNAL_H
#define BENCH_SUITE_INTERNAL_H

#include "bench/benchmark.h"
#include "bench/stage.h"
#include "bench/suite.h"
#include "train/optimizer.h"

enum { BASE_LENGTH = 256, BASE_WIDTH = 256, BASE_HEADS = 8, ENTRIES_MAX = 512 };
struct size {
    int64_t seq_len, d_model, n_head;
};

// One row under measurement.
struct item {
    struct stage *stage;
    struct optimizer *optimizer; // NULL but for an update
    struct team *team;
    struct part part;
    enum pass pass;
    int row;
};
// What a walk over the registry carries.
struct walk {
    struct suite *suite;
    const struct suite_options *options;
    const struct run *base;
    regex_t filter;
    struct team *team;
    struct error *error;
    // Of the stage at hand.
    struct item items[ENTRIES_MAX];
    struct benchmark_entry entries[ENTRIES_MAX];
    int count;
    struct text *seen; // one line for each (subject, shapes) there is: other sizes that change neither are left out
};

bool suite_is_known(const struct suite *suite, const char *name);
struct suite_row *suite_add_row(struct suite *suite);

// Plan the rows of a stage that the filter holds and that no earlier stage has had.
void suite_offer_component(struct walk *walk, struct stage *stage, const struct component *component);
void suite_offer_ops(struct walk *walk, struct stage *stage);
void suite_offer_update(struct walk *walk, struct stage *stage, struct optimizer *optimizer, const struct component *component);

// The nodes of a graph that are a component's.
struct part suite_part_of(const struct graph *graph, const struct component *component, struct arena *arena);

// The base run at a size, with the component in its slot; false where they refuse each other, with the reason.
bool suite_size_run(const struct walk *walk, const struct component *component, const struct size *size, struct run *run,
                    struct error *refusal);

// Adds the law of a component that was measured over lengths.
void suite_find_law(struct walk *walk, const struct component *component, enum pass pass);

#endif
