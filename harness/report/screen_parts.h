// screen_parts.h: what the files that print a screen share. Only they include it.
#ifndef REPORT_SCREEN_PARTS_H
#define REPORT_SCREEN_PARTS_H

#include "report/screen.h"

struct screen {
    const struct comparison *comparison;
    const struct screen_options *options;
    FILE *file;
    int width, decimals; // decimals of the metric's columns
    struct arena *arena; // for texts, until the screen is printed
};
void screen_table(const struct screen *screen);
// The sentences under the table: controls, what is missing, what the seeds could have shown, what this does not show.
void screen_notes(const struct screen *screen);
void screen_next(const struct screen *screen);

#endif
