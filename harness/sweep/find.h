// find.h: the file of an experiment, from what a person typed: a path, the name of one under experiments/, or of a stored one.
#ifndef SWEEP_FIND_H
#define SWEEP_FIND_H

#include "base/error.h"
#include "base/memory.h"

// NULL with what was probably meant. A stored experiment whose file is gone is written back beside the database.
const char *find_experiment(const char *word, const char *database, struct arena *arena, struct error *error);

#endif
