// summary.h: what a comparison says, as sentences: the metric, the answer, what it does not show.
//
// Who calls it: figures and the report. Every number comes from the comparison.
#ifndef REPORT_SUMMARY_H
#define REPORT_SUMMARY_H

#include "base/text.h"
#include "report/comparison.h"

// "val_loss above the floor"; above the floor where one is known.
void summary_metric(const struct comparison *comparison, struct text *text);
// One sentence: which arms are better, worse, equivalent, not distinguishable, diverged.
void summary_answer(const struct comparison *comparison, struct text *text);
// That the margin came after runs it judges; nothing where it did not.
void summary_declaration(const struct comparison *comparison, struct text *text);
// What the result does not reach: sizes, data, steps, learning rates and seeds beside its own.
void summary_limits(const struct comparison *comparison, struct text *text);

#endif
