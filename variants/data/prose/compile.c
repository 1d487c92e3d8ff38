// compile.c: turns the rules of grammar.h into symbols with items, each with its weight and what follows it.
//
// A rule that begins with a symbol takes over that symbol's items (with its own rest behind them), so that every item begins
// with text. Mistakes in the grammar are bugs and abort. Called by source.c; weigh.c sums up the weights.
#include "compile.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

enum { REFERENCES_MAX = 64, STACK_HIGH = 128 };
static const uint64_t ONE = (uint64_t)1 << 32; // the sum of a symbol's weights, but for rounding

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

void prose_mistake(const char *what, const char *where)
{
    fprintf(stderr, "data/prose: %s: %s\n", what, where);
    abort();
}

// ---- Words ----------------------------------------------------------------------------------------------------------------

static bool ends_with(const char *word, const char *ending)
{
    size_t length = strlen(word), count = strlen(ending);
    return length >= count && strcmp(word + length - count, ending) == 0;
}

// A space, the stem, the ending. Thousands of words, whenever a text is made: a printf of each took half of the time of all
// this.
static const char *word_text(struct prose *prose, const char *stem, int stem_length, const char *ending, int ending_length)
{
    char *text = arena_allocate(&prose->arena, (size_t)(stem_length + ending_length) + 2, 1);
    text[0] = ' ';
    memcpy(text + 1, stem, (size_t)stem_length);
    memcpy(text + 1 + stem_length, ending, (size_t)ending_length);
    return text;
}

// Plural of a noun and third person of a verb follow one spelling.
static const char *with_s(struct prose *prose, const char *word)
{
    const char *stem = word + 1;
    int length = (int)strlen(stem);
    if (ends_with(stem, "y") && !strchr("aeiou", stem[length - 2]))
        return word_text(prose, stem, length - 1, "ies", 3);
    bool hisses = ends_with(stem, "s") || ends_with(stem, "x") || ends_with(stem, "z") || ends_with(stem, "ch") ||
                  ends_with(stem, "sh") || ends_with(stem, "o");
    return word_text(prose, stem, length, hisses ? "es" : "s", hisses ? 2 : 1);
}

static int count_words(const char *words)
{
    int count = 1;
    for (const char *c = words; *c; c++)
        count += *c == ' ';
    return count;
}

// The words of a list, "ox/oxen" with its own plural, from the frequent to the rare; each with each ending.
static void read_words(struct prose *prose, int place)
{
    const struct word_list *list = &lists[place];
    const char *endings = list->endings ? list->endings : "";
    int ending_count = count_words(endings), count = count_words(list->words) * ending_count;
    struct prose_word *words = arena_allocate(&prose->arena, (size_t)count, sizeof *words);
    uint64_t total = 0;
    const char *at = list->words, *ending = endings;
    for (int i = 0; i < count; i++) {
        int length = (int)strcspn(at, " "), slash = (int)strcspn(at, "/ "), ending_length = (int)strcspn(ending, " ");
        struct prose_word *word = &words[i];
        word->text = word_text(prose, at, slash, ending, ending_length);
        word->other = slash < length ? word_text(prose, at + slash + 1, length - slash - 1, "", 0) : with_s(prose, word->text);
        word->weight = ((uint64_t)1 << 30) / (uint64_t)(i + list->flatness);
        word->male = i % 2;
        total += word->weight;
        bool last = (i + 1) % ending_count == 0;
        ending = last ? endings : ending + ending_length + 1;
        at += last ? length + 1 : 0;
    }
    for (int i = 0; i < count; i++)
        words[i].weight = words[i].weight * ONE / total;
    prose->words[place] = words;
    prose->word_counts[place] = count;
}

// ---- Symbols ------------------------------------------------------------------------------------------------------------

static int symbol_of(struct prose *prose, const char *name, int length)
{
    for (int i = 0; i < prose->count; i++)
        if ((int)strlen(prose->symbols[i].name) == length && memcmp(prose->symbols[i].name, name, (size_t)length) == 0)
            return i;
    if (prose->count == prose->capacity) {
        prose->capacity = prose->capacity ? 2 * prose->capacity : 256;
        prose->symbols = memory_resize(prose->symbols, (size_t)prose->capacity, sizeof *prose->symbols);
    }
    int id = prose->count++;
    prose->symbols[id] = (struct symbol){.name = arena_format(&prose->arena, "%.*s", length, name),
                                         .copy_to = ROLE_NONE,
                                         .copy_from = ROLE_NONE,
                                         .shallow = id};
    return id;
}

static int role_of(const char *name, int length)
{
    for (int i = 0; i < LENGTH(roles); i++)
        if ((int)strlen(roles[i]) == length && memcmp(roles[i], name, (size_t)length) == 0)
            return i;
    prose_mistake("no such role", name);
}

static int form_of(const char *name)
{
    for (int i = 0; i < LENGTH(pronouns); i++)
        if (strcmp(pronouns[i].name, name) == 0)
            return i;
    prose_mistake("no such pronoun", name);
}

// Room for as many more items at once, so that long lists are not moved about while they grow.
static void reserve_items(struct symbol *symbol, int more)
{
    if (symbol->count + more > ITEMS_MAX)
        prose_mistake("too many items", symbol->name);
    if (symbol->count + more <= symbol->capacity)
        return;
    symbol->capacity = symbol->count + more;
    symbol->items = memory_resize(symbol->items, (size_t)symbol->capacity, sizeof *symbol->items);
}

static void add_item(struct symbol *symbol, const struct item *item)
{
    reserve_items(symbol, 1);
    symbol->items[symbol->count++] = *item;
    symbol->fixed += item->text != NULL;
    symbol->introduces |= item->stores != ROLE_NONE;
}

static const struct item plain = {.role = ROLE_NONE, .form = FORM_PLAIN, .stores = ROLE_NONE, .weight = (uint64_t)1 << 32};

static void define(struct prose *prose, int id);

// "LIST": its words; "LIST+s": their plurals or third persons; "LIST-a", "LIST-an": those that follow this article.
static bool define_list(struct prose *prose, struct symbol *symbol)
{
    int length = (int)strcspn(symbol->name, "+-");
    const char *ending = symbol->name + length;
    int place = 0;
    while (place < LENGTH(lists) &&
           !((int)strlen(lists[place].name) == length && memcmp(lists[place].name, symbol->name, (size_t)length) == 0))
        place++;
    if (place == LENGTH(lists))
        return false;
    reserve_items(symbol, prose->word_counts[place]);
    for (int i = 0; i < prose->word_counts[place]; i++) {
        const struct prose_word *word = &prose->words[place][i];
        bool vowel = strchr("aeiou", word->text[1]);
        if ((strcmp(ending, "-a") == 0 && vowel) || (strcmp(ending, "-an") == 0 && !vowel))
            continue;
        struct item item = plain;
        item.text = strcmp(ending, "+s") == 0 ? word->other : word->text;
        item.word = word;
        item.weight = word->weight;
        add_item(symbol, &item);
    }
    return true;
}

// "role" says what it holds, "^role" without the space before it, "role:he" as a pronoun; "role=other" copies without a word;
// "role=LIST" says a word of the list and keeps it.
static void define_role(struct prose *prose, int id)
{
    struct symbol *symbol = &prose->symbols[id];
    const char *name = symbol->name, *equals = strchr(name, '=');
    if (equals && islower((unsigned char)equals[1])) {
        symbol->copy_to = role_of(name, (int)(equals - name));
        symbol->copy_from = role_of(equals + 1, (int)strlen(equals + 1));
    } else if (equals) {
        int list = symbol_of(prose, equals + 1, (int)strlen(equals + 1));
        define(prose, list);
        reserve_items(&prose->symbols[id], prose->symbols[list].count);
        for (int i = 0; i < prose->symbols[list].count; i++) {
            struct item item = prose->symbols[list].items[i];
            item.stores = (int8_t)role_of(name, (int)(equals - name));
            add_item(&prose->symbols[id], &item);
        }
    } else {
        struct item item = plain;
        item.without_space = *name == '^';
        name += item.without_space;
        item.role = (int8_t)role_of(name, (int)strcspn(name, ":"));
        if (strchr(name, ':'))
            item.form = (int8_t)form_of(strchr(name, ':') + 1);
        add_item(symbol, &item);
    }
}

// The symbols of a rule's text: what stands in braces, and the literal text between them.
static int read_references(struct prose *prose, const char *text, int16_t references[REFERENCES_MAX])
{
    int count = 0;
    while (*text) {
        if (count == REFERENCES_MAX)
            prose_mistake("a rule is too long", text);
        bool braces = *text == '{';
        int length = (int)strcspn(text, braces ? "}" : "{");
        if (length >= PROSE_TEXT_MAX)
            prose_mistake("a text is too long", text);
        if (braces) {
            references[count++] = (int16_t)symbol_of(prose, text + 1, length - 1);
        } else {
            char *literal = arena_format(&prose->arena, "\"%.*s", length, text);
            references[count++] = (int16_t)symbol_of(prose, literal, length + 1);
        }
        text += length + braces;
    }
    return count;
}

// What follows an item, then the rest of the rule that begins with it.
static const int16_t *join(struct prose *prose, const struct item *item, const int16_t *rest, int rest_count)
{
    int16_t *then = arena_allocate(&prose->arena, (size_t)(item->then_count + rest_count), sizeof *then);
    if (item->then_count)
        memcpy(then, item->then, (size_t)item->then_count * sizeof *then);
    memcpy(then + item->then_count, rest, (size_t)rest_count * sizeof *then);
    return then;
}

static void define_rule(struct prose *prose, int id, const struct rule *rule, uint64_t total)
{
    int16_t references[REFERENCES_MAX];
    bool nests = *rule->text == '>';
    int count = read_references(prose, rule->text + nests, references);
    define(prose, references[0]);
    const struct symbol first = prose->symbols[references[0]];
    if (first.copy_to != ROLE_NONE)
        prose_mistake("a rule begins without a word", rule->text);
    const int16_t *then = NULL;
    reserve_items(&prose->symbols[id], first.count);
    for (int i = 0; i < first.count; i++) {
        struct item item = first.items[i];
        // The words of a list are followed by the same: it is written once.
        if (i == 0 || item.then != first.items[i - 1].then || item.then_count != first.items[i - 1].then_count)
            then = join(prose, &item, references + 1, count - 1);
        item.then = then;
        item.then_count = (int16_t)(item.then_count + count - 1);
        item.nests |= nests;
        item.weight = item.weight * (uint64_t)rule->weight / total;
        item.weight += item.weight == 0;
        add_item(&prose->symbols[id], &item);
    }
}

static void define_rules(struct prose *prose, int id)
{
    const char *name = prose->symbols[id].name;
    uint64_t total = 0;
    for (int i = 0; i < LENGTH(rules); i++)
        if (strcmp(rules[i].symbol, name) == 0)
            total += (uint64_t)rules[i].weight;
    if (total == 0)
        prose_mistake("no rule or list of this name", name);
    for (int i = 0; i < LENGTH(rules); i++)
        if (strcmp(rules[i].symbol, name) == 0)
            define_rule(prose, id, &rules[i], total);
}

// A symbol whose definition needs itself first has no text to begin with.
static void define(struct prose *prose, int id)
{
    struct symbol *symbol = &prose->symbols[id];
    if (symbol->defined && !symbol->count && symbol->copy_to == ROLE_NONE)
        prose_mistake("begins with itself", symbol->name);
    if (symbol->defined)
        return;
    symbol->defined = true;
    if (*symbol->name == '"') {
        struct item item = plain;
        item.text = symbol->name + 1;
        add_item(symbol, &item);
    } else if (*symbol->name == '^' || islower((unsigned char)*symbol->name)) {
        define_role(prose, id);
    } else if (!define_list(prose, symbol)) {
        define_rules(prose, id);
    }
}

// The same symbol for a high stack, so that nesting ends.
static void define_shallow(struct prose *prose, int id)
{
    int kept = 0;
    for (int i = 0; i < prose->symbols[id].count; i++)
        kept += !prose->symbols[id].items[i].nests;
    if (kept == prose->symbols[id].count)
        return;
    if (kept == 0)
        prose_mistake("nothing is left without nesting", prose->symbols[id].name);
    char *name = arena_format(&prose->arena, "%s, shallow", prose->symbols[id].name);
    int shallow = symbol_of(prose, name, (int)strlen(name));
    prose->symbols[shallow].defined = true;
    prose->symbols[id].shallow = shallow;
    reserve_items(&prose->symbols[shallow], kept);
    for (int i = 0; i < prose->symbols[id].count; i++)
        if (!prose->symbols[id].items[i].nests)
            add_item(&prose->symbols[shallow], &prose->symbols[id].items[i]);
}

struct prose *prose_open(void)
{
    struct prose *prose = memory_allocate(1, sizeof *prose);
    for (int i = 0; i < LENGTH(lists); i++)
        read_words(prose, i);
    prose->start = symbol_of(prose, "START", (int)strlen("START"));
    for (int i = 0; i < prose->count; i++) { // definitions add symbols
        define(prose, i);
        define_shallow(prose, i);
    }
    for (int i = 0; i < prose->count; i++)
        prose_weigh(prose, &prose->symbols[i]);
    return prose;
}

void prose_close(struct prose *prose)
{
    if (!prose)
        return;
    for (int i = 0; i < prose->count; i++)
        free(prose->symbols[i].items);
    free(prose->symbols);
    arena_close(&prose->arena);
    free(prose);
}

// ---- Steps of the derivation --------------------------------------------------------------------------------------------

int prose_next(const struct prose *prose, struct prose_state *state)
{
    for (;;) {
        if (state->height == 0)
            state->stack[state->height++] = (int16_t)prose->start;
        const struct symbol *symbol = &prose->symbols[state->stack[--state->height]];
        if (symbol->copy_to == ROLE_NONE)
            return state->height < STACK_HIGH ? (int)(symbol - prose->symbols) : symbol->shallow;
        state->roles[symbol->copy_to] = state->roles[symbol->copy_from];
    }
}

void prose_apply(const struct item *item, struct prose_state *state)
{
    if (item->stores != ROLE_NONE)
        state->roles[item->stores] = item->word;
    if (state->height + item->then_count > PROSE_STACK_MAX)
        prose_mistake("nesting does not end", item->text ? item->text : "a role");
    for (int i = item->then_count - 1; i >= 0; i--)
        state->stack[state->height++] = item->then[i];
}

// A word that some role holds is not introduced again.
static bool is_held(const struct prose_word *word, const struct prose_state *state)
{
    for (int i = 0; i < PROSE_ROLES_MAX; i++)
        if (state->roles[i] == word)
            return true;
    return false;
}

struct candidate prose_candidate(const struct item *item, const struct prose_state *state)
{
    if (item->text) {
        bool taken = item->stores != ROLE_NONE && is_held(item->word, state);
        return (struct candidate){item->text, taken ? 0 : item->weight};
    }
    const struct prose_word *word = state->roles[item->role];
    if (!word)
        prose_mistake("nobody holds this role yet", roles[item->role]);
    const char *text = item->form == FORM_PLAIN ? word->text : pronouns[item->form].text[word->male];
    return (struct candidate){text + item->without_space, item->weight};
}
