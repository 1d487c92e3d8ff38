// messages.c: one table of fields says what every kind of message holds; writing and reading both follow it.
#include "sweep/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static const char *const kind_names[MESSAGE_KINDS] = {
    [MESSAGE_RUN] = "run",         [MESSAGE_BEGIN] = "begin",
    [MESSAGE_METRICS] = "metrics", [MESSAGE_THROUGHPUT] = "throughput",
    [MESSAGE_EVENT] = "event",     [MESSAGE_COMMIT] = "commit",
    [MESSAGE_END] = "end",         [MESSAGE_COMMITTED] = "committed",
    [MESSAGE_TROUBLE] = "trouble",
};

enum field_type {
    FIELD_INT,  // int64_t
    FIELD_REAL, // double
    FIELD_BOOL,
    FIELD_TEXT,  // const char *
    FIELD_MAYBE, // const char *, or NULL
    FIELD_FACTS, // const struct fact *, as [[name, value], ...]
    FIELD_ROWS,  // rows and row_count, as {"names": [text, ...], "name": [place in names, ...], "step": [...], "value": [...]}
};

struct field {
    enum message_kind kind;
    const char *name;
    enum field_type type;
    size_t offset;
};

static const struct field fields[] = {
    {MESSAGE_RUN, "id", FIELD_TEXT, offsetof(struct message, id)},
    {MESSAGE_RUN, "values", FIELD_FACTS, offsetof(struct message, values)},
    {MESSAGE_RUN, "threads", FIELD_INT, offsetof(struct message, threads)},
    {MESSAGE_RUN, "checkpoint", FIELD_MAYBE, offsetof(struct message, checkpoint)},
    {MESSAGE_RUN, "weights", FIELD_MAYBE, offsetof(struct message, weights)},
    {MESSAGE_BEGIN, "parameters", FIELD_INT, offsetof(struct message, parameters)},
    {MESSAGE_BEGIN, "parameters_without_embeddings", FIELD_INT, offsetof(struct message, parameters_without_embeddings)},
    {MESSAGE_BEGIN, "flops", FIELD_REAL, offsetof(struct message, flops)},
    {MESSAGE_BEGIN, "planned_bytes", FIELD_INT, offsetof(struct message, planned_bytes)},
    {MESSAGE_BEGIN, "data_hash", FIELD_TEXT, offsetof(struct message, data_hash)},
    {MESSAGE_BEGIN, "resumed_from_step", FIELD_INT, offsetof(struct message, resumed_from_step)},
    {MESSAGE_BEGIN, "provenance", FIELD_FACTS, offsetof(struct message, provenance)},
    {MESSAGE_METRICS, "rows", FIELD_ROWS, offsetof(struct message, rows)},
    {MESSAGE_THROUGHPUT, "rows", FIELD_ROWS, offsetof(struct message, rows)},
    {MESSAGE_EVENT, "step", FIELD_INT, offsetof(struct message, step)},
    {MESSAGE_EVENT, "event", FIELD_TEXT, offsetof(struct message, event)},
    {MESSAGE_EVENT, "value", FIELD_REAL, offsetof(struct message, value)},
    {MESSAGE_EVENT, "threshold", FIELD_REAL, offsetof(struct message, threshold)},
    {MESSAGE_EVENT, "detail", FIELD_MAYBE, offsetof(struct message, detail)},
    {MESSAGE_COMMIT, "step", FIELD_INT, offsetof(struct message, step)},
    {MESSAGE_COMMITTED, "step", FIELD_INT, offsetof(struct message, step)},
    {MESSAGE_END, "diverged", FIELD_BOOL, offsetof(struct message, diverged)},
    {MESSAGE_END, "diverged_at", FIELD_INT, offsetof(struct message, diverged_at)},
    {MESSAGE_END, "seconds", FIELD_REAL, offsetof(struct message, seconds)},
    {MESSAGE_END, "tokens_per_s", FIELD_REAL, offsetof(struct message, tokens_per_s)},
    {MESSAGE_END, "peak_rss_bytes", FIELD_INT, offsetof(struct message, peak_rss_bytes)},
    {MESSAGE_TROUBLE, "detail", FIELD_TEXT, offsetof(struct message, detail)},
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static void *allocate(size_t size) { return memory_allocate(size, 1); }

void messages_open(void) { json_set_alloc_funcs(allocate, free); }

static json_t *real_to_json(double value)
{
    return isfinite(value) ? json_real(value) : json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static bool real_from_json(const json_t *json, double *value)
{
    const char *word = json_string_value(json);
    if (json_is_number(json))
        *value = json_number_value(json);
    else if (word && !strcmp(word, "nan"))
        *value = NAN;
    else if (word && (!strcmp(word, "inf") || !strcmp(word, "-inf")))
        *value = *word == '-' ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

// Text that is not UTF-8 (the name of a machine, say) is passed as its bytes' Latin-1 letters rather than lost.
static json_t *text_to_json(const char *text)
{
    if (!text)
        return json_null();
    json_t *json = json_string(text);
    if (json)
        return json;
    struct text latin = {0};
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x80)
            text_add(&latin, "%c", *c);
        else
            text_add(&latin, "%c%c", 0xc0 | *c >> 6, 0x80 | (*c & 0x3f));
    }
    json = json_string(latin.data);
    text_free(&latin);
    return json;
}

static json_t *facts_to_json(const struct fact *facts)
{
    json_t *list = json_array();
    for (const struct fact *fact = facts; fact && fact->name; fact++)
        json_array_append_new(list, json_pack("[o, o]", text_to_json(fact->name), text_to_json(fact->value)));
    return list;
}

static bool facts_from_json(json_t *list, const struct fact **facts)
{
    size_t count = json_array_size(list);
    struct fact *read = memory_allocate(count + 1, sizeof *read);
    *facts = read;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        read[i].name = json_string_value(json_array_get(pair, 0));
        read[i].value = json_string_value(json_array_get(pair, 1));
        if (!read[i].name || !read[i].value)
            return false;
    }
    return json_is_array(list);
}

// A name is told once a message: rows are most of what is ever said, and each of their parts costs its share of a step.
static json_int_t place_of_name(json_t *names, const char *name)
{
    size_t place = 0, count = json_array_size(names);
    while (place < count && strcmp(json_string_value(json_array_get(names, place)), name) != 0)
        place++;
    if (place == count)
        json_array_append_new(names, text_to_json(name));
    return (json_int_t)place;
}

static json_t *rows_to_json(const struct message *message)
{
    json_t *names = json_array(), *name = json_array(), *step = json_array(), *value = json_array();
    for (int64_t i = 0; i < message->row_count; i++) {
        const struct message_row *row = &message->rows[i];
        json_array_append_new(name, json_integer(place_of_name(names, row->name ? row->name : "")));
        json_array_append_new(step, json_integer(row->step));
        json_array_append_new(value, real_to_json(row->value));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "names", names, "name", name, "step", step, "value", value);
}

static bool rows_from_json(json_t *table, struct message *message)
{
    json_t *names = json_object_get(table, "names"), *name = json_object_get(table, "name"),
           *step = json_object_get(table, "step"), *value = json_object_get(table, "value");
    size_t count = json_array_size(value);
    struct message_row *rows = memory_allocate(count, sizeof *rows);
    message->rows = rows;
    message->row_count = (int64_t)count;
    if (!json_is_array(value) || json_array_size(name) != count || json_array_size(step) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *place = json_array_get(name, i), *number = json_array_get(step, i);
        rows[i].step = json_integer_value(number);
        rows[i].name = json_string_value(json_array_get(names, (size_t)json_integer_value(place)));
        if (!json_is_integer(place) || !json_is_integer(number) || !rows[i].name ||
            !real_from_json(json_array_get(value, i), &rows[i].value))
            return false;
    }
    return true;
}

static json_t *field_to_json(const struct field *field, const struct message *message)
{
    const void *place = (const char *)message + field->offset;
    switch (field->type) {
    case FIELD_INT:
        return json_integer(*(const int64_t *)place);
    case FIELD_REAL:
        return real_to_json(*(const double *)place);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)place);
    case FIELD_TEXT:
    case FIELD_MAYBE:
        return text_to_json(*(const char *const *)place);
    case FIELD_FACTS:
        return facts_to_json(*(const struct fact *const *)place);
    case FIELD_ROWS:
        return rows_to_json(message);
    }
    abort();
}

static bool field_from_json(const struct field *field, json_t *json, struct message *message)
{
    void *place = (char *)message + field->offset;
    switch (field->type) {
    case FIELD_INT:
        *(int64_t *)place = json_integer_value(json);
        return json_is_integer(json);
    case FIELD_REAL:
        return real_from_json(json, place);
    case FIELD_BOOL:
        *(bool *)place = json_is_true(json);
        return json_is_boolean(json);
    case FIELD_TEXT:
    case FIELD_MAYBE:
        *(const char **)place = json_string_value(json);
        return json_is_string(json) || (field->type == FIELD_MAYBE && json_is_null(json));
    case FIELD_FACTS:
        return facts_from_json(json, place);
    case FIELD_ROWS:
        return rows_from_json(json, message);
    }
    abort();
}

void message_print(const struct message *message, struct text *line)
{
    json_t *json = json_object();
    json_object_set_new(json, "kind", json_string(kind_names[message->kind]));
    for (int i = 0; i < FIELD_COUNT; i++)
        if (fields[i].kind == message->kind)
            json_object_set_new(json, fields[i].name, field_to_json(&fields[i], message));
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    text_add_bytes(line, dumped, strlen(dumped));
    text_add_bytes(line, "\n", 1);
    free(dumped);
    json_decref(json);
}

bool message_read(const char *line, struct message *message, struct error *error)
{
    json_error_t trouble;
    *message = (struct message){.kind = MESSAGE_KINDS};
    message->json = json_loads(line, JSON_REJECT_DUPLICATES, &trouble);
    if (!message->json)
        return error_add(error, "a message that cannot be read: %s: %.80s", trouble.text, line);
    const char *name = json_string_value(json_object_get(message->json, "kind"));
    for (int kind = 0; name && kind < MESSAGE_KINDS; kind++)
        if (!strcmp(name, kind_names[kind]))
            message->kind = (enum message_kind)kind;
    bool good = message->kind != MESSAGE_KINDS;
    for (int i = 0; good && i < FIELD_COUNT; i++)
        if (fields[i].kind == message->kind)
            good = field_from_json(&fields[i], json_object_get(message->json, fields[i].name), message);
    if (good)
        return true;
    message_close(message);
    return error_add(error, "a message that cannot be understood: %.80s", line);
}

void message_close(struct message *message)
{
    free((void *)message->values);
    free((void *)message->provenance);
    free((void *)message->rows);
    json_decref(message->json);
    *message = (struct message){0};
}

bool line_write(int file, const struct text *line, struct error *error)
{
    for (size_t done = 0; done < line->length;) {
        ssize_t put = write(file, line->data + done, line->length - done);
        if (put > 0) {
            done += (size_t)put;
        } else if (put < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = file, .events = POLLOUT};
            poll(&room, 1, -1);
        } else if (put == 0 || errno != EINTR) {
            return error_add(error, "the pipe between runner and worker: %s", put ? strerror(errno) : "closed");
        }
    }
    return true;
}

bool lines_fill(struct lines *lines, struct error *error)
{
    enum { PIECE = 65536 };
    char piece[PIECE];
    if (lines->begin > 0) {
        lines->text.length -= lines->begin;
        memmove(lines->text.data, lines->text.data + lines->begin, lines->text.length + 1);
        lines->looked -= lines->begin;
        lines->begin = 0;
    }
    ssize_t got = read(lines->file, piece, sizeof piece);
    lines->dry = got < 0;
    if (got > 0)
        text_add_bytes(&lines->text, piece, (size_t)got);
    else if (got == 0)
        lines->ended = true;
    else if (errno != EAGAIN && errno != EINTR)
        return error_add(error, "the pipe between runner and worker: %s", strerror(errno));
    if (lines->text.length > LINE_SIZE_MAX && !memchr(lines->text.data, '\n', lines->text.length))
        return error_add(error, "a message longer than %d MiB", LINE_SIZE_MAX >> 20);
    return true;
}

const char *lines_next(struct lines *lines)
{
    if (lines->looked >= lines->text.length)
        return NULL;
    char *from = lines->text.data + lines->looked;
    char *end = memchr(from, '\n', lines->text.length - lines->looked);
    if (!end) {
        lines->looked = lines->text.length;
        return NULL;
    }
    *end = '\0';
    const char *line = lines->text.data + lines->begin;
    lines->begin = lines->looked = (size_t)(end - lines->text.data) + 1;
    return line;
}

void lines_close(struct lines *lines)
{
    text_free(&lines->text);
    *lines = (struct lines){.file = -1};
}
