// component_laws.h: what must hold of the slots' own calls: limits that equal another component, optimizers, schedules, data.
#ifndef CHECK_COMPONENT_LAWS_H
#define CHECK_COMPONENT_LAWS_H

#include "check/conformance.h"

bool component_laws_check(const struct component *component, struct arena *arena,
                          void (*report)(void *context, const struct component *component, const struct finding *finding),
                          void *context);

#endif
