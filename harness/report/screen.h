// screen.h: a comparison as people read it in a terminal: two header lines, the table, what it does not show, what to do next.
//
// Who calls it: `ablate compare`, and `ablate run` after every seed with the runs done so far.
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "report/comparison.h"

struct screen_options {
    int width;                            // columns; 0: 80
    bool colour;                          // only for a terminal
    bool memory, parameters, flops, time; // optional columns
    double elapsed;          // seconds of a sweep that is being shown while it runs; 0: those of all runs, added up
    int workers;             // runs at a time, for the time that more seeds would take; 0: as many as there are cores
    const char *database;    // that suggested commands must name; NULL: the default one
    const char *again;       // " --db FILE --set KEY=VALUE": all that a suggested `ablate run` must repeat; NULL for nothing
    int64_t replicates;      // that an `ablate run` for the runs still to come must name; 0: none
    bool is_changed;         // the experiment's file plans other runs by now: no `ablate run` is suggested
    const char *const *next; // more for the "Next:" line, NULL-ended; NULL for none
};
void screen_print(const struct comparison *comparison, const struct screen_options *options, FILE *file);

#endif
