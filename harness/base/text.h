// text.h: a growing string, and the words of messages. Used by everything that writes for people or files.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

struct text {
    char *data; // never NULL after the first call, always ended by '\0'
    size_t length, capacity;
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_list(struct text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void text_add_bytes(struct text *text, const char *bytes, size_t count);
// One word as a shell reads it back: in quotes only where it needs them.
void text_add_word(struct text *text, const char *word);
// Bytes of the UTF-8 character at `text`; 0 when it is none (overlong, a surrogate, cut off). Unicode 15, table 3-7.
size_t text_character(const char *text);
bool text_is_utf8(const char *text);
void text_free(struct text *text);
// A copy that lives as long as the arena; the text itself is freed. "" where nothing was added.
char *text_keep(struct text *text, struct arena *arena);

// The candidate nearest to `word` in edit distance, or NULL when none is near enough to be meant.
struct nearest {
    const char *word, *best;
    int distance;
};
void nearest_open(struct nearest *nearest, const char *word);
void nearest_offer(struct nearest *nearest, const char *candidate);
const char *nearest_answer(const struct nearest *nearest);
// How a message about an unknown word goes on: `, did you mean "ratio"?`, or "." where nothing is near enough.
struct suggestion {
    char text[96];
};
struct suggestion nearest_suggestion(const struct nearest *nearest);

// Whole-string numbers: false unless all of `word` is one. text_to_real also reads a fraction, "8/3".
bool text_to_int(const char *word, int64_t *value);
bool text_to_real(const char *word, double *value);
// The shortest decimal that reads back to the same double.
void text_add_real(struct text *text, double value);

#endif
