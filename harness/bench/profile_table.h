// profile_table.h: a profile summed up by component, op and pass, beside what the machine can do.
//
// Time is that of all threads together, in seconds of a step: a kernel's time divided by the number of threads, since its lanes
// run side by side. What a step does with one thread alone counts whole. The last row is what remains: lanes waiting for each
// other, and the executor itself. So the rows add up to the step. Called by `ablate train --profile`.
#ifndef BENCH_PROFILE_TABLE_H
#define BENCH_PROFILE_TABLE_H

#include "tensor/profile.h"
#include "tensor/threads.h"

struct profile_row {
    const char *component;              // "ffn/swiglu", or "" for what belongs to none
    const char *op;                     // or the part of a step: "weights packed"
    const char *pass;                   // "forward"; "" for parts
    double calls;                       // of a step
    double seconds, share;              // of a step
    double flops, product_flops, bytes; // of a step
    double fraction; // products: of the registers' FLOP/s; others: of the memory's bytes/s, above 1 in caches; NaN: unknown
};
struct profile_table {
    struct profile_row *rows; // by time, what remains at the end
    int count;
    int64_t steps;
    double step_seconds;
};
// The machine's limits are measured here, with the team that trained. Refuses a profile without a whole step.
bool profile_table_open(struct profile_table *table, const struct profile *profile, struct team *team, struct error *error);
void profile_table_close(struct profile_table *table);

#endif
