// option.h: a named value with a type, a default, a range and a line of help.
//
// One table of these drives parsing, range checks, `describe`, the catalogue, the database and the tests: for the options of a
// component (an offset into its options struct) and for the scalars of a run alike.
#ifndef REGISTRY_OPTION_H
#define REGISTRY_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#define OPTION_NO_LIMIT 0x1p53 // a `max` for "0 or more"

enum option_type {
    OPTION_INT,    // int64_t
    OPTION_REAL,   // double; "8/3" is read as a fraction
    OPTION_BOOL,   // bool; true or false
    OPTION_CHOICE, // int: an index into `choices`
    OPTION_TEXT,   // const char *, owned by the arena that parsing was given
};

// An entry of a table states name, type and offset by their places, the rest by name.
struct option {
    const char *name; // NULL ends a table
    enum option_type type;
    size_t offset;              // into the struct that the table describes
    const char *fallback;       // the default, as a user would type it
    double min, max;            // INT and REAL; both 0: any value; a max of 0 under a min of 0 or more is no limit
    bool above_min;             // min itself is refused
    const char *const *choices; // CHOICE: words, NULL-ended
    const char *unit;           // "keys", "tokens"; NULL for a bare number
    const char *help;           // one line that does not repeat the name
    bool not_identity;          // how a run is carried out, not what it is: stays out of its hash
    bool repeats;               // TEXT on a command line: given again, it adds a line
    bool bare;                  // of a component's first option: written without its name, run(ID)
    const char *goes_with;      // on a command line: the first words that it goes with, "train, models"; NULL: any
};

const struct option *option_find(const struct option *table, const char *name);
// Fills every field from its fallback. A fallback that does not parse is a bug.
void option_defaults(const struct option *table, void *target, struct arena *arena);
// Reads `value` into its field. On a mistake adds "no option ..., did you mean ...", or the range, and returns false.
bool option_set(const struct option *option, void *target, const char *value, struct arena *arena, struct error *error);
// The value as option_set reads it back.
void option_print(const struct option *option, const void *target, struct text *text);
bool option_is_default(const struct option *option, const void *target);
// "1 to 64", "above 0", "shared | separate", "any number": for help and messages.
void option_print_range(const struct option *option, struct text *text);

#endif
