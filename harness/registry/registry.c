// registry.c: the slots and every component that can fill them, sorted, found by name with "did you mean".
//
// Built-in components are the files under variants/, listed by make; plug-ins are added at start. Refuses a descriptor that
// breaks the contract of component.h and a name that is taken.
#include "registry/registry.h"

#include <stdlib.h>
#include <string.h>

extern const struct component *const components_built_in[]; // written by make, NULL-ended

const struct slot_facts slot_facts[SLOT_COUNT] = {
#define SLOT(constant, word, default_value, off_word, layers, line)                                                            \
    [SLOT_##constant] = {.name = word, .fallback = default_value, .off = off_word, .summary = line, .per_layer = layers},
#include "registry/slots.def"
#undef SLOT
};

// The one list; it only grows, and only before anything is parsed.
static const struct component **list;
static size_t list_count;

enum slot slot_find(const char *name, struct error *error)
{
    struct nearest nearest;
    nearest_open(&nearest, name);
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        if (strcmp(slot_facts[slot].name, name) == 0)
            return (enum slot)slot;
        nearest_offer(&nearest, slot_facts[slot].name);
    }
    error_request(error, "no slot \"%s\"%s See: ablate list", name, nearest_suggestion(&nearest).text);
    return SLOT_COUNT;
}

static int compare(const void *a, const void *b)
{
    const struct component *x = *(const struct component *const *)a, *y = *(const struct component *const *)b;
    return x->slot != y->slot ? (x->slot < y->slot ? -1 : 1) : strcmp(x->name, y->name);
}

static void insert(const struct component *component)
{
    list = memory_resize(list, list_count + 2, sizeof *list);
    list[list_count++] = component;
    list[list_count] = NULL;
}

static void fill(void)
{
    if (list)
        return;
    list = memory_allocate(1, sizeof *list);
    for (const struct component *const *c = components_built_in; *c; c++)
        insert(*c);
    qsort(list, list_count, sizeof *list, compare);
}

const struct component *const *registry_list(void)
{
    fill();
    return list;
}

static const struct component *find(enum slot slot, const char *name)
{
    fill();
    for (size_t i = 0; i < list_count; i++) {
        if (list[i]->slot == slot && strcmp(list[i]->name, name) == 0)
            return list[i];
    }
    return NULL;
}

const struct component *registry_find(enum slot slot, const char *name, struct error *error)
{
    const struct component *component = find(slot, name);
    if (component)
        return component;
    const char *slot_name = slot_facts[slot].name;
    struct nearest nearest;
    nearest_open(&nearest, name);
    if (slot_facts[slot].off)
        nearest_offer(&nearest, slot_facts[slot].off);
    for (size_t i = 0; i < list_count; i++) {
        if (list[i]->slot == slot)
            nearest_offer(&nearest, list[i]->name);
    }
    if (slot_facts[slot].off && strcmp(name, slot_facts[slot].off) == 0)
        error_request(error, "%s: \"%s\" stands for no component at all. See: ablate list %s", slot_name, name, slot_name);
    else
        error_request(error, "%s: no component \"%s\"%s See: ablate list %s", slot_name, name,
                      nearest_suggestion(&nearest).text, slot_name);
    return NULL;
}

bool registry_add(const struct component *component, struct error *error)
{
    if (!component_check(component, error))
        return false;
    const char *off = slot_facts[component->slot].off;
    if (find(component->slot, component->name) || (off && strcmp(off, component->name) == 0))
        return error_request(error, "%s/%s: the name is taken; rename the file and the component",
                             slot_facts[component->slot].name, component->name);
    insert(component);
    qsort(list, list_count, sizeof *list, compare);
    return true;
}
