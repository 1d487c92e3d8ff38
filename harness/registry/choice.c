// choice.c: what fills a slot, in words: "swiglu(ratio=2)", "none", `["sliding(window=64)", "full"]`.
//
// One grammar for the command line, experiment files, the database and tables: what choice_print writes, choice_parse reads
// back. Refuses unknown components and options with "did you mean", options set twice, parentheses and quotes that do not
// close.
#include <ctype.h>
#include <string.h>

#include "registry/run.h"

static char *trim(char *word)
{
    while (isspace((unsigned char)*word))
        word++;
    size_t length = strlen(word);
    while (length > 0 && isspace((unsigned char)word[length - 1]))
        word[--length] = '\0';
    return word;
}

// The end of a quoted text that starts at `c`: its closing quote, or NULL.
static char *quote_end(char *c)
{
    char quote = *c++;
    for (; *c && *c != quote; c++) {
        if (*c == '\\' && c[1])
            c++;
    }
    return *c ? c : NULL;
}

// The first comma outside parentheses and quotes, or the end; NULL when one of them does not close.
static char *item_end(char *c)
{
    int depth = 0;
    for (; *c && (*c != ',' || depth > 0); c++) {
        if (*c == '"' && !(c = quote_end(c)))
            return NULL;
        depth += (*c == '(') - (*c == ')');
        if (depth < 0)
            return NULL;
    }
    return depth == 0 ? c : NULL;
}

// Cuts `*rest` at its next comma; NULL at the end. `*broken` is set when something does not close.
static char *next_item(char **rest, bool *broken)
{
    char *item = *rest;
    if (!item)
        return NULL;
    char *end = item_end(item);
    if (!end) {
        *broken = true;
        return NULL;
    }
    *rest = *end ? end + 1 : NULL;
    *end = '\0';
    return trim(item);
}

// Takes the quotes off in place, where the whole word is quoted.
static char *unquote(char *word)
{
    if (*word != '"' && *word != '\'')
        return word;
    char *end = quote_end(word);
    if (!end || end[1])
        return word;
    *end = '\0';
    char *to = word;
    for (const char *from = word + 1; *from; from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return word;
}

static void add_quoted(struct text *text, const char *word)
{
    text_add(text, "\"");
    for (; *word; word++)
        text_add(text, *word == '"' || *word == '\\' ? "\\%c" : "%c", *word);
    text_add(text, "\"");
}

static bool unknown_option(enum slot slot, const struct component *component, const char *value, const char *name,
                           struct error *error)
{
    struct nearest nearest;
    nearest_open(&nearest, name);
    for (const struct option *option = component->options; option && option->name; option++)
        nearest_offer(&nearest, option->name);
    const char *where = slot_facts[slot].name;
    return error_request(error, "%s: %s: no option \"%s\"%s See: ablate describe %s/%s", where, value, name,
                         nearest_suggestion(&nearest).text, where, component->name);
}

// One "name=value" of `value`; `set` remembers which options were named.
static bool set_option(enum slot slot, struct choice *choice, char *item, const char *value, uint64_t *set, struct arena *arena,
                       struct error *error)
{
    const struct option *first = choice->component->options;
    char *equals = strchr(item, '=');
    bool bare = !equals && first && first->bare;
    if (!equals && !bare)
        return error_request(error, "%s: %s: \"%s\" is not of the form option=value", slot_facts[slot].name, value, item);
    if (equals)
        *equals = '\0';
    const char *name = bare ? first->name : trim(item);
    const struct option *option = option_find(first, name);
    if (!option)
        return unknown_option(slot, choice->component, value, name, error);
    uint64_t bit = (uint64_t)1 << (option - first);
    if (*set & bit)
        return error_request(error, "%s: %s: option \"%s\" is set twice", slot_facts[slot].name, value, name);
    *set |= bit;
    struct error trouble = {0};
    if (option_set(option, choice->options.bytes, unquote(trim(bare ? item : equals + 1)), arena, &trouble))
        return true;
    return error_carry(error, arena_format(arena, "%s: %s: ", slot_facts[slot].name, value), &trouble);
}

bool choice_parse(enum slot slot, const char *value, struct choice *choice, struct arena *arena, struct error *error)
{
    const char *where = slot_facts[slot].name, *off = slot_facts[slot].off;
    char *whole = trim(arena_copy_text(arena, value)), *name = arena_copy_text(arena, whole);
    *choice = (struct choice){0};
    if (off && strcmp(whole, off) == 0)
        return true;
    if (!*whole)
        return error_request(error, "%s: a value is missing. See: ablate list %s", where, where);
    char *inside = strchr(name, '('), *rest = NULL;
    if (inside) {
        char *last = name + strlen(name) - 1;
        if (*last != ')' || item_end(name) != last + 1)
            return error_request(error, "%s: %s: the parentheses do not close, or something follows them", where, whole);
        *last = '\0';
        *inside++ = '\0';
        inside = trim(inside);
        rest = *inside ? inside : NULL;
    }
    choice->component = registry_find(slot, trim(name), error);
    if (!choice->component)
        return false;
    option_defaults(choice->component->options, choice->options.bytes, arena);
    bool done = true, broken = false;
    uint64_t set = 0;
    for (char *item; (item = next_item(&rest, &broken));)
        done = set_option(slot, choice, item, whole, &set, arena, error) && done;
    if (broken)
        return error_request(error, "%s: %s: a quote or parenthesis does not close", where, whole);
    return done;
}

void choice_print(enum slot slot, const struct choice *choice, struct text *text)
{
    if (!choice->component) {
        text_add(text, "%s", slot_facts[slot].off ? slot_facts[slot].off : "");
        return;
    }
    text_add(text, "%s", choice->component->name);
    const char *lead = "(";
    for (const struct option *option = choice->component->options; option && option->name; option++) {
        if (option_is_default(option, choice->options.bytes))
            continue;
        struct text value = {0};
        option_print(option, choice->options.bytes, &value);
        text_add(text, "%s%s%s", lead, option->bare ? "" : option->name, option->bare ? "" : "=");
        if (option->type == OPTION_TEXT && (!*value.data || strpbrk(value.data, "(),[]\"'\\ \t\n")))
            add_quoted(text, value.data);
        else
            text_add(text, "%s", value.data);
        text_free(&value);
        lead = ", ";
    }
    if (lead[0] == ',')
        text_add(text, ")");
}

// One entry of a list: quoted, or up to the next comma outside parentheses.
static char *next_entry(char **rest, bool *broken)
{
    char *c = *rest;
    while (c && isspace((unsigned char)*c))
        c++;
    if (!c || (*c != '"' && *c != '\''))
        return next_item(rest, broken);
    char *end = quote_end(c), *after = end ? end + 1 : NULL;
    while (after && isspace((unsigned char)*after))
        after++;
    if (!after || (*after && *after != ',')) {
        *broken = true;
        return NULL;
    }
    *rest = *after ? after + 1 : NULL;
    end[1] = '\0';
    return trim(unquote(c));
}

// "full, full": a list that lacks its brackets.
static bool is_bare_list(const char *value, struct arena *arena)
{
    char *rest = arena_copy_text(arena, value);
    bool broken = false;
    int count = 0;
    while (next_entry(&rest, &broken))
        count++;
    return count > 1 && !broken;
}

bool setting_parse(enum slot slot, const char *value, struct setting *setting, struct arena *arena, struct error *error)
{
    const char *where = slot_facts[slot].name;
    char *whole = trim(arena_copy_text(arena, value));
    *setting = (struct setting){0};
    if (*whole != '[' && slot_facts[slot].per_layer && is_bare_list(whole, arena))
        return error_request(error, "%s: %s: a list is written in brackets: [%s]", where, whole, whole);
    if (*whole != '[') {
        setting->count = 1;
        return choice_parse(slot, whole, &setting->choices[0], arena, error);
    }
    if (!slot_facts[slot].per_layer)
        return error_request(error, "%s: %s: it takes one component for the whole model, not a list", where, whole);
    char *entries = arena_copy_text(arena, whole), *last = entries + strlen(entries) - 1, *rest;
    if (*last != ']')
        return error_request(error, "%s: %s: the list does not close with ]", where, whole);
    *last = '\0';
    entries = trim(entries + 1);
    if (!*entries)
        return error_request(error, "%s: the list is empty; name at least one component", where);
    bool done = true, broken = false;
    rest = entries;
    for (char *entry; (entry = next_entry(&rest, &broken));) {
        if (setting->count == LAYER_LIST_MAX)
            return error_request(error, "%s: the list has more than %d entries", where, LAYER_LIST_MAX);
        done = choice_parse(slot, entry, &setting->choices[setting->count++], arena, error) && done;
    }
    if (broken)
        return error_request(error, "%s: %s: a quote or parenthesis does not close; write [\"sliding(window=64)\", \"full\"]",
                             where, whole);
    return done;
}

void setting_print(enum slot slot, const struct setting *setting, struct text *text)
{
    if (setting->count <= 1) {
        choice_print(slot, &setting->choices[0], text);
        return;
    }
    for (int i = 0; i < setting->count; i++) {
        struct text one = {0};
        choice_print(slot, &setting->choices[i], &one);
        text_add(text, i ? ", " : "[");
        add_quoted(text, one.data);
        text_free(&one);
    }
    text_add(text, "]");
}
