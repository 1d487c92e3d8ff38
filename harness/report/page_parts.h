// page_parts.h: the page while it is written, and what several of its sections are made of. Each call adds its HTML.
#ifndef REPORT_PAGE_PARTS_H
#define REPORT_PAGE_PARTS_H

#include "base/text.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/screen_parts.h"

struct page {
    const struct figure_source *source;
    const struct comparison *comparison;
    const struct screen *screen; // its texts, tables and notes
    const struct page_commands *commands;
    const char *folder; // holds figures/
    struct arena *arena;
    struct text html;
};

// A figure by its name, with its caption; a line in its place where it was not drawn.
void page_figure(struct page *page, const char *name);
// Columns `first` to `last` of a grid, led by the arms' names.
void page_grid(struct page *page, const struct grid *grid, int first, int last);
// "From: ...": what a table was read from.
void page_from(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
