// draft.c: the mistakes of an experiment file: each once, with its line, and in the order of the file.
//
// One wrong value is met again in every arm that has it, and sections are checked in an order of their own; the reader sees
// neither.
#include "sweep/draft.h"

#include <stdlib.h>
#include <string.h>

bool draft_mistake(struct draft *draft, int line, const char *format, ...)
{
    struct text said = {0};
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&said, format, arguments);
    va_end(arguments);
    struct text whole = {0};
    if (line > 0)
        text_add(&whole, "%s:%d: ", draft->path, line);
    text_add(&whole, "%s\n", said.data);
    if (!strstr(draft->error->text, whole.data)) {
        if (line > 0)
            error_add_at(draft->error, draft->path, line, "%s", said.data);
        else
            error_add(draft->error, "%s", said.data);
        draft->error->is_request = true;
    }
    text_free(&said);
    text_free(&whole);
    return false;
}

bool draft_carry(struct draft *draft, int line, const char *lead, const struct error *from)
{
    for (const char *c = from->text; *c;) {
        int length = (int)strcspn(c, "\n");
        draft_mistake(draft, line, "%s%.*s", lead, length, c);
        c += length + (c[length] == '\n');
    }
    return false;
}

int draft_word(struct draft *draft, int line, const char *lead, const char *word, const char *const *words)
{
    struct nearest nearest;
    nearest_open(&nearest, word);
    struct text all = {0};
    int found = -1;
    for (int i = 0; words[i] && found < 0; i++) {
        found = *word && strcmp(words[i], word) == 0 ? i : -1;
        nearest_offer(&nearest, words[i]);
        if (*words[i])
            text_add(&all, "%s%s", all.length ? ", " : "", words[i]);
    }
    if (found < 0 && nearest_answer(&nearest))
        draft_mistake(draft, line, "%s \"%s\"%s", lead, word, nearest_suggestion(&nearest).text);
    else if (found < 0)
        draft_mistake(draft, line, "%s \"%s\"; there are %s", lead, word, all.data);
    text_free(&all);
    return found;
}

// Mistakes come section by section; a reader goes through the file from top to bottom.
struct mistake {
    int line, order;
    const char *text;
};

static int compare_mistakes(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    return x->line != y->line ? (x->line < y->line ? -1 : 1) : (x->order < y->order ? -1 : x->order > y->order);
}

void draft_report(struct draft *draft, struct error *to)
{
    struct error *from = draft->error;
    struct mistake *mistakes = memory_allocate((size_t)from->count, sizeof *mistakes);
    size_t lead = strlen(draft->path);
    int count = 0;
    for (char *c = from->text; *c && count < from->count; count++) {
        char *end = c + strcspn(c, "\n");
        bool placed = strncmp(c, draft->path, lead) == 0 && c[lead] == ':';
        mistakes[count] = (struct mistake){.line = placed ? atoi(c + lead + 1) : 0, .order = count, .text = c};
        c = end + (*end == '\n');
        *end = '\0';
    }
    qsort(mistakes, (size_t)count, sizeof *mistakes, compare_mistakes);
    for (int i = 0; i < count; i++)
        error_request(to, "%s", mistakes[i].text);
    to->count += from->count - count;
    free(mistakes);
}

bool draft_is_kind(struct draft *draft, const struct yaml *node, enum yaml_kind kind)
{
    return node->kind == kind || draft_mistake(draft, node->line, "%s: it takes %s, not %s", node->key, yaml_kind_names[kind],
                                               yaml_kind_names[node->kind]);
}

// "train.lr" or "ffn": the key of a run, that has lost its way.
static bool is_key_of_run(const char *key)
{
    struct error unread = {0};
    return strchr(key, '.') || slot_find(key, &unread) != SLOT_COUNT;
}

void draft_sections(struct draft *draft, const struct yaml *map, const struct draft_section *sections)
{
    for (struct yaml *entry = map->first; entry; entry = entry->next) {
        struct nearest nearest;
        nearest_open(&nearest, entry->key);
        const struct draft_section *section = sections;
        for (; section->name && strcmp(section->name, entry->key) != 0; section++)
            nearest_offer(&nearest, section->name);
        const char *owner = map->key ? map->key : "", *colon = map->key ? ": " : "";
        if (section->name)
            section->take(draft, entry);
        else if (!map->key && is_key_of_run(entry->key))
            draft_mistake(draft, entry->line,
                          "no key \"%s\" here; what runs are made of stands under `baseline:` or `parameters:`", entry->key);
        else if (nearest_answer(&nearest))
            draft_mistake(draft, entry->line, "%s%sno key \"%s\"%s", owner, colon, entry->key,
                          nearest_suggestion(&nearest).text);
        else
            draft_mistake(draft, entry->line, "%s%sno key \"%s\"", owner, colon, entry->key);
    }
}
