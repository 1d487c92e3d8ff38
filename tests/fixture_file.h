// fixture_file.h: bytes as a file of their own, and text as an experiment file.
#ifndef TESTS_FIXTURE_FILE_H
#define TESTS_FIXTURE_FILE_H

#include "sweep/experiment.h"

enum { FILE_PATH_SIZE = 64 };

// A new .yaml file; the caller unlinks it.
void file_write_text(char path[FILE_PATH_SIZE], const void *data, size_t count);
// Reads `text` as an experiment file; `error` gets the mistakes, with the path cut from the front of each line.
bool file_read_experiment(const char *text, const struct experiment_changes *changes, struct experiment *experiment,
                          struct error *error);

#endif
