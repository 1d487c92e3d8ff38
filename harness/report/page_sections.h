// page_sections.h: the sections of the page, in the order in which they stand. Each adds its HTML; page.c calls them.
#ifndef REPORT_PAGE_SECTIONS_H
#define REPORT_PAGE_SECTIONS_H

#include <stdbool.h>

#include "base/error.h"
#include "report/page_parts.h"

extern const char *const page_style[]; // CSS in pieces, NULL-ended

void page_controls(struct page *page);
void page_answer(struct page *page);
// Nothing where the experiment makes no claim, or evaluates with no other attention. False when the store cannot be read.
bool page_claims(struct page *page, struct error *error);
bool page_attentions(struct page *page, struct error *error);
void page_plan(struct page *page);
void page_curves(struct page *page);
void page_cost(struct page *page);
void page_seeds(struct page *page);
// False when the store cannot be read.
bool page_events(struct page *page, struct error *error);
bool page_provenance(struct page *page, struct error *error);
void page_rerun(struct page *page);
void page_limits(struct page *page);

#endif
