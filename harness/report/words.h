// words.h: what a comparison says, as words: names of verdicts and metrics, the answer as one sentence, what it does not show.
//
// Who calls it: figures and the report; every number comes from the comparison.
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdbool.h>

#include "base/text.h"
#include "report/comparison.h"

// "val_loss above the floor (nats per byte)".
void words_metric(const struct comparison *comparison, bool above_floor, struct text *text);
// "nats per byte"; "" where the metric has no unit.
const char *words_unit(const struct comparison *comparison, const char *metric);
// "better", "equivalent (±.01)", "diverged 2 of 5".
void words_verdict(const struct comparison *comparison, const struct comparison_arm *arm, struct text *text);
// "5 seeds of (base) against 6 arms on val_loss: position=rope is better; ...".
void words_answer(const struct comparison *comparison, struct text *text);
// What the result does not reach: size, data, steps, the one learning rate, the seeds it shares.
void words_limits(const struct comparison *comparison, struct text *text);

#endif
