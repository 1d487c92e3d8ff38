// help.c: the help of the program and of each verb, written from the tables that parsing reads. Who calls it: main.
#include "cli/terminal.h"
#include "cli/verb.h"
#include "report/layout.h"

#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN_MAX = 34 };

// One line of a two-column list; a left side that is too long gets a line of its own.
static void print_pair(FILE *file, int width, const char *left, const char *right)
{
    int columns = terminal_columns(file, TERMINAL_USUAL), indent = width + 4;
    if ((int)strlen(left) > width) {
        fprintf(file, "  ");
        flow_print(file, columns, 2, 4, left);
        fprintf(file, "%*s", indent, "");
    } else {
        fprintf(file, "  %-*s  ", width, left);
    }
    flow_print(file, columns, indent, indent, right);
}

struct pair {
    const char *left, *right;
};

static void print_pairs(FILE *file, const struct pair *pairs, int count)
{
    int width = 0;
    for (int i = 0; i < count; i++) {
        int length = (int)strlen(pairs[i].left);
        if (length > width && length <= HELP_COLUMN_MAX)
            width = length;
    }
    for (int i = 0; i < count; i++)
        print_pair(file, width, pairs[i].left, pairs[i].right);
}

// "--name N".
static const char *option_usage(const struct option *option, struct arena *arena)
{
    static const char *const values[] = {
        [OPTION_INT] = " N", [OPTION_REAL] = " X", [OPTION_BOOL] = "", [OPTION_CHOICE] = " WORD", [OPTION_TEXT] = " TEXT",
    };
    const char *name = verb_option_name(option, arena);
    if (option->type == OPTION_TEXT && option->unit)
        return arena_format(arena, "%s %s", name, option->unit);
    return arena_format(arena, "%s%s", name, values[option->type]);
}

// The help, then range, unit, default and what it goes with in brackets, as far as they say something.
static const char *option_explanation(const struct option *option, struct arena *arena)
{
    struct text text = {0};
    const char *separator = " (";
    text_add(&text, "%s", option->help);
    if (option->type == OPTION_CHOICE || option->min != 0 || option->max != 0 || option->above_min) {
        text_add(&text, "%s", separator);
        option_print_range(option, &text);
        separator = "; ";
    }
    if (option->type != OPTION_TEXT && option->type != OPTION_BOOL && option->unit) {
        text_add(&text, "%s%s", *separator == ';' ? " " : separator, option->unit);
        separator = "; ";
    }
    if (option->type != OPTION_BOOL && option->fallback && *option->fallback) {
        text_add(&text, "%sdefault %s", separator, option->fallback);
        separator = "; ";
    }
    if (option->goes_with) {
        text_add(&text, "%swith %s", separator, option->goes_with);
        separator = "; ";
    }
    if (*separator == ';')
        text_add(&text, ")");
    return text_keep(&text, arena);
}

static int count_options(const struct option *options)
{
    int count = 0;
    while (options && options[count].name)
        count++;
    return count;
}

static const char *verb_usage(const struct verb *verb, struct arena *arena)
{
    return verb->words_help ? arena_format(arena, "%s %s", verb->name, verb->words_help) : verb->name;
}

void help_print_verb(const struct verb *verb, FILE *file)
{
    struct arena arena = {0};
    int count = 0;
    struct pair *pairs =
        arena_allocate(&arena, (size_t)(count_options(verb->options) + count_options(common_options)) + 1, sizeof *pairs);
    for (const struct option *option = verb->options; option && option->name; option++)
        pairs[count++] = (struct pair){option_usage(option, &arena), option_explanation(option, &arena)};
    for (const struct option *option = common_options; option->name; option++)
        if (verb_takes(verb, option))
            pairs[count++] = (struct pair){option_usage(option, &arena), option_explanation(option, &arena)};
    terminal_print(file, "ablate %s: %s", verb->name, verb->summary);
    fprintf(file, "\n");
    terminal_print(file, "usage: ablate %s [OPTIONS]", verb_usage(verb, &arena));
    fprintf(file, "\n");
    print_pairs(file, pairs, count);
    fprintf(file, "\nfor example: %s\n", verb->example);
    arena_close(&arena);
}

// The verbs whose examples make a first visit, where they are built in.
static void print_first_steps(FILE *file)
{
    static const char *const first[] = {"list", "describe", "run", "compare", "report"};
    fprintf(file, "\nFirst steps:\n");
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        for (const struct verb *const *verb = verbs; *verb; verb++)
            if (!strcmp((*verb)->name, first[i]))
                fprintf(file, "  %s\n", (*verb)->example);
}

void help_print_program(FILE *file)
{
    struct arena arena = {0};
    int count = 0;
    for (const struct verb *const *verb = verbs; *verb; verb++)
        count++;
    struct pair *pairs = arena_allocate(&arena, (size_t)count, sizeof *pairs);
    count = 0;
    for (const struct verb *const *verb = verbs; *verb; verb++)
        if (!(*verb)->hidden)
            pairs[count++] = (struct pair){verb_usage(*verb, &arena), (*verb)->summary};
    fprintf(file, "ablate: what a design choice of a Transformer language model is worth, with\n"
                  "error bars, on this machine\n\n"
                  "usage: ablate VERB [WORDS] [OPTIONS]\n\n");
    print_pairs(file, pairs, count);
    fprintf(file, "\nablate VERB --help prints what a verb takes, with an example.\n");
    print_first_steps(file);
    arena_close(&arena);
}
