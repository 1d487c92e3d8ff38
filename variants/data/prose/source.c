// source.c: walks the grammar, once to write a text with its probabilities and once to follow a given text.
//
// Called by variants/data/prose.c and by the tests. The writer draws choice number n of a seed from random bits (seed, n), in
// integers, so that a text is the same on every machine. Nothing here can fail.
#include "source.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "compile.h"

// What a symbol can say now: its tabled items but for the words that a role already holds, and what roles hold.
struct present {
    const struct symbol *symbol;
    uint64_t weight;
    int held_count, taken_count;
    struct candidate held[PROSE_ROLES_MAX];  // of items fixed, fixed + 1, ...
    struct candidate taken[PROSE_ROLES_MAX]; // tabled, but out of the question; in the order of the table
};

// The place of a text in the table, or where it would be.
static int find_text(const struct symbol *symbol, const char *text)
{
    int low = 0, high = symbol->fixed;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(symbol->items[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take(struct present *present, const struct candidate *candidate)
{
    int place = present->taken_count;
    for (int i = 0; i < place; i++)
        if (present->taken[i].text == candidate->text)
            return; // two roles hold it
    for (; place > 0 && strcmp(present->taken[place - 1].text, candidate->text) > 0; place--)
        present->taken[place] = present->taken[place - 1];
    present->taken[place] = *candidate;
    present->taken_count++;
    present->weight -= candidate->weight;
}

static void look(struct present *present, const struct symbol *symbol, const struct prose_state *state)
{
    *present = (struct present){.symbol = symbol, .weight = symbol->sums[symbol->fixed]};
    for (int i = 0; symbol->introduces && i < PROSE_ROLES_MAX; i++) {
        int place = state->roles[i] ? find_text(symbol, state->roles[i]->text) : symbol->fixed;
        const struct item *item = &symbol->items[place];
        if (place < symbol->fixed && item->word == state->roles[i] && item->stores != ROLE_NONE)
            take(present, &(struct candidate){item->text, item->weight});
    }
    for (int i = symbol->fixed; i < symbol->count; i++) {
        present->held[present->held_count] = prose_candidate(&symbol->items[i], state);
        present->weight += present->held[present->held_count++].weight;
    }
}

// The item that `at`, below the sum of weights, falls on.
static int pick(const struct present *present, uint64_t at)
{
    const struct symbol *symbol = present->symbol;
    for (int i = 0; i < present->held_count; i++) {
        if (at < present->held[i].weight)
            return symbol->fixed + i;
        at -= present->held[i].weight;
    }
    for (int i = 0; i < present->taken_count; i++) // past those that stand before it
        if (at >= symbol->sums[find_text(symbol, present->taken[i].text)])
            at += present->taken[i].weight;
    int low = 0, high = symbol->fixed;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (symbol->sums[middle] <= at)
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

// Drops candidates whose byte k is another one; the weight of those left.
static uint64_t keep_matching(struct candidate *candidates, int *count, int k, char byte)
{
    uint64_t weight = 0;
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        if (candidates[i].text[k] != byte)
            continue;
        weight += candidates[i].weight;
        candidates[kept++] = candidates[i];
    }
    *count = kept;
    return weight;
}

// cost[k] = -log p of byte k of the text of item `chosen` given those before it; its ending zero stands for "the word ends".
// Uses `present` up.
static const char *spell(struct present *present, int chosen, float cost[PROSE_TEXT_MAX])
{
    const struct symbol *symbol = present->symbol;
    const struct item *item = &symbol->items[chosen];
    const char *text = item->text ? item->text : present->held[chosen - symbol->fixed].text;
    int low = 0, high = symbol->fixed;
    uint64_t weight = present->weight;
    for (int k = 0;; k++) {
        uint64_t before = weight;
        if (item->text) {
            weight = item->reach[k];
        } else {
            low = first_from(symbol, low, high, k, (unsigned char)text[k]);
            high = first_from(symbol, low, high, k, (unsigned char)text[k] + 1);
            weight = symbol->sums[high] - symbol->sums[low];
        }
        weight += keep_matching(present->held, &present->held_count, k, text[k]);
        weight -= keep_matching(present->taken, &present->taken_count, k, text[k]);
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
