// case.h: the run that a case of `ablate verify` describes: case.yaml, keys of a run, one a line.
#ifndef CHECK_CASE_H
#define CHECK_CASE_H

#include "registry/run.h"

// Fills a resolved run whose data slot is empty: a case brings its own tokens. When the file names a component that is not
// there, *absent says which ("attention=strided is not among the components") and the run is not to be used; otherwise it is
// NULL. Mistakes are added with file:line. Texts belong to the arena.
bool case_read(const char *folder, struct run *run, const char **absent, struct arena *arena, struct error *error);

#endif
