// screen_notes.h: the sentences under a screen's table: controls, what is missing, what the seeds could have shown, what next.
#ifndef REPORT_SCREEN_NOTES_H
#define REPORT_SCREEN_NOTES_H

#include "report/screen.h"

struct screen {
    const struct comparison *comparison;
    const struct screen_options *options;
    FILE *file;
    int width, decimals; // decimals of the metric's columns
    struct arena *arena; // for texts, until the screen is printed
};
void screen_notes(const struct screen *screen);
void screen_next(const struct screen *screen);

#endif
