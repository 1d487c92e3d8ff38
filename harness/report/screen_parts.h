// screen_parts.h: the pieces of a screen: its header's texts, its table, and the sentences under it. The page of the report is
// made of the same pieces.
#ifndef REPORT_SCREEN_PARTS_H
#define REPORT_SCREEN_PARTS_H

#include "report/layout.h"
#include "report/screen.h"

struct screen {
    const struct comparison *comparison;
    const struct screen_options *options;
    FILE *file;
    int width, decimals; // decimals of the metric's columns
    struct arena *arena; // for texts, until the screen is printed
};

// Decimals for the metric: two digits of the typical half-width of an interval.
int screen_decimals(const struct comparison *comparison, struct arena *arena);
// "test loss above the floor (nats per byte; floor 0.912)".
const char *screen_metric(const struct screen *screen);
// "seed SD .006; pairing removes 71% of the variance", or "".
const char *screen_spread(const struct screen *screen);
// "better", "equivalent (±.01)", "diverged 2 of 5"; "" for the baseline.
const char *screen_verdict(const struct screen *screen, const struct comparison_arm *arm);
// The whole table, optional columns that are wanted included; a row is an arm.
struct grid screen_grid(const struct screen *screen);
void screen_table(const struct screen *screen);
// Controls, what is missing, what the seeds could have shown, what this does not show: each on a line where `width` is large.
void screen_notes(const struct screen *screen);
void screen_next(const struct screen *screen);

#endif
