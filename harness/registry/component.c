// component.c: whether a descriptor keeps the contract of component.h.
//
// Refuses, each with its reason: a missing name, summary or version; an option table with a field outside the options struct, a
// default that its own range refuses, a name twice; a slot's required call that is not there. Called for plug-ins when they are
// loaded, and by the tests for every built-in component.
#include <stdio.h>
#include <string.h>

#include "registry/registry.h"

// The calls a slot cannot do without, as offsets of function pointers; 0 ends a row.
enum { REQUIRED_MAX = 3 };
static const struct required {
    size_t offset;
    const char *name;
} required[SLOT_COUNT][REQUIRED_MAX] = {
    [SLOT_HEADS] = {{offsetof(struct component, heads.kv_heads), "kv_heads"}},
    [SLOT_ATTENTION] = {{offsetof(struct component, attention.pattern.spans), "pattern.spans"}},
    [SLOT_QK_NORM] = {{offsetof(struct component, norm.build), "build"}},
    [SLOT_ATTN_SOFTCAP] = {{offsetof(struct component, softcap.cap), "cap"}},
    [SLOT_LOGIT_SOFTCAP] = {{offsetof(struct component, softcap.cap), "cap"}},
    [SLOT_FFN] = {{offsetof(struct component, ffn.build), "build"}},
    [SLOT_NORM] = {{offsetof(struct component, norm.build), "build"}},
    [SLOT_RESIDUAL] = {{offsetof(struct component, residual.open), "open"},
                       {offsetof(struct component, residual.layer), "layer"},
                       {offsetof(struct component, residual.close), "close"}},
    [SLOT_Z_LOSS] = {{offsetof(struct component, coefficient.value), "value"}},
    [SLOT_DROPOUT] = {{offsetof(struct component, coefficient.value), "value"}},
    [SLOT_OPTIMIZER] = {{offsetof(struct component, optimizer.apply), "apply"}},
    [SLOT_SCHEDULE] = {{offsetof(struct component, schedule.factor), "factor"}},
};

typedef void (*call)(void);

static bool data_is_of_one_kind(const struct data_calls *data, const char *who, struct error *error)
{
    bool stream = data->open && !data->examples && !data->example;
    bool examples = data->examples && data->example && !data->open && !data->identity;
    return stream || examples ||
           error_request(error, "%s: it needs the call `open`, or `examples` and `example` and no other", who);
}

static bool calls_are_there(const struct component *component, const char *who, struct error *error)
{
    bool done = true;
    for (int i = 0; i < REQUIRED_MAX && required[component->slot][i].offset; i++) {
        call pointer;
        memcpy(&pointer, (const unsigned char *)component + required[component->slot][i].offset, sizeof pointer);
        if (!pointer)
            done = error_request(error, "%s: its call `%s` is missing; a %s component needs it", who,
                                 required[component->slot][i].name, slot_facts[component->slot].name);
    }
    if (component->slot == SLOT_INIT && !component->init.deviation == !component->init.source)
        done = error_request(error, "%s: it needs one of the calls `deviation` and `source`", who);
    if (component->slot == SLOT_DATA)
        return data_is_of_one_kind(&component->data, who, error) && done;
    if (component->slot != SLOT_OPTIMIZER)
        return done;
    if (component->optimizer.state_count < 0 || component->optimizer.state_count > OPTIMIZER_STATE_MAX)
        done = error_request(error, "%s: state_count %d is not 0 to %d", who, component->optimizer.state_count,
                             OPTIMIZER_STATE_MAX);
    if (component->optimizer.measures && !component->optimizer.measure)
        done = error_request(error, "%s: it says that it measures, but its call `measure` is missing", who);
    return done;
}

static const size_t field_sizes[] = {
    [OPTION_INT] = sizeof(int64_t), [OPTION_REAL] = sizeof(double),       [OPTION_BOOL] = sizeof(bool),
    [OPTION_CHOICE] = sizeof(int),  [OPTION_TEXT] = sizeof(const char *),
};

static bool option_is_sane(const struct option *option, const struct component *component, const char *who, struct error *error)
{
    if ((unsigned)option->type > OPTION_TEXT)
        return error_request(error, "%s: option %s has no known type", who, option->name);
    size_t size = field_sizes[option->type];
    if (option->offset % size || option->offset > component->options_size || component->options_size - option->offset < size)
        return error_request(error, "%s: option %s lies outside its options struct of %zu bytes", who, option->name,
                             component->options_size);
    if (option->type == OPTION_CHOICE && (!option->choices || !option->choices[0]))
        return error_request(error, "%s: option %s names no choices", who, option->name);
    if (!option->help)
        return error_request(error, "%s: option %s has no help", who, option->name);
    union {
        unsigned char bytes[8];
        double aligned;
    } field;
    struct option alone = *option;
    alone.offset = 0;
    struct arena arena = {0};
    struct error unread = {0};
    bool parses = option->fallback && option_set(&alone, &field, option->fallback, &arena, &unread);
    arena_close(&arena);
    if (!parses)
        return error_request(error, "%s: option %s: its default, \"%s\", is not one of its values", who, option->name,
                             option->fallback ? option->fallback : "");
    return true;
}

enum { OPTION_TABLE_MAX = 32 };

static bool options_are_sane(const struct component *component, const char *who, struct error *error)
{
    if (component->options_size > OPTIONS_SIZE_MAX)
        return error_request(error, "%s: its options take %zu bytes, more than %d", who, component->options_size,
                             OPTIONS_SIZE_MAX);
    bool done = true;
    int count = 0;
    for (const struct option *option = component->options; option && option->name; option++) {
        if (++count > OPTION_TABLE_MAX)
            return error_request(error, "%s: its option table does not end within %d options; close it with {0}", who,
                                 OPTION_TABLE_MAX);
        if (option_find(component->options, option->name) != option)
            done = error_request(error, "%s: option %s stands there twice", who, option->name);
        done = option_is_sane(option, component, who, error) && done;
    }
    return done;
}

bool component_check(const struct component *component, struct error *error)
{
    if ((unsigned)component->slot >= SLOT_COUNT)
        return error_request(error, "component \"%s\": slot %d does not exist", component->name ? component->name : "",
                             (int)component->slot);
    if (!component->name || !component->name[0] || strpbrk(component->name, "()[],=\"'./ \t\n"))
        return error_request(error, "a %s component: its name is missing or not one word", slot_facts[component->slot].name);
    char who[128];
    snprintf(who, sizeof who, "%s/%s", slot_facts[component->slot].name, component->name);
    bool done = true;
    if (component->version < 1)
        done = error_request(error, "%s: its version is %d; versions count from 1", who, component->version);
    if (!component->summary || !component->summary[0])
        done = error_request(error, "%s: its summary is missing", who);
    done = calls_are_there(component, who, error) && done;
    return options_are_sane(component, who, error) && done;
}
