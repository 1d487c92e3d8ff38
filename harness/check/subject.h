// subject.h: what checks are tried on, a small run around one component, and what they find.
#ifndef CHECK_SUBJECT_H
#define CHECK_SUBJECT_H

#include "base/error.h"
#include "registry/run.h"

enum verdict { CONFORMS, FAILS, NOT_TRIED };

struct finding {
    const char *property; // "gradients"
    const char *reason;   // why it must hold, one line
    enum verdict verdict;
    const char *setting; // what was tried last: "attention=sliding(window=2)"
    const char *seen;    // what was seen when it fails or is not tried; in the arena
};
typedef void finding_report(void *context, const struct component *component, const struct finding *finding);

// The small run that checks start from; `component` fills its slot at its defaults, or with small options.
void subject_run(struct run *run, const struct component *component, bool small_options, struct arena *arena);

#endif
