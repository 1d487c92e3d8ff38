// file.h: whole files in and out, hashes and the clock. Errors name the file and what to do.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bytes {
    unsigned char *data; // followed by one '\0' that `count` leaves out
    size_t count;
};
// Reads a regular file of at most `limit` bytes. The caller frees with bytes_free.
bool file_read(const char *path, size_t limit, struct bytes *bytes, struct error *error);
void bytes_free(struct bytes *bytes);

// All of it to an open file; false with errno.
bool file_write(int file, const void *data, size_t count);
// Replaces the file as one step: written beside it, synced, renamed. A failure leaves the old file and no new one.
bool file_replace(const char *path, const void *data, size_t count, struct error *error);
// The same from several pieces, so that large arrays are written from where they lie.
struct file_part {
    const void *data;
    size_t count;
};
bool file_replace_parts(const char *path, const struct file_part *parts, int count, struct error *error);
// Whether file_replace has a chance: its folder is there and takes files. Leaves nothing behind.
bool file_replaceable(const char *path, struct error *error);
bool folder_create(const char *path, struct error *error); // with its parents; existing is fine

enum { HASH_TEXT_SIZE = 65 };
// SHA-256 as 64 hex digits.
void hash_bytes(const void *data, size_t count, char text[HASH_TEXT_SIZE]);

// What an errno value of a file means, and what to do: "the disk is full; free some space".
const char *file_trouble(int number);

double clock_seconds(void); // monotonic
int64_t clock_unix(void);   // seconds since 1970, UTC

#endif
