// page_parts.h: the sections of the page, in the order in which they stand. Each adds its HTML.
#ifndef REPORT_PAGE_PARTS_H
#define REPORT_PAGE_PARTS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "report/figure.h"
#include "report/screen_parts.h"

struct page {
    const struct figure_source *source;
    const struct comparison *comparison;
    const struct screen *screen; // its texts, tables and notes
    const char *folder;          // holds figures/
    struct arena *arena;
    struct text html;
};

extern const char *const page_style[]; // CSS in pieces, NULL-ended

// A figure by its name, with its caption; a line in its place where it was not drawn.
void page_figure(struct page *page, const char *name);
// Columns `first` to `last` of a grid, led by the arms' names.
void page_grid(struct page *page, const struct grid *grid, int first, int last);
// "From: ...": what a table was read from.
void page_from(struct page *page, const char *format, ...);

void page_controls(struct page *page);
void page_answer(struct page *page);
void page_plan(struct page *page);
void page_curves(struct page *page);
void page_cost(struct page *page);
void page_seeds(struct page *page);
bool page_events(struct page *page, struct error *error);
bool page_provenance(struct page *page, struct error *error);
void page_rerun(struct page *page);
void page_limits(struct page *page);

#endif
