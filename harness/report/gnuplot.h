// gnuplot.h: one figure drawn by one gnuplot process.
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include <stdbool.h>

#include "base/error.h"

struct drawing {
    const char *folder;   // holds the scripts and `figure`.tsv; the picture is written there
    const char *script;   // "curves.gp"
    const char *figure;   // "validation-loss"
    const char *terminal; // one of gnuplot_terminals
    bool logarithmic;     // the horizontal axis
};
extern const char *const gnuplot_terminals[]; // "svg", "png", "pdf"; NULL-ended; also the endings of the files

// Refuses when gnuplot is missing, reports trouble, or leaves an incomplete file: then none is left.
bool gnuplot_draw(const struct drawing *drawing, struct error *error);

#endif
