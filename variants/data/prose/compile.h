// compile.h: the grammar of grammar.h as tables that the writer and the reader walk.
#ifndef PROSE_COMPILE_H
#define PROSE_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "source.h"

enum { ROLE_NONE = -1, FORM_PLAIN = -1, ITEMS_MAX = 1024, LISTS_MAX = 32 };

struct prose_word {
    const char *text;  // with a space before it
    const char *other; // plural, or third person
    uint64_t weight;
    bool male; // of names: every second one
};

// One thing that can be said at a place, and what then follows.
struct item {
    const char *text; // never empty; NULL: the word that `role` holds
    const struct prose_word *word;
    uint64_t weight;
    const int16_t *then; // symbols, the first to be said first
    uint64_t *reach;     // [k]: the weight of the symbol's items with a text that share this one's bytes 0 to k
    int16_t then_count;
    int8_t role, form;  // form: a row of pronouns, or FORM_PLAIN
    int8_t stores;      // the role that keeps `word`, or ROLE_NONE
    bool without_space; // at the beginning of a sentence
    bool nests;         // left out when the stack is high
};

struct symbol {
    const char *name;           // a rule's left side, a list, a role, or '"' and a literal text
    struct item *items;         // those with a text come first, in its order
    int count, capacity, fixed; // fixed: how many have a text
    uint64_t *sums;             // [fixed + 1]: of the weights before each item
    bool defined, introduces;   // introduces: an item is out of the question while a role holds its word
    int copy_to, copy_from;     // says nothing, but gives a role what another holds; ROLE_NONE: an ordinary symbol
    int shallow;                // the symbol without the items that nest
};

struct prose {
    struct arena arena;
    struct prose_word *words[LISTS_MAX];
    int word_counts[LISTS_MAX];
    struct symbol *symbols;
    int count, capacity;
    int start;
};

// Ends the program: the grammar is a part of it.
_Noreturn void prose_mistake(const char *what, const char *where);
// Sorts a symbol's items and fills their sums and reaches.
void prose_weigh(struct prose *prose, struct symbol *symbol);

// What an item says now, and its weight: 0 where it is out of the question.
struct candidate {
    const char *text;
    uint64_t weight;
};
struct candidate prose_candidate(const struct item *item, const struct prose_state *state);
// The next symbol that says something; takes it from the stack.
int prose_next(const struct prose *prose, struct prose_state *state);
// The item has been said.
void prose_apply(const struct item *item, struct prose_state *state);

#endif
