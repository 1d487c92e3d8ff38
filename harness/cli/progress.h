// progress.h: what a person sees while `ablate run` works.
//
// On a terminal: the table of the answer so far, a bar for each worker, counts and the time left, drawn in place. Elsewhere:
// one line for each run that ended. Called by verb_run alone, as the runner's watch.
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/text.h"
#include "store/store.h"
#include "sweep/runner.h"

struct progress {
    struct store *store;
    bool quiet; // says nothing
    bool is_terminal;
    int columns;       // when it was drawn
    int drawn;         // lines on the screen that the next drawing replaces
    struct text table; // the answer so far
    double redrawn_at;
};

// Columns of the terminal; 80 where the output is none.
int progress_columns(void);

void progress_open(struct progress *progress, struct store *store, bool quiet);
struct runner_watch progress_watch(struct progress *progress);
// Takes the bars away.
void progress_close(struct progress *progress);

#endif
