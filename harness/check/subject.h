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

// What the component's options are set to, each on top of the one before.
enum subject_kind {
    SUBJECT_DEFAULTS,
    SUBJECT_SMALL,      // whole numbers at 2, or as near as their range allows: windows that end within the sequence
    SUBJECT_LAST_WORDS, // options that are one of several words at the last of them
    SUBJECT_BOTH_WAYS,  // model.causal: false, for what attention sees
    SUBJECT_KINDS
};
// Whether it is an attention whose hashes decide who sees whom; in SUBJECT_DEFAULTS all positions are one chunk.
bool subject_hashes(const struct component *component);
// The small run that checks start from, and `component`, if any, in its slot. False when this kind differs from none before.
bool subject_run(struct run *run, const struct component *component, enum subject_kind kind, struct arena *arena);
// Gives every head keys of its own where the run is refused with shared ones.
void subject_unshare_heads(struct run *run, struct arena *arena);

#endif
