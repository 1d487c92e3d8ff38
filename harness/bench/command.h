// command.h: one run of an ablate program, this one or another build, for what it prints.
//
// A process of its own has a peak of memory of its own, and another build can take turns with this one. Called by the table of
// models and by `bench compare`.
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include "base/error.h"
#include "base/text.h"

#define COMMAND_SELF "/proc/self/exe"

// Runs `words` (NULL-ended, after the program's own name) and appends its standard output to `output`; its errors go where ours
// go. False when it does not start or does not end with 0.
bool command_run(const char *path, const char *const *words, struct text *output, struct error *error);

// Calls `visit` with every line of the output, which must be JSON objects. A field is read by command_number and command_word.
struct json_t;
bool command_lines(const char *path, const struct text *output, void (*visit)(void *context, const struct json_t *object),
                   void *context, struct error *error);
double command_number(const struct json_t *object, const char *name);    // NaN where there is none
const char *command_word(const struct json_t *object, const char *name); // "" where there is none

#endif
