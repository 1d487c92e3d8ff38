// safetensors.c: reads and writes safetensors files. Called by checkpoints, verify and export.
//
// Refused, each by the file's and the tensor's name: a header longer than the file, a header that is not one JSON object, a
// duplicate or unprintable name, an unknown type, a negative or overflowing shape, and data that overlaps, leaves the file, or
// leaves holes in it.
// Nothing is allocated because the file claims it: the only sizes used are the file's own.
#include "model/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { HEADER_LENGTH_BYTES = 8, PRINTED_NAME_SIZE = 80 };
static const size_t file_size_max = (size_t)8 << 30;

static const struct {
    const char *name;
    size_t size;
} types[SAFETENSORS_TYPES] = {
    [SAFETENSORS_F32] = {"F32", 4}, [SAFETENSORS_F64] = {"F64", 8}, [SAFETENSORS_I32] = {"I32", 4},
    [SAFETENSORS_I64] = {"I64", 8}, [SAFETENSORS_U8] = {"U8", 1},
};

// A name out of a file, fit for a terminal: no control characters, no endless lines.
static const char *printable(const char *name, char text[PRINTED_NAME_SIZE])
{
    size_t length = strnlen(name, PRINTED_NAME_SIZE - 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (unsigned char)name[i] < 32 || name[i] == 127 ? '?' : name[i];
    text[length] = '\0';
    return text;
}

// Names are repeated in messages by all who read the file.
static bool is_printable(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 32 || *name == 127)
            return false;
    return true;
}

struct reading {
    struct safetensors *file;
    size_t data_begin, data_count;
    struct error *error;
};

static bool refuse(const struct reading *reading, const char *name, const char *why)
{
    char text[PRINTED_NAME_SIZE];
    return error_add(reading->error, "%s: tensor \"%s\": %s; write the file again", reading->file->path, printable(name, text),
                     why);
}

static bool read_type(const char *word, enum safetensors_type *type)
{
    for (int i = 0; word && i < SAFETENSORS_TYPES; i++) {
        if (strcmp(types[i].name, word) == 0) {
            *type = (enum safetensors_type)i;
            return true;
        }
    }
    return false;
}

// Fills shape and count. False with the reason when the shape is none.
static const char *read_shape(const json_t *shape, struct safetensors_entry *entry)
{
    if (!json_is_array(shape))
        return "it has no shape";
    if (json_array_size(shape) > TENSOR_RANK_MAX)
        return "it has more than 4 dimensions";
    size_t count = 1;
    entry->rank = (int)json_array_size(shape);
    for (int i = 0; i < entry->rank; i++) {
        const json_t *extent = json_array_get(shape, (size_t)i);
        if (!json_is_integer(extent) || json_integer_value(extent) < 0)
            return "its shape is not a list of counts";
        entry->shape[i] = json_integer_value(extent);
        if (!size_multiply(count, (size_t)entry->shape[i], &count) || count > INT64_MAX)
            return "its shape is larger than any file";
    }
    entry->count = (int64_t)count;
    return NULL;
}

static bool read_entry(const struct reading *reading, const char *name, const json_t *facts, struct safetensors_entry *entry)
{
    *entry = (struct safetensors_entry){.name = arena_copy_text(&reading->file->arena, name)};
    if (!is_printable(name))
        return refuse(reading, name, "its name holds control characters");
    if (!json_is_object(facts))
        return refuse(reading, name, "its entry is not an object");
    if (!read_type(json_string_value(json_object_get(facts, "dtype")), &entry->type))
        return refuse(reading, name, "its dtype is not one of F32, F64, I32, I64, U8");
    const char *trouble = read_shape(json_object_get(facts, "shape"), entry);
    if (trouble)
        return refuse(reading, name, trouble);
    const json_t *offsets = json_object_get(facts, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return refuse(reading, name, "its data_offsets are not two numbers");
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > reading->data_count)
        return refuse(reading, name, "its data lies outside the file");
    size_t bytes;
    if (!size_multiply((size_t)entry->count, types[entry->type].size, &bytes) || bytes != (size_t)(end - begin))
        return refuse(reading, name, "its shape and its data differ in size");
    entry->data = reading->file->bytes.data + reading->data_begin + begin;
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct safetensors_entry *a = left, *b = right;
    if (a->data != b->data)
        return (const char *)a->data < (const char *)b->data ? -1 : 1;
    return a->count != b->count ? (a->count < b->count ? -1 : 1) : strcmp(a->name, b->name);
}

// The format wants every byte of the data in exactly one tensor: what overlaps or is left over was not written by a sane
// program.
static bool check_cover(const struct reading *reading)
{
    const struct safetensors *file = reading->file;
    qsort(file->entries, (size_t)file->count, sizeof *file->entries, by_place);
    const char *place = (const char *)file->bytes.data + reading->data_begin;
    for (int i = 0; i < file->count; i++) {
        const struct safetensors_entry *entry = &file->entries[i];
        if ((const char *)entry->data != place)
            return refuse(reading, entry->name,
                          (const char *)entry->data < place ? "its data overlaps another tensor's"
                                                            : "bytes before it belong to no tensor");
        place += (size_t)entry->count * types[entry->type].size;
    }
    if (place != (const char *)file->bytes.data + file->bytes.count)
        return error_add(reading->error, "%s: bytes after the last tensor belong to none; write the file again", file->path);
    return true;
}

static bool read_header(const struct reading *reading, const json_t *header)
{
    struct safetensors *file = reading->file;
    if (!json_is_object(header))
        return error_add(reading->error, "%s: not a safetensors file: its header is not a JSON object", file->path);
    file->entries = arena_allocate(&file->arena, json_object_size(header), sizeof *file->entries);
    const char *name;
    const json_t *facts;
    json_object_foreach((json_t *)header, name, facts)
    {
        if (strcmp(name, "__metadata__") == 0) {
            const char *metadata = json_string_value(json_object_get(facts, "ablate"));
            file->metadata = metadata ? arena_copy_text(&file->arena, metadata) : NULL;
        } else if (!read_entry(reading, name, facts, &file->entries[file->count++])) {
            return false;
        }
    }
    return check_cover(reading);
}

bool safetensors_read(const char *path, struct safetensors *file, struct error *error)
{
    *file = (struct safetensors){0};
    file->path = arena_copy_text(&file->arena, path);
    json_t *header = NULL;
    bool done = false;
    if (!file_read(path, file_size_max, &file->bytes, error))
        goto cleanup;
    if (file->bytes.count < HEADER_LENGTH_BYTES) {
        error_add(error, "%s: not a safetensors file: it ends before its header", path);
        goto cleanup;
    }
    uint64_t length = 0;
    for (int i = HEADER_LENGTH_BYTES; i-- > 0;)
        length = length << 8 | file->bytes.data[i];
    if (length > file->bytes.count - HEADER_LENGTH_BYTES) {
        error_add(error,
                  "%s: its header claims %" PRIu64 " bytes but the file has %zu: it is cut off or not a safetensors file", path,
                  length, file->bytes.count);
        goto cleanup;
    }
    json_error_t trouble;
    header = json_loadb((const char *)file->bytes.data + HEADER_LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &trouble);
    if (!header) {
        error_add(error, "%s: its header is not JSON (%s at byte %d): not a safetensors file, or a damaged one", path,
                  trouble.text, trouble.position);
        goto cleanup;
    }
    struct reading reading = {file, HEADER_LENGTH_BYTES + (size_t)length,
                              file->bytes.count - HEADER_LENGTH_BYTES - (size_t)length, error};
    done = read_header(&reading, header);
cleanup:
    json_decref(header);
    if (!done)
        safetensors_close(file);
    return done;
}

void safetensors_close(struct safetensors *file)
{
    bytes_free(&file->bytes);
    arena_close(&file->arena);
    *file = (struct safetensors){0};
}

const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++) {
        if (strcmp(file->entries[i].name, name) == 0)
            return &file->entries[i];
    }
    return NULL;
}

static void add_shape(struct text *text, enum safetensors_type type, int rank, const int64_t *shape)
{
    text_add(text, "%s [", types[type].name);
    for (int i = 0; i < rank; i++)
        text_add(text, "%s%" PRId64, i ? ", " : "", shape[i]);
    text_add(text, "]");
}

const struct safetensors_entry *safetensors_want(const struct safetensors *file, const char *name, enum safetensors_type type,
                                                 int rank, const int64_t *shape, struct error *error)
{
    const struct safetensors_entry *entry = safetensors_find(file, name);
    if (!entry) {
        error_add(error, "%s: tensor \"%s\" is missing: the file belongs to another model", file->path, name);
        return NULL;
    }
    bool same = entry->type == type && entry->rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = entry->shape[i] == shape[i];
    if (same)
        return entry;
    struct text text = {0};
    text_add(&text, "%s: tensor \"%s\" is ", file->path, name);
    add_shape(&text, entry->type, entry->rank, entry->shape);
    text_add(&text, " where ");
    add_shape(&text, type, rank, shape);
    text_add(&text, " is needed: the file belongs to another model");
    error_add(error, "%s", text.data);
    text_free(&text);
    return NULL;
}

void safetensors_copy(const struct safetensors_entry *entry, float *values)
{
    if (entry->type == SAFETENSORS_F32) {
        memcpy(values, entry->data, (size_t)entry->count * sizeof *values);
        return;
    }
    assert(entry->type == SAFETENSORS_F64);
    for (int64_t i = 0; i < entry->count; i++) {
        double value;
        memcpy(&value, (const char *)entry->data + (size_t)i * sizeof value, sizeof value);
        values[i] = (float)value;
    }
}

static json_t *describe_entry(const struct safetensors_entry *entry, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < entry->rank; i++)
        json_array_append_new(shape, json_integer(entry->shape[i]));
    size_t end = begin + (size_t)entry->count * types[entry->type].size;
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", types[entry->type].name, "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)end);
}

// The header's text, padded with spaces so that the data starts at a multiple of 8; NULL when memory is short.
static char *describe(const struct safetensors_entry *entries, int count, const char *metadata)
{
    json_t *header = json_object();
    if (metadata)
        json_object_set_new(header, "__metadata__", json_pack("{s:s}", "ablate", metadata));
    size_t begin = 0;
    bool whole = header != NULL;
    for (int i = 0; whole && i < count; i++) {
        whole = json_object_set_new(header, entries[i].name, describe_entry(&entries[i], begin)) == 0;
        begin += (size_t)entries[i].count * types[entries[i].type].size;
    }
    char *text = whole ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text)
        return NULL;
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    text = memory_resize(text, padded + 1, 1);
    memset(text + length, ' ', padded - length);
    text[padded] = '\0';
    return text;
}

bool safetensors_write(const char *path, const struct safetensors_entry *entries, int count, const char *metadata,
                       struct error *error)
{
    char *header = describe(entries, count, metadata);
    if (!header)
        return error_add(error, "%s: no memory to write it; nothing was changed", path);
    unsigned char prefix[HEADER_LENGTH_BYTES];
    size_t length = strlen(header);
    for (int i = 0; i < HEADER_LENGTH_BYTES; i++)
        prefix[i] = (unsigned char)(length >> (8 * i));
    struct file_part *parts = memory_allocate((size_t)count + 2, sizeof *parts);
    parts[0] = (struct file_part){prefix, sizeof prefix};
    parts[1] = (struct file_part){header, length};
    for (int i = 0; i < count; i++)
        parts[i + 2] = (struct file_part){entries[i].data, (size_t)entries[i].count * types[entries[i].type].size};
    bool done = file_replace_parts(path, parts, count + 2, error);
    free(parts);
    free(header);
    return done;
}
