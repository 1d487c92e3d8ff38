// verb_describe.c: `ablate describe WHAT`: a component, a slot or the scalars of a run with all their options, written from the
// tables that parsing reads; and the curve of a schedule.
#include "cli/table.h"
#include "cli/terminal.h"
#include "registry/registry.h"
#include "registry/run.h"
#include "train/schedule.h"

#include <stdlib.h>
#include <string.h>

struct describe_options {
    int64_t curve;
};

static const struct option options[] = {
    {"curve", OPTION_INT, offsetof(struct describe_options, curve), .fallback = "0", .min = 0, .max = 10000000, .unit = "steps",
     .help = "prints a schedule's learning rate at each of so many steps, with --set applied; 0: no curve"},
    {0},
};

// ---- Options as a table -----------------------------------------------------------------------------------------------------

enum { OWNER, OPTION, TYPE, FALLBACK, RANGE, UNIT, HELP, COLUMN_COUNT };

static const struct column columns[] = {
    [OWNER] = {.name = "of"},
    [OPTION] = {.name = "option"},
    [TYPE] = {.name = "type"},
    [FALLBACK] = {.name = "default"},
    [RANGE] = {.name = "range"},
    [UNIT] = {.name = "unit"},
    [HELP] = {.name = "help", .wraps = true},
};

static const char *const types[] = {
    [OPTION_INT] = "whole number", [OPTION_REAL] = "number", [OPTION_BOOL] = "true or false",
    [OPTION_CHOICE] = "word",      [OPTION_TEXT] = "text",
};

static void add_option(struct table *table, const char *owner, const struct option *option)
{
    struct text range = {0};
    option_print_range(option, &range);
    table_row(table);
    table_cell(table, OWNER, "%s", owner);
    table_cell(table, OPTION, "%s", option->name);
    table_cell(table, TYPE, "%s", types[option->type]);
    table_cell(table, FALLBACK, "%s", option->fallback ? option->fallback : "");
    table_cell(table, RANGE, "%s", range.data);
    table_cell(table, UNIT, "%s", option->unit ? option->unit : "");
    table_cell(table, HELP, "%s", option->help);
    text_free(&range);
}

static void add_options(struct table *table, const char *owner, const struct option *list)
{
    for (const struct option *option = list; option && option->name; option++)
        add_option(table, owner, option);
}

// For people the owner is the heading above, and what a value may be stands behind what it means: "(whole number, 1 to 64
// heads)".
static void add_explained(struct table *table, const struct option *option)
{
    struct text value = {0};
    bool has_range = option->type == OPTION_INT || option->type == OPTION_REAL || option->type == OPTION_CHOICE;
    if (option->type != OPTION_CHOICE)
        text_add(&value, "%s%s", types[option->type], has_range ? ", " : "");
    if (has_range)
        option_print_range(option, &value);
    if (option->unit)
        text_add(&value, " %s", option->unit);
    table_row(table);
    table_cell(table, OPTION, "%s", option->name);
    table_cell(table, FALLBACK, "%s", option->fallback ? option->fallback : "");
    table_cell(table, HELP, "%s (%s)", option->help, value.data);
    text_free(&value);
}

static void print_options(const struct option *list, const struct option *last)
{
    struct table table;
    table_open(&table, columns, COLUMN_COUNT);
    for (const struct option *option = list; option && option->name; option++)
        add_explained(&table, option);
    if (last)
        add_explained(&table, last);
    table_print(&table, OUTPUT_TEXT, stdout);
    table_close(&table);
}

// ---- What a word means ------------------------------------------------------------------------------------------------------

// Set like a scalar, but a list of choices: no table of scalars holds it.
static const struct option eval_as = {
    "eval_as", OPTION_TEXT, .fallback = "", .unit = "[ATTENTION, ...]",
    .help = "evaluates a run with each of these attentions too, in all layers, over the weights it trained: "
            "eval_as=[\"full\", \"sliding(window=64)\"] adds val_loss@full and so on"};

// Components that the word names: "ffn/swiglu" one, "swiglu" those of every slot, a slot's name all of its components.
struct subject {
    const char *word, *name;
    enum slot slot; // SLOT_COUNT: any
    bool is_slot;
};

static bool matches(const struct subject *subject, const struct component *component)
{
    if (subject->slot != SLOT_COUNT && component->slot != subject->slot)
        return false;
    return subject->is_slot || !strcmp(component->name, subject->name);
}

static bool refuse_word(const char *word, struct error *error)
{
    struct nearest nearest;
    nearest_open(&nearest, word);
    nearest_offer(&nearest, "scalars");
    nearest_offer(&nearest, eval_as.name);
    for (const struct option *scalar = run_scalars; scalar->name; scalar++)
        nearest_offer(&nearest, scalar->name);
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        nearest_offer(&nearest, slot_facts[slot].name);
    for (const struct component *const *c = registry_list(); *c; c++)
        nearest_offer(&nearest, (*c)->name);
    return error_request(error, "no component, slot or scalar \"%s\"%s See: ablate list", word,
                         nearest_suggestion(&nearest).text);
}

static bool subject_read(const char *word, struct subject *subject, struct arena *arena, struct error *error)
{
    const char *slash = strchr(word, '/');
    *subject = (struct subject){.word = word, .name = slash ? slash + 1 : word, .slot = SLOT_COUNT};
    if (slash) {
        subject->slot = slot_find(arena_format(arena, "%.*s", (int)(slash - word), word), error);
        return subject->slot != SLOT_COUNT && registry_find(subject->slot, subject->name, error);
    }
    for (int slot = 0; slot < SLOT_COUNT; slot++)
        if (!strcmp(slot_facts[slot].name, word)) {
            subject->slot = (enum slot)slot;
            subject->is_slot = true;
            return true;
        }
    for (const struct component *const *c = registry_list(); *c; c++)
        if (matches(subject, *c))
            return true;
    return refuse_word(word, error);
}

// ---- Printing ---------------------------------------------------------------------------------------------------------------

static void print_component(const struct component *component)
{
    static const char *const growth[] = {
        [COMPLEXITY_N] = "T", [COMPLEXITY_N_LOG_N] = "T log T", [COMPLEXITY_N_SQUARED] = "T squared"};
    const char *slot = slot_facts[component->slot].name;
    terminal_print(stdout, "%s/%s: %s", slot, component->name, component->summary);
    if (component->source)
        terminal_print(stdout, "source: %s", component->source);
    if (component->complexity != COMPLEXITY_NONE)
        printf("cost of a sequence of T tokens grows as %s\n", growth[component->complexity]);
    printf("version: %d\n", component->version);
    if (component->options && component->options->name) {
        printf("\n");
        print_options(component->options, NULL);
        const struct option *first = component->options;
        printf("\nfor example: --set %s=\"%s(%s%s%s)\"\n", slot, component->name, first->bare ? "" : first->name,
               first->bare ? "" : "=",
               first->fallback && *first->fallback ? first->fallback
               : first->unit                       ? first->unit
                                                   : "VALUE");
    } else {
        printf("It has no options: --set %s=%s\n", slot, component->name);
    }
}

static void print_slot(enum slot slot)
{
    const struct slot_facts *facts = &slot_facts[slot];
    terminal_print(stdout, "%s: %s", facts->name, facts->summary);
    printf("default: %s\n", facts->fallback);
    if (facts->off)
        printf("nothing here: %s\n", facts->off);
    if (facts->per_layer)
        printf("per layer: a list is cycled over the layers\n");
    printf("\n");
}

static void describe_text(const struct subject *subject)
{
    bool is_first = true;
    if (subject->is_slot)
        print_slot(subject->slot);
    for (const struct component *const *c = registry_list(); *c; c++) {
        if (!matches(subject, *c))
            continue;
        printf("%s", is_first ? "" : "\n");
        print_component(*c);
        is_first = false;
    }
}

static void describe_table(const struct subject *subject, enum output_format format, struct arena *arena)
{
    struct table table;
    table_open(&table, columns, COLUMN_COUNT);
    for (const struct component *const *c = registry_list(); *c; c++)
        if (matches(subject, *c))
            add_options(&table, arena_format(arena, "%s/%s", slot_facts[(*c)->slot].name, (*c)->name), (*c)->options);
    table_print(&table, format, stdout);
    table_close(&table);
}

static void describe_scalars(enum output_format format)
{
    if (format == OUTPUT_TEXT) {
        terminal_print(stdout, "The scalars of a run, set as --set KEY=VALUE or under `parameters:` of an experiment.");
        printf("\n");
        print_options(run_scalars, &eval_as);
        return;
    }
    struct table table;
    table_open(&table, columns, COLUMN_COUNT);
    add_options(&table, "run", run_scalars);
    add_option(&table, "run", &eval_as);
    table_print(&table, format, stdout);
    table_close(&table);
}

static void describe_scalar(const struct option *scalar, enum output_format format)
{
    if (format == OUTPUT_TEXT) {
        print_options(NULL, scalar);
        return;
    }
    struct table table;
    table_open(&table, columns, COLUMN_COUNT);
    add_option(&table, "run", scalar);
    table_print(&table, format, stdout);
    table_close(&table);
}

// ---- A schedule's curve -----------------------------------------------------------------------------------------------------

static bool describe_curve(const struct request *request, const struct subject *subject, int64_t steps, struct error *error)
{
    static const struct column curve_columns[] = {{.name = "step", .number = true}, {.name = "lr", .number = true}};
    if (subject->is_slot || !registry_find(SLOT_SCHEDULE, subject->name, error) ||
        (subject->slot != SLOT_COUNT && subject->slot != SLOT_SCHEDULE)) {
        *error = (struct error){0};
        return error_request(error,
                             "%s: only a schedule has a curve. For example: ablate describe schedule/cosine --curve 1000",
                             subject->word);
    }
    struct run *planned = arena_allocate(request->arena, 1, sizeof *planned);
    run_defaults(planned, request->arena);
    bool done = run_set(planned, "schedule", subject->name, request->arena, error) &&
                run_set(planned, "train.steps", arena_format(request->arena, "%lld", (long long)steps), request->arena, error);
    // As many steps as asked for, so that short curves are not refused for the default's warm-up.
    if (planned->train.warmup > steps)
        planned->train.warmup = 0;
    for (const char *const *pair = request->set; *pair; pair++)
        done = run_set_pair(planned, *pair, request->arena, error) && done;
    if (!done || !run_resolve(planned, error))
        return false;
    struct table table;
    table_open(&table, curve_columns, 2);
    for (int64_t step = 0; step < planned->train.steps; step++) {
        struct text rate = {0};
        text_add_real(&rate, schedule_rate(planned, step));
        table_row(&table);
        table_cell(&table, 0, "%lld", (long long)step);
        table_cell(&table, 1, "%s", rate.data);
        text_free(&rate);
    }
    table_print(&table, request->format, stdout);
    table_close(&table);
    return true;
}

static bool run(const struct request *request, struct error *error)
{
    const struct describe_options *chosen = request->options;
    struct subject subject;
    const char *word = request->words[0];
    const struct option *scalar = strcmp(word, eval_as.name) ? option_find(run_scalars, word) : &eval_as;
    bool all_scalars = !strcmp(word, "scalars");
    if ((scalar || all_scalars) && request->set[0])
        return error_request(error, "ablate describe: --set goes with --curve");
    if (all_scalars)
        describe_scalars(request->format);
    else if (scalar)
        describe_scalar(scalar, request->format);
    if (scalar || all_scalars)
        return true;
    if (!subject_read(word, &subject, request->arena, error))
        return false;
    if (chosen->curve > 0)
        return describe_curve(request, &subject, chosen->curve, error);
    if (request->set[0])
        return error_request(error, "ablate describe: --set goes with --curve");
    if (request->format == OUTPUT_TEXT)
        describe_text(&subject);
    else
        describe_table(&subject, request->format, request->arena);
    return true;
}

const struct verb verb_describe = {
    .name = "describe",
    .summary = "a component, a slot or the scalars of a run, with every option",
    .words_help = "COMPONENT|SLOT|SCALAR|scalars",
    .words_min = 1,
    .words_max = 1,
    .example = "ablate describe schedule/cosine --curve 1000 --csv --set schedule.floor=0.1",
    .options = options,
    .options_size = sizeof(struct describe_options),
    .tables = true,
    .sets = true,
    .run = run,
};
