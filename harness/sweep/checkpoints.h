// checkpoints.h: the folder where a sweep keeps the checkpoints of the runs that are under way, <run id>.safetensors.
#ifndef SWEEP_CHECKPOINTS_H
#define SWEEP_CHECKPOINTS_H

#include <stdbool.h>

// The caller frees.
char *checkpoints_path(const char *folder, const char *id);
// The file, and the half of one that a kill may have left beside it. False, with errno, where the file stays.
bool checkpoints_remove(const char *folder, const char *id);

#endif
