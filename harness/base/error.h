// error.h: what the user or the machine did wrong, as lines for a person.
//
// A call that can meet such trouble returns bool and takes a `struct error *`. Every call of error_add appends one line, so a
// parser can report all mistakes of a file at once. Only main prints them. Bugs abort; numerical outcomes are data.
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum { ERROR_TEXT_SIZE = 8192 };

struct error {
    int count;       // lines added, also those that no longer fitted
    bool is_request; // the request was wrong (exit 2), rather than the work failed (exit 1)
    size_t length;
    char text[ERROR_TEXT_SIZE]; // lines, each ended by '\n'
};

// Adds one line. Returns false, so that a caller can write `return error_add(error, ...)`.
bool error_add(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same, led by `file:line: `; line 0 names the file alone.
bool error_add_at(struct error *error, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The same as error_add for a mistake in the request itself: main then exits with 2.
bool error_request(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Adds every line of `from`, each led by `lead` ("file:12: "), and its is_request. Returns false.
bool error_carry(struct error *error, const char *lead, const struct error *from);

#endif
