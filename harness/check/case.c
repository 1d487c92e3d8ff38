// case.c: reads case.yaml. Called by the verb and by the tests.
#include "check/case.h"

#include <string.h>

#include "base/yaml.h"

// The first component that the value of a slot names and that is not there, or NULL. `value` is one entry.
static const char *absent_component(const char *key, const char *value, struct arena *arena)
{
    struct error unread = {0};
    enum slot slot = slot_find(key, &unread);
    if (slot == SLOT_COUNT)
        return NULL;
    const char *name = arena_format(arena, "%.*s", (int)strcspn(value, "( "), value);
    if ((slot_facts[slot].off && !strcmp(name, slot_facts[slot].off)) || registry_find(slot, name, &unread))
        return NULL;
    return arena_format(arena, "%s=%s is not among the components", key, name);
}

// A YAML list becomes the list that run_set reads: ["a(x=1)", "b"].
static const char *value_of(const struct yaml *entry, struct arena *arena)
{
    if (entry->kind == YAML_TEXT)
        return entry->text;
    const char *list = "";
    for (const struct yaml *item = entry->first; item; item = item->next)
        list = arena_format(arena, "%s%s\"%s\"", list, *list ? ", " : "", item->kind == YAML_TEXT ? item->text : "");
    return arena_format(arena, "[%s]", list);
}

static const char *find_absent(const struct yaml *root, struct arena *arena)
{
    const char *absent = NULL;
    for (const struct yaml *entry = root->first; entry && !absent; entry = entry->next) {
        if (entry->kind == YAML_TEXT)
            absent = absent_component(entry->key, entry->text, arena);
        for (const struct yaml *item = entry->kind == YAML_LIST ? entry->first : NULL; item && !absent; item = item->next)
            absent = item->kind == YAML_TEXT ? absent_component(entry->key, item->text, arena) : NULL;
    }
    return absent;
}

static bool set_keys(const char *path, const struct yaml *root, struct run *run, struct arena *arena, struct error *error)
{
    bool done = true;
    run_defaults(run, arena);
    run->slots[SLOT_DATA] = (struct setting){.count = 1}; // a case brings its own tokens
    for (const struct yaml *entry = root->first; entry; entry = entry->next) {
        struct error trouble = {0};
        if (run_set(run, entry->key, value_of(entry, arena), arena, &trouble))
            continue;
        done = error_add_at(error, path, entry->line, "%.*s", (int)strcspn(trouble.text, "\n"), trouble.text);
        error->is_request = true;
    }
    struct error whole = {0};
    if (done && !run_resolve(run, &whole))
        done = error_carry(error, arena_format(arena, "%s: ", path), &whole);
    return done;
}

bool case_read(const char *folder, struct run *run, const char **absent, struct arena *arena, struct error *error)
{
    const char *path = arena_format(arena, "%s/case.yaml", folder);
    struct bytes bytes;
    struct yaml *root = NULL;
    *absent = NULL;
    if (!file_read(path, YAML_BYTES_MAX, &bytes, error)) {
        error->is_request = true;
        return false;
    }
    bool done = yaml_parse(path, &bytes, arena, &root, error);
    if (done && root->kind != YAML_MAP)
        done = error_add_at(error, path, root->line, "keys of a run were expected, one a line, such as \"ffn: swiglu\"");
    if (!done)
        error->is_request = true;
    else if (!(*absent = find_absent(root, arena)))
        done = set_keys(path, root, run, arena, error);
    bytes_free(&bytes);
    return done;
}
