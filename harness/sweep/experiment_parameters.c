// experiment_parameters.c: the sections of an experiment file that set keys of runs: parameters, eval_as, baseline, arms.
//
// Here only their shape is read; values are checked against slots and options when the arms are made (experiment_span.c). A
// flow list or map that YAML cut at the comma of `swiglu(ratio=2, x=1)` is recognised, and the quoted form printed.
#include <string.h>

#include "sweep/draft.h"

const char *const distribution_names[] = {"uniform", "log_uniform", "int_uniform", NULL};

const struct set *settings_find(const struct settings *settings, const char *key)
{
    for (int i = 0; i < settings->count; i++) {
        if (strcmp(settings->sets[i].key, key) == 0)
            return &settings->sets[i];
    }
    return NULL;
}

void settings_put(struct settings *settings, struct arena *arena, struct set set)
{
    struct set *same = (struct set *)settings_find(settings, set.key);
    if (same) {
        *same = set;
        return;
    }
    if (settings->count == settings->capacity) {
        settings->capacity = settings->capacity ? 2 * settings->capacity : 16;
        struct set *grown = arena_allocate(arena, (size_t)settings->capacity, sizeof *grown);
        if (settings->count > 0)
            memcpy(grown, settings->sets, (size_t)settings->count * sizeof *grown);
        settings->sets = grown;
    }
    settings->sets[settings->count++] = set;
}

void settings_merge(struct settings *settings, struct arena *arena, const struct settings *over, enum layer layer)
{
    for (int i = 0; i < over->count; i++) {
        struct set set = over->sets[i];
        set.layer = layer;
        settings_put(settings, arena, set);
    }
}

// ---- What YAML cut at a comma -----------------------------------------------------------------------------------------------

static int open_parentheses(const char *text)
{
    int depth = 0;
    for (; *text; text++)
        depth += (*text == '(') - (*text == ')');
    return depth;
}

// The rest of a cut value comes as plain entries of a list, or as keys without a value of a map.
static const char *rest_of(const struct yaml *entry)
{
    if (entry->quoted || entry->kind != YAML_TEXT)
        return NULL;
    return entry->key ? (*entry->text ? NULL : entry->key) : entry->text;
}

static void mend_entry(struct draft *draft, struct yaml *owner, struct yaml *entry)
{
    if (entry->kind != YAML_TEXT || entry->quoted || open_parentheses(entry->text) <= 0)
        return;
    struct text whole = {0};
    text_add(&whole, "%s", entry->text);
    struct yaml *next = entry->next;
    int joined = 0;
    for (const char *rest; next && open_parentheses(whole.data) > 0 && (rest = rest_of(next)); next = next->next, joined++)
        text_add(&whole, ", %s", rest);
    if (joined > 0 && open_parentheses(whole.data) == 0) {
        draft_mistake(draft, entry->line, "YAML cuts %s at its comma; write \"%s\"", whole.data, whole.data);
        entry->text = arena_copy_text(draft->arena, whole.data);
        entry->next = next;
        owner->count -= joined;
    }
    text_free(&whole);
}

void draft_mend(struct draft *draft, struct yaml *node)
{
    for (struct yaml *entry = node->first; entry; entry = entry->next) {
        mend_entry(draft, node, entry);
        draft_mend(draft, entry);
    }
}

// ---- Values -----------------------------------------------------------------------------------------------------------------

// A value as run_set reads it; a list, which is a pattern over the layers, as `["a", "b"]`. NULL after a mistake.
static const char *value_of(struct draft *draft, const char *key, const struct yaml *node)
{
    if (node->kind == YAML_TEXT)
        return node->text;
    struct text list = {0};
    bool done = node->kind == YAML_LIST;
    for (const struct yaml *entry = node->first; entry && done; entry = entry->next) {
        done = entry->kind == YAML_TEXT;
        text_add(&list, "%s\"", list.length ? ", " : "[");
        for (const char *c = entry->text; *c; c++)
            text_add(&list, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        text_add(&list, "\"");
    }
    if (!done)
        draft_mistake(draft, node->line, "%s: its value is one word, as swiglu, or a list over the layers, not %s", key,
                      node->kind == YAML_MAP ? yaml_kind_names[YAML_MAP] : "a list of lists");
    const char *value = done ? arena_format(draft->arena, "%s]", list.data ? list.data : "[") : NULL;
    text_free(&list);
    return value;
}

static void put(struct draft *draft, struct settings *settings, const char *key, const struct yaml *node)
{
    const char *value = value_of(draft, key, node);
    if (value)
        settings_put(settings, draft->arena, (struct set){.key = key, .value = value, .line = node->line});
}

static void put_map(struct draft *draft, struct settings *settings, const struct yaml *map)
{
    for (const struct yaml *entry = map->first; entry; entry = entry->next)
        put(draft, settings, entry->key, entry);
}

// ---- parameters -------------------------------------------------------------------------------------------------------------

static void take_values(struct draft *draft, const struct yaml *parameter, const struct yaml *values)
{
    if (values->kind != YAML_LIST || values->count == 0) {
        draft_mistake(draft, values->line, "%s: `values:` takes a list, such as [relu, swiglu]", parameter->key);
        return;
    }
    struct swept *swept = &draft->swept[draft->swept_count++];
    *swept = (struct swept){.key = parameter->key, .line = parameter->line};
    swept->values = arena_allocate(draft->arena, (size_t)values->count, sizeof *swept->values);
    for (const struct yaml *entry = values->first; entry; entry = entry->next) {
        const char *value = value_of(draft, parameter->key, entry);
        if (value)
            swept->values[swept->count++] = (struct set){.key = parameter->key, .value = value, .line = entry->line};
    }
}

static bool take_bound(struct draft *draft, const struct yaml *parameter, const char *word, double *bound)
{
    const struct yaml *node = yaml_find(parameter, word);
    if (!node)
        return draft_mistake(draft, parameter->line, "%s: a range needs `min:` and `max:`", parameter->key);
    if (node->kind != YAML_TEXT || !text_to_real(node->text, bound))
        return draft_mistake(draft, node->line, "%s: %s is not a number", parameter->key, word);
    return true;
}

static void take_range(struct draft *draft, const struct yaml *parameter)
{
    struct swept swept = {.key = parameter->key, .line = parameter->line};
    const struct yaml *node = yaml_find(parameter, "distribution");
    int distribution = 0;
    if (node) {
        while (distribution_names[distribution] && strcmp(distribution_names[distribution], node->text) != 0)
            distribution++;
        if (!distribution_names[distribution]) {
            draft_mistake(draft, node->line, "%s: no distribution \"%s\"; there are uniform, log_uniform, int_uniform",
                          parameter->key, node->text);
            return;
        }
    }
    swept.distribution = (enum distribution)distribution;
    bool done = take_bound(draft, parameter, "min", &swept.min);
    done = take_bound(draft, parameter, "max", &swept.max) && done;
    if (done && swept.min >= swept.max)
        done = draft_mistake(draft, parameter->line, "%s: min must be below max", parameter->key);
    if (done && swept.distribution == DISTRIBUTION_LOG_UNIFORM && swept.min <= 0)
        done = draft_mistake(draft, parameter->line, "%s: log_uniform needs a min above 0", parameter->key);
    if (done)
        draft->swept[draft->swept_count++] = swept;
}

// How many keys of a parameter mean nothing, each reported.
static int unknown_keys(struct draft *draft, const struct yaml *parameter)
{
    static const char *const words[] = {"value", "values", "min", "max", "distribution", NULL};
    const char *lead = arena_format(draft->arena, "%s: no key", parameter->key);
    int unknown = 0;
    for (const struct yaml *entry = parameter->first; entry; entry = entry->next)
        unknown += draft_word(draft, entry->line, lead, entry->key, words) < 0;
    return unknown;
}

static void take_parameter(struct draft *draft, const struct yaml *parameter)
{
    if (parameter->kind != YAML_MAP) {
        draft_mistake(draft, parameter->line, "%s: write {value: ...}, or {values: [...]} to try several", parameter->key);
        return;
    }
    int unknown = unknown_keys(draft, parameter);
    const struct yaml *value = yaml_find(parameter, "value"), *values = yaml_find(parameter, "values");
    bool range = yaml_find(parameter, "min") || yaml_find(parameter, "max") || yaml_find(parameter, "distribution");
    if (!!value + !!values + range > 1)
        draft_mistake(draft, parameter->line, "%s: it has one of value, values, or min and max", parameter->key);
    else if (value)
        put(draft, &draft->fixed, parameter->key, value);
    else if (values)
        take_values(draft, parameter, values);
    else if (range)
        take_range(draft, parameter);
    else if (unknown == 0)
        draft_mistake(draft, parameter->line, "%s: neither value nor values are given", parameter->key);
}

void draft_parameters(struct draft *draft, struct yaml *node)
{
    if (node->kind != YAML_MAP) {
        draft_mistake(draft, node->line, "parameters: it takes a map, such as ffn: {values: [relu, swiglu]}");
        return;
    }
    draft->swept = arena_allocate(draft->arena, (size_t)node->count, sizeof *draft->swept);
    for (const struct yaml *parameter = node->first; parameter; parameter = parameter->next)
        take_parameter(draft, parameter);
}

// ---- eval_as, baseline and arms ---------------------------------------------------------------------------------------------

// What all arms share; one of them may set it otherwise.
void draft_eval_as(struct draft *draft, struct yaml *node) { put(draft, &draft->fixed, "eval_as", node); }

void draft_baseline(struct draft *draft, struct yaml *node)
{
    if (node->kind != YAML_MAP)
        draft_mistake(draft, node->line, "baseline: it takes a map, such as {ffn: relu}");
    else
        put_map(draft, &draft->baseline, node);
}

void draft_arms(struct draft *draft, struct yaml *node)
{
    if (node->kind == YAML_TEXT) {
        draft_mistake(draft, node->line,
                      "arms: it takes a map of names, as `gated: {ffn: swiglu}`, or a list, as `- {ffn: swiglu}`");
        return;
    }
    draft->hands = arena_allocate(draft->arena, (size_t)node->count, sizeof *draft->hands);
    for (const struct yaml *arm = node->first; arm; arm = arm->next) {
        if (arm->kind != YAML_MAP) {
            draft_mistake(draft, arm->line, "arms: %s%san arm is a map of what it changes, such as {ffn: swiglu}",
                          arm->key ? arm->key : "", arm->key ? ": " : "");
            continue;
        }
        if (arm->key && (strlen(arm->key) > 80 || strpbrk(arm->key, "\n\t") || !*arm->key || strcmp(arm->key, "(base)") == 0))
            draft_mistake(draft, arm->line, "arms: \"%.80s\" cannot be a name; use one line of at most 80 characters",
                          arm->key);
        struct hand_arm *hand = &draft->hands[draft->hand_count++];
        *hand = (struct hand_arm){.name = arm->key, .line = arm->line};
        put_map(draft, &hand->settings, arm);
    }
}
