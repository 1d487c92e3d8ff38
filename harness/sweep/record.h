// record.h: what one worker says, checked and written to the store as it comes.
//
// Called by the runner for every line of a worker. A worker may be a plug-in's victim, so a line is believed only as far as the
// store's own checks go: it can spoil its run, never the database.
#ifndef SWEEP_RECORD_H
#define SWEEP_RECORD_H

#include "base/error.h"
#include "store/store.h"
#include "sweep/child.h"

enum record_state {
    RECORD_STARTED, // the process is there, and has not said anything
    RECORD_BEGUN,
    RECORD_ENDED,   // finished or diverged, as `diverged` says
    RECORD_TROUBLE, // it said why it cannot go on: `reason`
    RECORD_STALE,   // its checkpoint lies ahead of what the store holds: to be started over
    RECORD_GARBLED, // it said what nobody understands: `reason`
};

struct record {
    struct store *store;
    const char *id, *data_hash; // as planned
    enum record_state state;
    struct text reason;
    bool diverged;
    int64_t diverged_at;
    double seconds;
    int64_t resumed_from_step;
    int64_t step;              // steps done
    double loss, tokens_per_s; // the newest; NaN where there is none
};

// Handles a line; false is trouble with the store or the pipe, which ends the sweep.
bool record_line(struct record *record, struct child *child, const char *line, struct error *error);

#endif
