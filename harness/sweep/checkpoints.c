// checkpoints.c: see checkpoints.h.
#include "sweep/checkpoints.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

char *checkpoints_path(const char *folder, const char *id)
{
    struct text path = {0};
    text_add(&path, "%s/%s.safetensors", folder, id);
    return path.data;
}

bool checkpoints_remove(const char *folder, const char *id)
{
    struct text beside = {0};
    char *path = checkpoints_path(folder, id);
    text_add(&beside, "%s.new", path);
    unlink(beside.data);
    bool gone = unlink(path) == 0 || errno == ENOENT;
    int number = errno;
    text_free(&beside);
    free(path);
    errno = number;
    return gone;
}
