// component_laws.h: what must hold of the slots' own calls: limits that equal another component, optimizers, schedules, data.
#ifndef CHECK_COMPONENT_LAWS_H
#define CHECK_COMPONENT_LAWS_H

#include "check/subject.h"

bool component_laws_check(const struct component *component, struct arena *arena, finding_report *report, void *context);

#endif
