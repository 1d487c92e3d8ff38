// fixture_program.h: a folder of its own with a tiny experiment, the program run in it, and what its database then holds.
#ifndef FIXTURE_PROGRAM_H
#define FIXTURE_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/text.h"

// Makes an empty folder, goes there, and writes tiny.yaml: `steps` steps of one layer of width 16, three arms x `seeds` seeds.
void program_folder_open(int steps, int seeds);
void program_folder_close(void);
// Replaces tiny.yaml: `lines` go under `parameters:`.
void program_write_experiment(int steps, int seeds, const char *lines);

// Starts ./ablate with these words (NULL-ended); output and errors go to `output.txt`. `variables`: "NAME=VALUE", NULL-ended.
pid_t program_start(const char *const *words, const char *const *variables);
// Waits; the exit status, or 1000 + the signal that ended it.
int program_wait(pid_t process);
int program_run(const char *const *words);
// The folder of the plug-ins that this build made.
const char *program_plugins(void);
// What output.txt holds; the caller frees.
char *program_output(void);

// Everything in the database that a run's identity determines, as sorted lines: what two undisturbed sweeps share to the bit.
// The caller frees. `only_run` NULL: all runs.
char *program_content(const char *database, const char *only_run);
// The one number or text that a query gives, in `text`.
void program_query(const char *database, const char *sql, struct text *text);
int program_count(const char *database, const char *sql);

// Fails the test at the first line where the two differ.
void program_expect_same(const char *got, const char *want, const char *what);

// The worker processes of a runner that are there now: how many were written to `workers`.
int program_workers(pid_t runner, pid_t *workers, int most);
pid_t program_await_worker(pid_t runner); // between two runs there is none for a moment
// Waits until results/checkpoints holds a whole checkpoint; false after ten seconds.
bool program_await_checkpoint(void);
void program_sleep(int milliseconds);

#endif
