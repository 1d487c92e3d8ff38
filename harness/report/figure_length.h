// figure_length.h: time and memory against the length of a sequence, on logarithmic axes, with the power that each grows by.
//
// One line an attention. Over a wide range the power tells T, T log T and T squared apart where times are all there is; which
// of these laws a component declares, and whether its operations keep it, is what bench/complexity.h tries. Called by `ablate
// plot` and the report with the runs of an experiment, and by `ablate bench attention --plot` with what it measured.
#ifndef REPORT_FIGURE_LENGTH_H
#define REPORT_FIGURE_LENGTH_H

#include "base/error.h"
#include "base/text.h"

enum length_panel { LENGTH_SECONDS, LENGTH_BYTES, LENGTH_PANELS }; // of a token; of a sequence
enum { LENGTH_LEAST = 3 };                                         // lengths of a line: two have no standard error

struct length_point {
    double length, values[LENGTH_PANELS]; // NaN: unknown
};
struct length_line {
    const char *label;
    struct length_point *points; // in any order, a length as often as it was measured
    int count;
};

// values = scale * lengths^value, by least squares of the logarithms.
struct power {
    double value, error, scale; // error: of the exponent, one standard error. NaN with fewer than LENGTH_LEAST lengths
};
struct power power_fit(const struct length_line *line, enum length_panel panel);
int length_count(const struct length_line *line); // different lengths

// The data file of plots/length.gp.
void length_write(const char *title, const struct length_line *lines, int count, struct text *data);
// Draws FILE.svg, .png or .pdf.
bool length_draw(const char *file, const char *title, const struct length_line *lines, int count, struct error *error);

#endif
