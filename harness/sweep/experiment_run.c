// experiment_run.c: one run from settings, and the words for how two runs differ.
//
// Slots are set before options, because options belong to what fills them. An option that is also inside its component's
// parentheses is decided by who spoke later (enum layer), and refused when both stand in one place. Called by
// experiment_span.c.
#include <ctype.h>
#include <string.h>

#include "sweep/draft.h"

static bool is_slot(const char *key) { return !strchr(key, '.') && !option_find(run_scalars, key); }

// Whether "swiglu(ratio=2)" names the option "ratio".
static bool mentions(const char *value, const char *option)
{
    size_t length = strlen(option);
    for (const char *c = strchr(value, '('); c && (c = strstr(c, option)); c += length) {
        const char *after = c + length;
        while (isspace((unsigned char)*after))
            after++;
        if (*after == '=' && strchr("(, \t", c[-1]))
            return true;
    }
    return false;
}

const struct set *settings_inside(const struct settings *settings, const char *key)
{
    const char *dot = strchr(key, '.'), *last = strrchr(key, '.');
    for (int i = 0; dot && i < settings->count; i++) {
        const struct set *slot = &settings->sets[i];
        if (strlen(slot->key) == (size_t)(dot - key) && strncmp(slot->key, key, (size_t)(dot - key)) == 0 &&
            mentions(slot->value, last + 1))
            return slot;
    }
    return NULL;
}

int settings_line(const struct settings *settings, const char *trouble, int otherwise)
{
    for (int i = 0; i < settings->count; i++) {
        size_t length = strlen(settings->sets[i].key);
        if (strncmp(trouble, settings->sets[i].key, length) == 0 && trouble[length] == ':')
            return settings->sets[i].line;
    }
    return otherwise;
}

static bool apply(struct draft *draft, struct run *run, const struct set *set)
{
    struct error trouble = {0};
    return run_set(run, set->key, set->value, draft->arena, &trouble) ||
           draft_carry(draft, set->line, set->line ? "" : "--set: ", &trouble);
}

bool draft_run(struct draft *draft, const struct settings *settings, struct run *run)
{
    bool done = true;
    run_defaults(run, draft->arena);
    for (int i = 0; i < settings->count; i++)
        done = (!is_slot(settings->sets[i].key) || apply(draft, run, &settings->sets[i])) && done;
    for (int i = 0; i < settings->count; i++) {
        const struct set *set = &settings->sets[i];
        if (is_slot(set->key))
            continue;
        const struct set *slot = settings_inside(settings, set->key);
        if (slot && slot->layer == set->layer)
            done = draft_mistake(draft, set->line, "%s: %s here, and again inside %s; say it once", set->key, set->value,
                                 slot->value);
        else if (!slot || slot->layer < set->layer)
            done = apply(draft, run, set) && done;
    }
    return done;
}

// ---- How two runs differ ----------------------------------------------------------------------------------------------------

static void add_difference(struct text *text, const struct run *base, const struct run *run, const char *key)
{
    struct text was = {0}, is = {0};
    if (run_print(base, key, &was) && run_print(run, key, &is) && strcmp(was.data, is.data) != 0)
        text_add(text, "%s%s=%s", text->length ? ", " : "", key, is.data);
    text_free(&was);
    text_free(&is);
}

// Options by themselves where one component stays in its slot ("ffn.ratio=2"), else the slot ("ffn=swiglu").
static void add_slot_difference(struct text *text, const struct run *base, const struct run *run, int slot)
{
    const struct setting *was = &base->slots[slot], *is = &run->slots[slot];
    const struct component *component = is->choices[0].component;
    if (was->count != 1 || is->count != 1 || !component || component != was->choices[0].component) {
        add_difference(text, base, run, slot_facts[slot].name);
        return;
    }
    for (const struct option *option = component->options; option && option->name; option++) {
        struct text key = {0};
        text_add(&key, "%s.%s", slot_facts[slot].name, option->name);
        add_difference(text, base, run, key.data);
        text_free(&key);
    }
}

const char *draft_difference(struct draft *draft, const struct run *base, const struct run *run)
{
    struct text text = {0};
    text_add(&text, "%s", "");
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        add_slot_difference(&text, base, run, slot);
    add_difference(&text, base, run, "eval_as");
    for (const struct option *scalar = run_scalars; scalar->name; scalar++)
        add_difference(&text, base, run, scalar->name);
    return text_keep(&text, draft->arena);
}
