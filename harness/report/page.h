// page.h: the report of an experiment: one HTML page that needs nothing beside it, and the figures as files for other uses.
//
// Who calls it: `ablate report`, and `ablate run` when it is done. It renders what there is: an experiment without a finished
// run, or a machine without gnuplot, gives a page that says so.
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/error.h"
#include "report/figure.h"

// Under which commands the page can be had again, for a shell.
struct page_commands {
    const char *run; // "FILE --replicates 7 --set KEY=VALUE", behind `ablate run`; NULL: no command plans these runs by now
    const char *database; // where the others must name it; NULL for the default one
};
// Writes FOLDER/report.html and FOLDER/figures/: every figure as SVG and PDF, its data and its script. The page is written, and
// false returned, when figures could not be drawn.
bool page_write(const struct figure_source *source, const struct page_commands *commands, const char *folder,
                struct error *error);

// "results/<name>" in the folder of the database: where an experiment's page and figures go. Characters that a folder's name
// should not have become '-'.
const char *page_folder(const char *database, const char *experiment, struct arena *arena);

#endif
