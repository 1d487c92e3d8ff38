// weigh.c: orders the items of a symbol by their text, and sums up the weights of those before each and of those that begin
// alike.
//
// A reader that knows the first bytes of a word so far asks which words begin with them, and how often. Called by compile.c.
#include "compile.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    const struct item *one = a, *two = b;
    if (!one->text || !two->text)
        return (one->text == NULL) - (two->text == NULL);
    return strcmp(one->text, two->text);
}

// Items [begin, end) share their first k bytes.
static void add_up(const struct symbol *symbol, int begin, int end, int k)
{
    for (int first = begin, next; first < end; first = next) {
        uint64_t weight = 0;
        for (next = first; next < end && symbol->items[next].text[k] == symbol->items[first].text[k]; next++)
            weight += symbol->items[next].weight;
        for (int i = first; i < next; i++)
            symbol->items[i].reach[k] = weight;
        if (symbol->items[first].text[k])
            add_up(symbol, first, next, k + 1);
        else if (next - first > 1) // such a word would mean two things
            prose_mistake(symbol->name, symbol->items[first].text);
    }
}

void prose_weigh(struct prose *prose, struct symbol *symbol)
{
    if (!symbol->count)
        return;
    qsort(symbol->items, (size_t)symbol->count, sizeof *symbol->items, by_text);
    if (symbol->count - symbol->fixed > PROSE_ROLES_MAX)
        prose_mistake("too many roles compete", symbol->name);
    symbol->sums = arena_allocate(&prose->arena, (size_t)symbol->fixed + 1, sizeof *symbol->sums);
    for (int i = 0; i < symbol->fixed; i++)
        symbol->sums[i + 1] = symbol->sums[i] + symbol->items[i].weight;
    for (int i = 0; i < symbol->fixed; i++) {
        struct item *item = &symbol->items[i];
        item->reach = arena_allocate(&prose->arena, strlen(item->text) + 1, sizeof *item->reach);
    }
    add_up(symbol, 0, symbol->fixed, 0);
}
