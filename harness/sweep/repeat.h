// repeat.h: under which command an experiment's file plans again the runs that are stored.
//
// `--set` words are not stored; they are what the stored baseline has otherwise than the file's. Called by the verbs that
// suggest a command for runs that they did not plan themselves: compare and status.
#ifndef SWEEP_REPEAT_H
#define SWEEP_REPEAT_H

#include "store/view.h"

struct repeat {
    const char *const *set; // "key=value", NULL-ended
    int64_t replicates;     // 0: as many as the file says
};
// False where no words do: the file is gone, or its arms are others by now.
bool repeat_find(struct store *store, const struct experiment_view *view, struct arena *arena, struct repeat *repeat);

#endif
