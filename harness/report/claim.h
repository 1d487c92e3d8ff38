// claim.h: the claims of an experiment's file, each beside what its arms measured.
//
// Who calls it: the report. A claim names two arms and is judged by their difference, paired by seed: by the interval of the
// comparison where that is the same difference, otherwise by a paired t interval of its own. It is judged only when both arms
// count and all their runs are over.
#ifndef REPORT_CLAIM_H
#define REPORT_CLAIM_H

#include "registry/expectation.h"
#include "report/comparison.h"

enum outcome { OUTCOME_OPEN, OUTCOME_REPRODUCED, OUTCOME_CONTRADICTED, OUTCOME_EQUIVALENT, OUTCOME_NOT_DISTINGUISHABLE };
extern const char *const outcome_names[];

struct claim {
    const char *says, *source; // source: "" where none is named
    const char *published;     // "relu: 1.677; swiglu: 1.636; log-perplexity"; "" for nothing
    struct expectation expected;
    double left, right; // means over the shared seeds; NaN: unknown
    int seeds;
    struct difference difference; // left - right
    bool of_family;               // its interval holds for all arms at once
    enum outcome outcome;
    const char *why; // it is open; "" otherwise
};
// `claims` is NULL where the file makes none. False when the store cannot be read.
bool claims_read(struct store *store, const struct comparison *comparison, struct arena *arena, int *count,
                 struct claim **claims, struct error *error);

#endif
