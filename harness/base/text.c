// text.c: a growing string, nearest words, numbers in both directions.
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *text, size_t more)
{
    if (text->length + more + 1 <= text->capacity)
        return;
    text->capacity = 2 * (text->length + more + 1);
    text->data = memory_resize(text->data, text->capacity, 1);
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
    reserve(text, count);
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void text_add_list(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int count = vsnprintf(NULL, 0, format, arguments);
    if (count >= 0) {
        reserve(text, (size_t)count);
        vsnprintf(text->data + text->length, (size_t)count + 1, format, again);
        text->length += (size_t)count;
    }
    va_end(again);
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_add_list(text, format, arguments);
    va_end(arguments);
}

size_t text_character(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    static const struct {
        unsigned char first, last, second_low, second_high;
        size_t length;
    } shapes[] = {{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                  {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                  {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (*c < shapes[i].first || *c > shapes[i].last)
            continue;
        if (shapes[i].length > 1 && (c[1] < shapes[i].second_low || c[1] > shapes[i].second_high))
            return 0;
        for (size_t j = 2; j < shapes[i].length; j++)
            if (c[j] < 0x80 || c[j] > 0xbf)
                return 0;
        return shapes[i].length;
    }
    return 0;
}

bool text_is_utf8(const char *text)
{
    size_t length = 1;
    for (; *text && length > 0; text += length)
        length = text_character(text);
    return length > 0;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

char *text_keep(struct text *text, struct arena *arena)
{
    char *copy = arena_copy_text(arena, text->data ? text->data : "");
    text_free(text);
    return copy;
}

enum { WORD_MAX = 64 };

// Levenshtein's distance over the first WORD_MAX letters, one row of the table at a time.
static int distance(const char *a, const char *b)
{
    int row[WORD_MAX + 1];
    int width = (int)strnlen(b, WORD_MAX), height = (int)strnlen(a, WORD_MAX);
    for (int j = 0; j <= width; j++)
        row[j] = j;
    for (int i = 1; i <= height; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= width; j++) {
            int substitute = diagonal + (a[i - 1] != b[j - 1]);
            int shorter = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = substitute < shorter ? substitute : shorter;
        }
    }
    return row[width];
}

void nearest_open(struct nearest *nearest, const char *word)
{
    // A third of the letters may be wrong, at least two and less than all of them.
    int length = (int)strnlen(word, WORD_MAX);
    int most = length / 3 > 2 ? length / 3 : 2;
    *nearest = (struct nearest){.word = word, .distance = (most < length ? most : length - 1) + 1};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    int d = distance(nearest->word, candidate);
    if (d < nearest->distance) {
        nearest->distance = d;
        nearest->best = candidate;
    }
}

const char *nearest_answer(const struct nearest *nearest) { return nearest->best; }

struct suggestion nearest_suggestion(const struct nearest *nearest)
{
    struct suggestion suggestion = {"."};
    if (nearest->best)
        snprintf(suggestion.text, sizeof suggestion.text, ", did you mean \"%.*s\"?", WORD_MAX, nearest->best);
    return suggestion;
}

bool text_to_int(const char *word, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(word, &end, 10);
    if (end == word || *end || errno)
        return false;
    *value = number;
    return true;
}

bool text_to_real(const char *word, double *value)
{
    char *end;
    errno = 0;
    double number = strtod(word, &end);
    if (end == word || (errno && fabs(number) > 1))
        return false;
    if (*end == '/') {
        const char *below = end + 1;
        double divisor = strtod(below, &end);
        if (end == below || divisor == 0)
            return false;
        number /= divisor;
    }
    if (*end || !isfinite(number))
        return false;
    *value = number;
    return true;
}

void text_add_word(struct text *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@%-";
    if (*word && strspn(word, plain) == strlen(word)) {
        text_add(text, "%s", word);
        return;
    }
    text_add(text, "'");
    for (; *word; word++)
        text_add(text, *word == '\'' ? "'\\''" : "%c", *word);
    text_add(text, "'");
}

// As people write them: 1000 and not 1e+03, 1e-6 and not 1e-06.
void text_add_real(struct text *text, double value)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    char *exponent = strchr(digits, 'e');
    if (exponent && fabs(value) >= 1 && fabs(value) < 1e7)
        text_add(text, "%.0f", value);
    else if (exponent)
        text_add(text, "%.*se%d", (int)(exponent - digits), digits, atoi(exponent + 1));
    else
        text_add(text, "%s", digits);
}
