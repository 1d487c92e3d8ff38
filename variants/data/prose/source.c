// source.c: walks the grammar, once to write a text with its probabilities and once to follow a given text.
//
// Called by variants/data/prose.c and by the tests. The writer draws choice number n of a seed from random bits (seed, n), in
// integers, so that a text is the same on every machine. Nothing here can fail.
#include "source.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "compile.h"

// The items of a symbol in two groups: [0, tabled) by its tables, and those whose text or weight depends on the roles, which
// are few but for introductions.
struct present {
    const struct symbol *symbol;
    int tabled;
    uint64_t tabled_weight, weight;
    struct candidate others[ITEMS_MAX]; // items tabled, tabled + 1, ...
};

static void look(struct present *present, const struct symbol *symbol, const struct prose_state *state)
{
    present->symbol = symbol;
    present->tabled = symbol->introduces ? 0 : symbol->fixed;
    present->tabled_weight = present->weight = symbol->sums[present->tabled];
    for (int i = present->tabled; i < symbol->count; i++) {
        present->others[i - present->tabled] = prose_candidate(&symbol->items[i], state);
        present->weight += present->others[i - present->tabled].weight;
    }
}

// The item that `at`, below the sum of weights, falls on.
static int pick(const struct present *present, uint64_t at)
{
    if (at >= present->tabled_weight) {
        const struct candidate *other = present->others;
        for (at -= present->tabled_weight; at >= other->weight; other++)
            at -= other->weight;
        return present->tabled + (int)(other - present->others);
    }
    int low = 0, high = present->tabled;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (present->symbol->sums[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// The first of the sorted items [low, high), which share k bytes, whose byte k is `byte` or above.
static int first_from(const struct symbol *symbol, int low, int high, int k, int byte)
{
    while (low < high) {
        int middle = (low + high) / 2;
        if ((unsigned char)symbol->items[middle].text[k] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// cost[k] = -log p of byte k of the text of item `chosen` given those before it; its ending zero stands for "the word ends".
static const char *spell(const struct present *present, int chosen, float cost[PROSE_TEXT_MAX])
{
    const struct symbol *symbol = present->symbol;
    const struct item *item = &symbol->items[chosen];
    bool tabled = chosen < present->tabled;
    const char *text = tabled ? item->text : present->others[chosen - present->tabled].text;
    int low = 0, high = present->tabled, left = symbol->count - present->tabled, alive[ITEMS_MAX];
    for (int j = 0; j < left; j++)
        alive[j] = j;
    uint64_t weight = present->weight;
    for (int k = 0;; k++) {
        uint64_t before = weight;
        if (!tabled) {
            low = first_from(symbol, low, high, k, (unsigned char)text[k]);
            high = first_from(symbol, low, high, k, (unsigned char)text[k] + 1);
        }
        weight = tabled ? item->reach[k] : symbol->sums[high] - symbol->sums[low];
        int kept = 0;
        for (int j = 0; j < left; j++) {
            const struct candidate *other = &present->others[alive[j]];
            if (other->text[k] == text[k]) {
                weight += other->weight;
                alive[kept++] = alive[j];
            }
        }
        left = kept;
        cost[k] = weight == before ? 0 : (float)log((double)before / (double)weight);
        if (!text[k])
            return text;
    }
}

void prose_write(const struct prose *prose, uint64_t seed, int64_t count, uint16_t *tokens, float *surprise)
{
    uint64_t key = random_key(seed, "prose", 0);
    struct prose_state state = {0};
    struct present present;
    float cost[PROSE_TEXT_MAX], ending = 0; // that a word has ended is said by the byte after it
    uint64_t choice = 0;
    for (int64_t written = 0; written < count;) {
        look(&present, &prose->symbols[prose_next(prose, &state)], &state);
        int chosen = present.symbol->count == 1 ? 0 : pick(&present, random_below(key, choice++, 0, present.weight));
        const char *text = spell(&present, chosen, cost);
        int k = 0;
        for (; text[k] && written < count; k++, written++) {
            tokens[written] = (unsigned char)text[k];
            surprise[written] = cost[k] + ending;
            ending = 0;
        }
        ending += cost[k];
        prose_apply(&present.symbol->items[chosen], &state);
    }
}

void prose_reader_open(struct prose_reader *reader, const struct prose *prose)
{
    *reader = (struct prose_reader){.prose = prose};
    reader->symbol = prose_next(prose, &reader->state);
}

// Adds `share` of the distribution after `prefix` of a word of `symbol`. A word that may be complete hands its share on to the
// first byte of what follows it.
static void add_distribution(const struct prose *prose, const struct prose_state *state, int symbol, const char *prefix,
                             int length, double share, double probability[PROSE_BYTES])
{
    struct candidate candidates[ITEMS_MAX];
    int count = prose->symbols[symbol].count;
    double total = 0;
    for (int i = 0; i < count; i++) {
        candidates[i] = prose_candidate(&prose->symbols[symbol].items[i], state);
        total += strncmp(candidates[i].text, prefix, (size_t)length) == 0 ? (double)candidates[i].weight : 0;
    }
    for (int i = 0; i < count; i++) {
        if (strncmp(candidates[i].text, prefix, (size_t)length) != 0 || candidates[i].weight == 0)
            continue;
        double part = share * (double)candidates[i].weight / total;
        unsigned char next = (unsigned char)candidates[i].text[length];
        if (next) {
            probability[next] += part;
            continue;
        }
        struct prose_state after = *state;
        prose_apply(&prose->symbols[symbol].items[i], &after);
        int following = prose_next(prose, &after);
        add_distribution(prose, &after, following, "", 0, part, probability);
    }
}

void prose_reader_distribution(const struct prose_reader *reader, double probability[PROSE_BYTES])
{
    memset(probability, 0, PROSE_BYTES * sizeof *probability);
    add_distribution(reader->prose, &reader->state, reader->symbol, reader->prefix, reader->length, 1, probability);
}

// How many different readings the present word has when `byte` follows: it goes on, or one of these items is complete.
static bool continues(const struct prose_reader *reader, unsigned char byte, int *complete, int *complete_count)
{
    const struct symbol *symbol = &reader->prose->symbols[reader->symbol];
    bool goes_on = false;
    *complete_count = 0;
    for (int i = 0; i < symbol->count; i++) {
        struct candidate candidate = prose_candidate(&symbol->items[i], &reader->state);
        if (candidate.weight == 0 || strncmp(candidate.text, reader->prefix, (size_t)reader->length) != 0)
            continue;
        unsigned char next = (unsigned char)candidate.text[reader->length];
        goes_on |= next && next == byte;
        if (!next) {
            *complete = i;
            ++*complete_count;
        }
    }
    return goes_on;
}

bool prose_reader_advance(struct prose_reader *reader, unsigned char byte)
{
    int complete, complete_count, following, following_count;
    bool goes_on = continues(reader, byte, &complete, &complete_count);
    struct prose_reader after = *reader;
    bool moves_on = false;
    if (complete_count == 1) {
        prose_apply(&reader->prose->symbols[reader->symbol].items[complete], &after.state);
        after.symbol = prose_next(after.prose, &after.state);
        after.length = 0;
        moves_on = continues(&after, byte, &following, &following_count);
    }
    if (complete_count > 1 || goes_on == moves_on)
        return false;
    if (moves_on)
        *reader = after;
    reader->prefix[reader->length++] = (char)byte;
    return true;
}
