// profile.h: where the time of training steps goes: a record of each kernel call, and of each part of a step that is none.
//
// The trainer opens it and the executor writes into it; a summary and a trace are made of it afterwards. Its memory is reserved
// when it opens. A step whose calls no longer fit is dropped whole, and with it all that follow, so that what is there are
// whole steps.
#ifndef TENSOR_PROFILE_H
#define TENSOR_PROFILE_H

#include "tensor/lane.h"

struct profile_call {
    const struct node *node;
    enum phase phase;
    struct span rows;
    double begin, end; // of clock_seconds
};

// What a step does beside kernel calls, in the caller's thread. The whole step is one of them.
enum profile_part { PROFILE_STEP, PROFILE_DATA, PROFILE_PACK, PROFILE_GRADIENT_SUM, PROFILE_UPDATE, PROFILE_PART_COUNT };
extern const char *const profile_part_names[PROFILE_PART_COUNT];
struct profile_stretch {
    enum profile_part part;
    double begin, end;
};

struct profile_lane {
    _Alignas(MEMORY_ALIGNMENT) struct profile_call *calls; // a lane's own cache line: its thread counts
    int64_t count, before;                                 // calls; of them, those of whole steps
};

struct profile {
    const struct graph *graph;
    int lane_count;
    int64_t calls_max;                       // of a lane
    int64_t steps, steps_max;                // recorded whole; wanted
    bool recording, full;                    // within a step that is recorded; one did not fit
    struct profile_stretch *stretches;       // [steps_max * PROFILE_PART_COUNT]
    int64_t stretch_count, stretches_before; // as of calls
    struct profile_lane *lanes;              // [lane_count]
    size_t bytes;                            // of the block that holds all of these; it begins with the lanes
};

// Room for `calls` kernel calls of each lane, in up to `steps` steps. The graph must outlive it.
bool profile_open(struct profile *profile, const struct graph *graph, int lanes, int64_t steps, int64_t calls,
                  struct error *error);
void profile_close(struct profile *profile);

// Between these two, calls and parts are recorded, if there is room. `profile` may be NULL in all that follow.
void profile_begin_step(struct profile *profile);
void profile_end_step(struct profile *profile);
// Now, where a recorded step is under way; 0 elsewhere, at no cost.
double profile_now(const struct profile *profile);
// A call in `lane` that began then and ends now; from the thread that carries the lane.
void profile_add_call(struct profile *profile, int lane, const struct node *node, enum phase phase, struct span rows,
                      double begin);
void profile_add_part(struct profile *profile, enum profile_part part, double begin);

#endif
