// yaml.c: libyaml's events into a tree.
//
// Refuses, with file:line: anchors and aliases (an alias bomb expands to anything), tags, duplicate keys, keys that are not
// text, a second document, too much depth, entries or text. Broken syntax ends the reading; all other mistakes are collected.
#include "base/yaml.h"

#include <string.h>
#include <yaml.h>

const char *const yaml_kind_names[] = {"a single value", "a list", "a map of keys"};

struct builder {
    const char *path;
    struct arena *arena;
    struct error *error;
    struct yaml *root;
    struct yaml *open[YAML_DEPTH_MAX]; // the maps and lists around the next node
    struct yaml *last[YAML_DEPTH_MAX]; // their newest entries
    int depth, nodes;
    const char *key; // read, and waiting for its value
    int key_line;
    bool repeated; // it was there before: its value is read and not kept
    bool over;     // too deep or too large: nothing more is read
};

struct yaml *yaml_find(const struct yaml *map, const char *key)
{
    for (struct yaml *entry = map && map->kind == YAML_MAP ? map->first : NULL; entry; entry = entry->next) {
        if (strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static int line_of(const yaml_event_t *event) { return (int)event->start_mark.line + 1; }

// A key of a map comes as a scalar where no key waits for its value.
static bool key_is_due(const struct builder *builder)
{
    return builder->depth > 0 && builder->open[builder->depth - 1]->kind == YAML_MAP && !builder->key;
}

static void take_key(struct builder *builder, const char *key, int line)
{
    const struct yaml *same = yaml_find(builder->open[builder->depth - 1], key);
    if (same)
        error_add_at(builder->error, builder->path, line, "\"%s\" stands here for the second time; the first is on line %d",
                     key, same->line);
    builder->key = key;
    builder->key_line = line;
    builder->repeated = same != NULL;
}

static struct yaml *add(struct builder *builder, enum yaml_kind kind, int line)
{
    if (++builder->nodes > YAML_NODES_MAX) {
        error_add_at(builder->error, builder->path, line, "more than %d entries; split the file", YAML_NODES_MAX);
        builder->over = true;
        return NULL;
    }
    struct yaml *node = arena_allocate(builder->arena, 1, sizeof *node);
    *node = (struct yaml){.kind = kind, .key = builder->key, .line = builder->key ? builder->key_line : line, .text = ""};
    builder->key = NULL;
    if (builder->depth == 0) {
        builder->root = node;
        return node;
    }
    if (builder->repeated) {
        builder->repeated = false;
        return node;
    }
    struct yaml *parent = builder->open[builder->depth - 1], **last = &builder->last[builder->depth - 1];
    if (*last)
        (*last)->next = node;
    else
        parent->first = node;
    *last = node;
    parent->count++;
    return node;
}

static void open_node(struct builder *builder, enum yaml_kind kind, int line)
{
    if (builder->depth == YAML_DEPTH_MAX) {
        error_add_at(builder->error, builder->path, line, "nested more than %d deep", YAML_DEPTH_MAX);
        builder->over = true;
        return;
    }
    if (key_is_due(builder)) {
        error_add_at(builder->error, builder->path, line, "a key must be plain text, not %s", yaml_kind_names[kind]);
        builder->key = "";
        builder->key_line = line;
    }
    struct yaml *node = add(builder, kind, line);
    if (!node)
        return;
    builder->last[builder->depth] = NULL;
    builder->open[builder->depth++] = node;
}

static void take_scalar(struct builder *builder, const yaml_event_t *event)
{
    int line = line_of(event);
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (length > YAML_TEXT_MAX || strlen(text) != length) {
        error_add_at(builder->error, builder->path, line, "%s",
                     length > YAML_TEXT_MAX ? "a text of more than 4096 characters" : "a text with a NUL character");
        text = "";
    }
    text = arena_copy_text(builder->arena, text);
    if (key_is_due(builder)) {
        take_key(builder, text, line);
        return;
    }
    struct yaml *node = add(builder, YAML_TEXT, line);
    if (!node)
        return;
    node->text = text;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

// An alias is reported and read as an empty text, so that what follows keeps its place.
static void take_alias(struct builder *builder, const yaml_event_t *event)
{
    int line = line_of(event);
    error_add_at(builder->error, builder->path, line, "aliases (*%.40s) are not read here; write the value out",
                 (const char *)event->data.alias.anchor);
    if (key_is_due(builder))
        take_key(builder, "", line);
    else
        add(builder, YAML_TEXT, line);
}

static void refuse_marks(struct builder *builder, int line, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        error_add_at(builder->error, builder->path, line, "anchors (&%.40s) are not read here; write the value out", anchor);
    if (tag)
        error_add_at(builder->error, builder->path, line, "tags (%.40s) are not read here; quote the text instead", tag);
}

static void take(struct builder *builder, const yaml_event_t *event)
{
    int line = line_of(event);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root) {
            error_add_at(builder->error, builder->path, line, "a second document begins; a file holds one");
            builder->over = true;
        }
        break;
    case YAML_ALIAS_EVENT:
        take_alias(builder, event);
        break;
    case YAML_SCALAR_EVENT:
        refuse_marks(builder, line, event->data.scalar.anchor, event->data.scalar.tag);
        take_scalar(builder, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_marks(builder, line, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        open_node(builder, YAML_LIST, line);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_marks(builder, line, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        open_node(builder, YAML_MAP, line);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        break;
    default:
        break;
    }
}

static void report_syntax(const char *path, const yaml_parser_t *parser, struct error *error)
{
    const char *problem = parser->problem ? parser->problem : "out of memory";
    if (parser->error == YAML_READER_ERROR)
        error_add_at(error, path, 0, "not a text file: byte %zu: %s", parser->problem_offset, problem);
    else if (parser->context)
        error_add_at(error, path, (int)parser->problem_mark.line + 1, "column %zu: %s, %s", parser->problem_mark.column + 1,
                     parser->context, problem);
    else
        error_add_at(error, path, (int)parser->problem_mark.line + 1, "column %zu: %s", parser->problem_mark.column + 1,
                     problem);
}

bool yaml_parse(const char *path, const struct bytes *bytes, struct arena *arena, struct yaml **root, struct error *error)
{
    struct builder builder = {.path = path, .arena = arena, .error = error};
    int before = error->count;
    yaml_parser_t parser;
    *root = NULL;
    if (!yaml_parser_initialize(&parser))
        return error_add_at(error, path, 0, "no memory to read it");
    yaml_parser_set_input_string(&parser, bytes->data, bytes->count);
    for (bool ended = false; !ended && !builder.over;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(path, &parser, error);
            builder.over = true;
            break;
        }
        take(&builder, &event);
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    error->is_request |= error->count > before;
    if (builder.over)
        return false;
    if (!builder.root) {
        error->is_request = true;
        return error_add_at(error, path, 0, "the file is empty");
    }
    *root = builder.root;
    return error->count == before;
}
