// words.h: what a comparison says, as sentences: the metric, the answer, what it does not show.
//
// Who calls it: figures and the report. Every number comes from the comparison.
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdbool.h>

#include "base/text.h"
#include "report/comparison.h"

// "val_loss above the floor (nats per byte)"; above the floor where one is known.
void words_metric(const struct comparison *comparison, bool with_unit, struct text *text);
// Whether the floor that no model can fall below is known: the metric has one, or is itself the excess above one.
bool words_floor_known(const struct comparison *comparison);
// The metric's value at the floor: 0 where the metric is an excess.
double words_floor(const struct comparison *comparison);
// One sentence: which arms are better, worse, equivalent, not distinguishable, diverged.
void words_answer(const struct comparison *comparison, struct text *text);
// What the result does not reach: sizes, data, steps, learning rates and seeds beside its own.
void words_limits(const struct comparison *comparison, struct text *text);

#endif
