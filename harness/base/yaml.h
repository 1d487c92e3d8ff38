// yaml.h: a YAML file as a checked tree of maps, lists and text, each node with its line.
//
// The plain part of YAML: one document of maps with text keys, lists and scalars. Scalars stay text; who reads them decides
// their type. Anchors, aliases, tags and duplicate keys are mistakes, and so is anything deep or large enough to be an attack.
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };
extern const char *const yaml_kind_names[]; // "a single value", "a list", "a map of keys"

enum { YAML_BYTES_MAX = 1 << 20, YAML_DEPTH_MAX = 16, YAML_NODES_MAX = 10000, YAML_TEXT_MAX = 4096 };

struct yaml {
    enum yaml_kind kind;
    const char *key;  // of an entry in a map
    const char *text; // YAML_TEXT
    bool quoted;
    int line;           // of the key, or of the value where there is none; from 1
    int count;          // entries
    struct yaml *first; // entries in order, linked by `next`
    struct yaml *next;
};

// Reads the file, whose bytes must be in `bytes` and live as long as the tree. Adds every mistake with file:line; false if any.
// The tree is as complete as it can be after a mistake that is not one of syntax, and NULL after one that is.
bool yaml_parse(const char *path, const struct bytes *bytes, struct arena *arena, struct yaml **root, struct error *error);

// The entry of a map, or NULL.
struct yaml *yaml_find(const struct yaml *map, const char *key);

#endif
