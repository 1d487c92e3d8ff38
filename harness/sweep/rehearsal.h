// rehearsal.h: a run tried for a moment in a worker process: what it says of itself, and how fast its steps come. Nothing is
// stored.
//
// Called by estimate.c, which tries every arm, and by trial.c, which tries one run in several splits of the machine.
#ifndef SWEEP_REHEARSAL_H
#define SWEEP_REHEARSAL_H

#include "base/error.h"
#include "sweep/child.h"

struct rehearsal {
    struct child child;
    bool is_open;
    double opened, begun; // clock: started, and ready for its first step; begun 0: not yet
    double ended;         // clock: the run reached its end before it was stopped; 0: it did not
    double first, last;   // clock: when the steps below came; 0: none yet
    int64_t first_step, last_step;
    int64_t parameters, planned_bytes; // what it said when it began
    double flops;                      // of its training
};

bool rehearsal_open(struct rehearsal *rehearsal, const struct run *run, const char *id, int threads, const char *weights,
                    const char *const *plugins, struct error *error);
// Reads what has come. False with a line, led by `name`, when the worker refuses its run or is gone.
bool rehearsal_attend(struct rehearsal *rehearsal, const char *name, struct error *error);
// Forgets the steps that came up to now.
void rehearsal_forget(struct rehearsal *rehearsal);
// Of one step; NaN before the second one came.
double rehearsal_step_seconds(const struct rehearsal *rehearsal);
// Stops the worker; what was found stays. Does nothing to one that is closed.
void rehearsal_close(struct rehearsal *rehearsal);

#endif
