// file.c: whole files in and out, SHA-256, clocks.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

static const struct {
    int number;
    const char *words;
} troubles[] = {
    {ENOENT, "there is no such file or folder; check the path"},
    {ENOTDIR, "a part of its path is no folder; check the path"},
    {EISDIR, "a folder, where a file is needed"},
    {EACCES, "there is no permission for it; change that or use another place"},
    {EPERM, "there is no permission for it; change that or use another place"},
    {EROFS, "the disk is read-only; name another place"},
    {ENOSPC, "the disk is full; free some space"},
    {EDQUOT, "your share of the disk is full; free some space"},
    {EFBIG, "it would be larger than files may be; raise the limit (ulimit -f) or use another disk"},
    {ENAMETOOLONG, "its name is too long; choose a shorter one"},
    {ELOOP, "the links on its path lead in a circle; check the path"},
    {EMFILE, "too many files are open; raise the limit (ulimit -n)"},
    {ENFILE, "too many files are open on this machine; close some programs"},
    {EIO, "the disk reports an error; try again, and mistrust the disk if it stays"},
    {ENOMEM, "the machine has no more memory; close some programs"},
};

const char *file_trouble(int number)
{
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++)
        if (troubles[i].number == number)
            return troubles[i].words;
    return strerror(number);
}

bool file_read(const char *path, size_t limit, struct bytes *bytes, struct error *error)
{
    struct stat status;
    bool done = false;
    *bytes = (struct bytes){0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe without a writer is refused, not waited for
    if (file < 0)
        return error_add(error, "%s: %s", path, file_trouble(errno));
    if (fstat(file, &status) || !S_ISREG(status.st_mode)) {
        error_add(error, "%s: not a file; check the path", path);
        goto cleanup;
    }
    if ((uint64_t)status.st_size > limit) {
        error_add(error, "%s: %lld bytes are more than the %zu that are read here", path, (long long)status.st_size, limit);
        goto cleanup;
    }
    size_t size = (size_t)status.st_size;
    bytes->data = malloc(size + 1);
    if (!bytes->data) {
        error_add(error, "%s: no memory for its %zu bytes", path, size);
        goto cleanup;
    }
    while (bytes->count < size) {
        ssize_t got = read(file, bytes->data + bytes->count, size - bytes->count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_add(error, "%s: it cannot be read: %s", path, file_trouble(errno));
            goto cleanup;
        }
        if (got == 0)
            break;
        bytes->count += (size_t)got;
    }
    bytes->data[bytes->count] = '\0';
    done = true;
cleanup:
    close(file);
    if (!done)
        bytes_free(bytes);
    return done;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

bool file_write(int file, const void *data, size_t count)
{
    const unsigned char *rest = data;
    while (count > 0) {
        ssize_t put = write(file, rest, count);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        rest += put;
        count -= (size_t)put;
    }
    return true;
}

// The rename is durable only once its folder is.
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct text folder = {0};
    text_add(&folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int file = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    text_free(&folder);
    return done;
}

bool file_replace(const char *path, const void *data, size_t count, struct error *error)
{
    return file_replace_parts(path, &(struct file_part){data, count}, 1, error);
}

bool file_replace_parts(const char *path, const struct file_part *parts, int count, struct error *error)
{
    struct text beside = {0};
    text_add(&beside, "%s.new", path);
    int file = open(beside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool done = file >= 0;
    for (int i = 0; done && i < count; i++)
        done = file_write(file, parts[i].data, parts[i].count);
    done = done && fsync(file) == 0;
    int trouble = errno;
    if (file >= 0 && close(file) && done) {
        done = false;
        trouble = errno;
    }
    if (done && rename(beside.data, path)) {
        done = false;
        trouble = errno;
    }
    if (!done) {
        unlink(beside.data);
        error_add(error, "%s: it cannot be written: %s. Nothing was changed", path, file_trouble(trouble));
    } else if (!sync_folder_of(path)) {
        done = error_add(error, "%s: it may not outlive a power cut: %s", path, file_trouble(errno));
    }
    text_free(&beside);
    return done;
}

bool file_replaceable(const char *path, struct error *error)
{
    struct text beside = {0};
    text_add(&beside, "%s.new", path);
    int file = open(beside.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    bool done = file >= 0 || error_add(error, "%s: it cannot be written: %s", path, file_trouble(errno));
    if (file >= 0) {
        close(file);
        unlink(beside.data);
    }
    text_free(&beside);
    return done;
}

bool folder_create(const char *path, struct error *error)
{
    char *copy = memory_copy_text(path);
    bool done = true;
    for (char *c = copy + 1; done; c++) {
        if (*c && *c != '/')
            continue;
        char kept = *c;
        *c = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            done = error_add(error, "%s: the folder cannot be made: %s", copy, file_trouble(errno));
        *c = kept;
        if (!kept)
            break;
    }
    struct stat status;
    if (done && (stat(path, &status) || !S_ISDIR(status.st_mode)))
        done = error_add(error, "%s: not a folder, where one is needed; move it away or name another place", path);
    free(copy);
    return done;
}

void hash_bytes(const void *data, size_t count, char text[HASH_TEXT_SIZE]) { SHA256Data(data, count, text); }

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int64_t clock_unix(void) { return (int64_t)time(NULL); }
