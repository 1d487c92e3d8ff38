// layout.h: text laid out for a terminal: columns that line up, and sentences that wrap.
//
// Who calls it: the screen, and the tables and notes of every verb. Widths count characters, not bytes (UTF-8). What a caller
// passes is printed as it is: text from files or the database goes through layout_visible first.
#ifndef REPORT_LAYOUT_H
#define REPORT_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/memory.h"

int layout_width(const char *text);
// A copy without line ends, escapes and other control characters, which would break rows or speak to the terminal.
const char *layout_visible(struct arena *arena, const char *text);

// Pieces of text on lines of at most `width`: a piece goes on the same line after `between` where it fits, else on the next.
struct flow {
    FILE *file;
    int width;
    int indent;      // of every line but the first
    bool keep_whole; // a piece longer than a line is left to the terminal, rather than wrapped at its spaces
    int column;      // where the next character goes
};
void flow_add(struct flow *flow, const char *between, const char *text);
void flow_end(struct flow *flow);

// One text over as many lines as it needs, all but the first indented; `column` is where the first begins. Ends the line.
void flow_print(FILE *file, int width, int column, int indent, const char *text);

struct grid_column {
    const char *heading;
    const char *brief; // heading where width is scarce; NULL: the same
    bool right;        // aligned to the right
    bool wraps;        // where width is scarce, its cells break at spaces
};
struct grid_cell {
    const char *text;
    const char *colour; // an escape sequence, or NULL
};
// Column 0 holds names: where they leave no room for the rest, a longer one stands on a line of its own above its row. A grid
// that fits in no way is printed as it is.
struct grid {
    const struct grid_column *columns;
    int column_count, row_count;
    const struct grid_cell *cells; // [row_count, column_count]
};
// Columns that the grid needs at least when no name is longer than its heading.
int grid_width_least(const struct grid *grid);
void grid_print(const struct grid *grid, int width, FILE *file);

#endif
