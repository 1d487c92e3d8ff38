// conformance.h: properties that every component must have, a plug-in's too, each tried on small models built around it.
//
// Called by `ablate check` and by the tests. A property that makes no sense for a slot is not tried.
#ifndef CHECK_CONFORMANCE_H
#define CHECK_CONFORMANCE_H

#include "check/subject.h"

// Tries all properties on one component, calling `report` after each. False when one fails.
bool conformance_check(const struct component *component, struct arena *arena, finding_report *report, void *context);

// Holds the fast path (float, tiled attention, lanes, passes) against the reference (double, n x n scores) on one run: logits,
// objective and every gradient. `worst` gets the largest relative difference and `where` its tensor. False: built neither.
bool conformance_against_reference(const struct run *run, int64_t sequences, int64_t time, double *worst, char where[96],
                                   struct error *error);

// How far float may be from the double reference, of a tensor's largest value. A mistake shows at 1e-2 and above.
extern const double conformance_float_limit;

// Trains a step with what the backward pass rebuilds, and with everything kept: the same gradients, bit for bit where it is
// rebuilt from inputs (train.recompute: block, set here), to rounding in double where from outputs. Says what it saw otherwise.
bool conformance_rebuilt(const struct run *run, struct text *seen);

#endif
