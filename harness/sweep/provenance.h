// provenance.h: what made a run, besides what it is: the program's commit and flags, the processor, the product library.
//
// Gathered by the worker, where the library is open; stored with the run.
#ifndef SWEEP_PROVENANCE_H
#define SWEEP_PROVENANCE_H

#include "base/memory.h"
#include "registry/run.h"
#include "store/view.h"

// Written by make: the commit this program was built from ("unknown" outside a repository), whether files differed from it,
// and the flags of the compiler.
extern const char build_commit[], build_flags[];
extern const bool build_dirty;

// All facts of this process and run, ended by name NULL. Lives in `arena`.
const struct fact *provenance_gather(const struct run *run, int threads, struct arena *arena);

// The value of a fact, or "" when it is not among them.
const char *provenance_find(const struct fact *facts, const char *name);

#endif
