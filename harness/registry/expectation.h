// expectation.h: what an experiment file expects of its arms before they run: "val_loss[ffn=swiglu] < val_loss[(base)]",
// or of one arm: "val_loss[(base)] < 1.89".
//
// The reader of experiment files refuses what is not of this form; the report parses the stored text again and judges it.
#ifndef REGISTRY_EXPECTATION_H
#define REGISTRY_EXPECTATION_H

#include "base/error.h"
#include "base/memory.h"

enum relation { RELATION_BELOW, RELATION_ABOVE, RELATION_ALIKE };
extern const char relation_marks[]; // "<>~"; alike: within the margin that the experiment declares

// "val_loss@lsh(chunk=64)" as runs tell it, the attention in its shortest form: "val_loss@lsh". NULL with a mistake.
// Whether there is such a metric is for who knows them; those below are brought to this form too.
const char *metric_as_told(const char *metric, struct arena *arena, struct error *error);

// The last value of a metric, over an arm's seeds; metric NULL: a number.
struct measurement {
    const char *metric, *arm;
    double number;
};
struct expectation {
    struct measurement left, right; // the left one is an arm's
    enum relation relation;
};
// Texts live in `arena`.
bool expectation_parse(const char *text, struct arena *arena, struct expectation *expectation, struct error *error);

// "val_accuracy >= 0.99": an arm counts only where every seed of it reaches this.
struct requirement {
    const char *metric;
    double least;
};
bool requirement_parse(const char *text, struct arena *arena, struct requirement *requirement, struct error *error);

#endif
