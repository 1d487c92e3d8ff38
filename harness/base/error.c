// error.c: appends lines to an error; what no longer fits is counted and dropped.
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What a file or a user wrote may be quoted in it: a terminal must not take that for commands, nor a line for two.
static void append(struct error *error, const char *format, va_list arguments)
{
    size_t room = ERROR_TEXT_SIZE - error->length, before = error->length;
    int count = vsnprintf(error->text + error->length, room, format, arguments);
    if (count > 0)
        error->length += (size_t)count < room ? (size_t)count : room - 1;
    for (char *c = error->text + before; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static void end_line(struct error *error)
{
    if (error->length < ERROR_TEXT_SIZE - 1)
        error->text[error->length++] = '\n';
}

static void append_text(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append_text(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append(error, format, arguments);
    va_end(arguments);
}

// A line that is there already is not said twice: arms that share a mistake share its line.
static void append_line(struct error *error, size_t begin, const char *format, va_list arguments)
{
    append(error, format, arguments);
    end_line(error);
    size_t length = error->length - begin;
    for (size_t line = 0; length > 0 && line < begin; line += strcspn(error->text + line, "\n") + 1)
        if (line + length <= begin && !memcmp(error->text + line, error->text + begin, length)) {
            error->length = begin;
            error->text[begin] = '\0';
            return;
        }
    error->count++;
}

bool error_add(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append_line(error, error->length, format, arguments);
    va_end(arguments);
    return false;
}

bool error_request(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    append_line(error, error->length, format, arguments);
    va_end(arguments);
    error->is_request = true;
    return false;
}

bool error_add_at(struct error *error, const char *file, int line, const char *format, ...)
{
    size_t begin = error->length;
    if (line > 0)
        append_text(error, "%s:%d: ", file, line);
    else
        append_text(error, "%s: ", file);
    va_list arguments;
    va_start(arguments, format);
    append_line(error, begin, format, arguments);
    va_end(arguments);
    return false;
}

bool error_carry(struct error *error, const char *lead, const struct error *from)
{
    for (const char *line = from->text; *line;) {
        size_t length = strcspn(line, "\n");
        append_text(error, "%s%.*s", lead, (int)length, line);
        end_line(error);
        line += length + (line[length] == '\n');
    }
    error->count += from->count;
    error->is_request |= from->is_request;
    return false;
}
