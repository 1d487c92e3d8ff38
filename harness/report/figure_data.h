// figure_data.h: the pieces of a figure's data file, in the shape that plots/style.gp reads.
//
// Tab-separated blocks, two blank lines between them; NULL where there is no number. Block 0 holds facts, block 1 the arms.
#ifndef REPORT_FIGURE_DATA_H
#define REPORT_FIGURE_DATA_H

#include <stdbool.h>

#include "base/text.h"
#include "report/figure.h"

// Which arms a figure tells apart, and in which order its data file holds them: those with a colour of their own first.
enum { SLOT_BASELINE = 0, SLOT_NAMED_MAX = 6, SLOT_OTHERS = 7 };
struct cast {
    int count, named;  // arms; those with a place in the legend
    int *arms, *slots; // [count], in the arena given
};
// With more than six arms the ones with a verdict on the metric, largest differences first, keep a colour; the rest are grey.
void cast_choose(const struct comparison *comparison, bool with_baseline, struct arena *arena, struct cast *cast);

void figure_data_text(struct text *data, const char *text); // as one field: no tabs, lines or double quotes
void figure_data_number(struct text *data, double value);   // NULL unless finite
void figure_data_fact(struct text *data, const char *name, const char *value);
void figure_data_fact_number(struct text *data, const char *name, double value); // left out unless finite
void figure_data_block(struct text *data, const char *columns); // starts the next block; the columns as a comment
// `off_scale` [cast->count], or NULL: arms whose label says that the axis is not made for them.
void figure_data_arms(struct text *data, const struct comparison *comparison, const struct cast *cast, const bool *off_scale);

// The largest unit that is not above `largest`, of a list from small to large.
const struct figure_unit *figure_unit_for(const struct figure_unit *units, double largest);
extern const struct figure_unit figure_bytes[];

// A range that holds everything offered, with some air; never empty.
struct range {
    double low, high;
};
extern const struct range range_empty;
void range_offer(struct range *range, double value); // ignores what is not finite
void range_widen(struct range *range, double share);

// The largest difference that an axis is made for: an arm that is off by many times what the others are would hide them.
double figure_data_reach(const struct comparison *comparison);

bool figure_curves_write(const struct figure *figure, const struct figure_source *source, struct text *data,
                         struct error *error);
bool figure_pairs_write(const struct figure *figure, const struct figure_source *source, struct text *data,
                        struct error *error);
bool figure_cost_write(const struct figure *figure, const struct figure_source *source, struct text *data, struct error *error);
bool figure_length_write(const struct figure *figure, const struct figure_source *source, struct text *data,
                         struct error *error);
const char *figure_length_lacks(const struct comparison *comparison);

#endif
