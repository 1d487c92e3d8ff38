// registry.h: every component the program knows: those built in, and those of plug-ins loaded at start.
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "base/error.h"
#include "registry/component.h"

struct slot_facts {
    const char *name, *fallback, *off, *summary;
    bool per_layer;
};
extern const struct slot_facts slot_facts[SLOT_COUNT];

// SLOT_COUNT and an error with "did you mean" when there is none.
enum slot slot_find(const char *name, struct error *error);

// Sorted by slot, then name; NULL-ended.
const struct component *const *registry_list(void);
const struct component *registry_find(enum slot slot, const char *name, struct error *error);

// Adds one component: what a plug-in's loading comes down to. The descriptor must live to the end.
bool registry_add(const struct component *component, struct error *error);
// Whether a descriptor keeps the contract: a name, a sane option table, the calls its slot needs. Adds every breach.
bool component_check(const struct component *component, struct error *error);

// Loads FILE.so, a component file compiled as a shared object whose base name is the component's. Refuses another ABI number, a
// name that is taken, a descriptor that breaks the contract. Call before anything is parsed; stays loaded to the end.
bool registry_load_plugin(const char *path, struct error *error);

#endif
