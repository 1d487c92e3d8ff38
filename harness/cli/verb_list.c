// verb_list.c: `ablate list [SLOT]`: the slots and everything that can fill them, written from the registry.
#include "cli/table.h"
#include "registry/registry.h"

#include <string.h>

enum { SLOT_NAME, COMPONENT_NAME, IS_DEFAULT, SUMMARY, OPTIONS, SOURCE, COLUMN_COUNT };

static const struct column columns[] = {
    [SLOT_NAME] = {.name = "slot"},
    [COMPONENT_NAME] = {.name = "component"},
    [IS_DEFAULT] = {.name = "is_default", .heading = ""},
    [SUMMARY] = {.name = "summary", .wraps = true},
    [OPTIONS] = {.name = "options", .wraps = true},
    [SOURCE] = {.name = "source"},
};

static void add_row(struct table *table, enum slot slot, const char *name, const char *summary, bool is_default, bool is_text)
{
    table_row(table);
    table_cell(table, SLOT_NAME, "%s", slot_facts[slot].name);
    table_cell(table, COMPONENT_NAME, "%s", name);
    table_cell(table, IS_DEFAULT, "%s", !is_default ? "" : is_text ? "*" : "yes");
    table_cell(table, SUMMARY, "%s", summary);
}

// "window=64, dilation=1"
static void print_options(const struct component *component, struct text *text)
{
    text_add(text, "%s", "");
    for (const struct option *option = component->options; option && option->name; option++)
        text_add(text, "%s%s=%s", text->length ? ", " : "", option->name, option->fallback ? option->fallback : "");
}

// For people the options stand behind the summary: two columns would be too narrow to read. Sources are long: `describe` has
// them.
static void add_component(struct table *table, const struct component *component, bool is_default, bool is_text)
{
    struct text options = {0};
    add_row(table, component->slot, component->name, component->summary, is_default, is_text);
    print_options(component, &options);
    if (!is_text) {
        table_cell(table, OPTIONS, "%s", options.data);
        table_cell(table, SOURCE, "%s", component->source ? component->source : "");
    } else if (options.length) {
        table_cell(table, SUMMARY, "%s (%s)", component->summary, options.data);
    }
    text_free(&options);
}

static void add_slot(struct table *table, enum slot slot, bool is_text)
{
    const struct slot_facts *facts = &slot_facts[slot];
    // A default may have options: "sliding(window=64)".
    size_t length = strcspn(facts->fallback, "(");
    if (facts->off)
        add_row(table, slot, facts->off, "nothing here", !strcmp(facts->off, facts->fallback), is_text);
    for (const struct component *const *c = registry_list(); *c; c++)
        if ((*c)->slot == slot)
            add_component(table, *c, strlen((*c)->name) == length && !strncmp((*c)->name, facts->fallback, length), is_text);
}

static bool run(const struct request *request, struct error *error)
{
    enum slot chosen = SLOT_COUNT;
    if (request->word_count > 0 && (chosen = slot_find(request->words[0], error)) == SLOT_COUNT)
        return false;
    bool is_text = request->format == OUTPUT_TEXT;
    struct table table;
    table_open(&table, columns, COLUMN_COUNT);
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        if (chosen == SLOT_COUNT || chosen == (enum slot)slot)
            add_slot(&table, (enum slot)slot, is_text);
    table_print(&table, request->format, stdout);
    table_close(&table);
    if (is_text)
        printf("\n*: the default; in brackets: options and their defaults.\n"
               "ablate describe SLOT/COMPONENT explains them, ablate describe scalars the rest.\n");
    return true;
}

const struct verb verb_list = {
    .name = "list",
    .summary = "the slots of a model and everything that can fill them",
    .words_help = "[SLOT]",
    .words_max = 1,
    .example = "ablate list attention",
    .tables = true,
    .run = run,
};
