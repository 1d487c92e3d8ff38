// figure.h: the figures of an experiment: what each shows, the data file it is drawn from, and the drawing.
//
// A figure is a row of one table: a name, a title, a gnuplot script of plots/ and what its data file holds. Who calls it:
// `ablate plot` and the report. Drawing leaves NAME.tsv, the scripts and the picture in one folder, so that a person can change
// a colour there and draw again without this program.
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "report/comparison.h"
#include "store/store.h"

struct figure_source {
    struct store *store;
    const struct comparison *comparison;
};

struct figure_curve {            // over the training steps
    const char *metric, *excess; // the stored series; the one above the floor, taken where a floor is known; or NULL
    bool is_loss;                // has the unit of the loss
    bool difference;             // to the baseline, seed by seed
    bool smooth;                 // a running mean: the metric of one batch is noisy
    bool logarithmic;            // the vertical axis
    double settled;              // share of the training that the vertical range leaves out at the start
};
struct figure_cost {                             // the metric against a cost of the run
    double (*value)(const struct run_view *run); // NaN: unknown
    const char *what;
    const struct figure_unit *units; // from small to large, ended by name NULL
};
struct figure_unit {
    double size;
    const char *name;
};

struct figure {
    const char *name;    // "validation-loss": of its files, and for --figure
    const char *title;   // under 45 characters, or gnuplot clips it
    const char *script;  // in plots/
    const char *reading; // how to read it, for the caption
    const char *metrics; // what it shows, for the caption; NULL: the experiment's metric, or the curve's
    bool (*write)(const struct figure *figure, const struct figure_source *source, struct text *data, struct error *error);
    const char *(*lacks)(const struct comparison *comparison); // why it cannot be drawn, beside what all figures lack; or NULL
    struct figure_curve curve;
    struct figure_cost cost;
    bool compares; // shows nothing with the baseline alone
};
extern const struct figure figures[]; // ended by name NULL

// Adds "did you mean" and the names there are.
const struct figure *figure_find(const char *name, struct error *error);

// Why there is nothing to draw, or NULL: no run has finished, the baseline is alone, or what the figure itself needs is not
// there.
const char *figure_lacks(const struct figure *figure, const struct comparison *comparison);

// Writes the data file and copies the scripts into `folder` (made when missing).
bool figure_prepare(const struct figure *figure, const struct figure_source *source, const char *folder, struct error *error);
// Draws what figure_prepare left there.
bool figure_draw(const struct figure *figure, const char *folder, const char *terminal, bool logarithmic, struct error *error);

// Leaves a data file NAME.tsv, the script and what it shares in `folder` (made when missing).
bool figure_leave(const char *folder, const char *name, const char *script, const struct text *data, struct error *error);
// One of gnuplot_terminals, by the file's ending; NULL for another: to be asked before what is drawn is measured.
const char *figure_terminal(const char *file, struct error *error);
// Draws FILE.svg, .png or .pdf from its data, and leaves FILE.tsv and the scripts beside it. Refuses another ending.
bool figure_draw_file(const char *file, const char *script, const struct text *data, struct error *error);

// Where a figure's numbers come from, as a sentence: the metrics and the runs.
void figure_provenance(const struct figure *figure, const struct comparison *comparison, struct text *text);

#endif
