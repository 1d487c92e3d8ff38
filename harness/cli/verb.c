// verb.c: reads a command line by the verb's option table and the common flags.
//
// It refuses words and options the verb does not take, all at once, each with what was probably meant. Who calls it: main.
#include "cli/verb.h"

#include <string.h>

#include "base/text.h"

const struct option common_options[] = {
    {"set", OPTION_TEXT, offsetof(struct common_flags, set), .fallback = "", .unit = "KEY=VALUE",
     .help = "sets a slot, an option of its component or a scalar; may be repeated"},
    {"db", OPTION_TEXT, offsetof(struct common_flags, database), .fallback = DATABASE_DEFAULT, .unit = "FILE",
     .help = "the database of runs"},
    {"json", OPTION_BOOL, offsetof(struct common_flags, json), .fallback = "false", .help = "prints one JSON object a line"},
    {"csv", OPTION_BOOL, offsetof(struct common_flags, csv), .fallback = "false", .help = "prints comma-separated values"},
    {"plugin", OPTION_TEXT, offsetof(struct common_flags, plugin), .fallback = "", .unit = "FILE",
     .help = "loads a component from a shared object first; may be repeated"},
    {"help", OPTION_BOOL, offsetof(struct common_flags, help), .fallback = "false", .help = "prints this"},
    {0},
};

bool verb_takes(const struct verb *verb, const struct option *common)
{
    switch (common->offset) {
    case offsetof(struct common_flags, set):
        return verb->sets;
    case offsetof(struct common_flags, database):
        return verb->database;
    case offsetof(struct common_flags, json):
    case offsetof(struct common_flags, csv):
        return verb->tables;
    default:
        return true;
    }
}

const char *verb_option_name(const struct option *option, struct arena *arena)
{
    char *name = arena_format(arena, "--%s", option->name);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    return name;
}

const struct verb *verb_find(const char *name, struct error *error)
{
    struct nearest nearest;
    nearest_open(&nearest, name);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        if (!strcmp((*verb)->name, name))
            return *verb;
        if (!(*verb)->hidden)
            nearest_offer(&nearest, (*verb)->name);
    }
    error_request(error, "no verb \"%s\"%s See: ablate --help", name, nearest_suggestion(&nearest).text);
    return NULL;
}

// What parsing gathers before it knows how much there is.
struct parsing {
    const struct verb *verb;
    const char *const *arguments;
    int count, next;
    void *options;
    struct common_flags common;
    const char **words, **set, **plugins; // each [count + 1], so NULL-ended
    int word_count, set_count, plugin_count;
    struct arena *arena;
    struct error *error;
};

// "dry_run" of a table is typed --dry-run; both spellings are read.
static bool same_name(const char *typed, const char *name)
{
    for (; *typed && *name; typed++, name++)
        if (*typed != *name && !(*typed == '-' && *name == '_') && !(*typed == '_' && *name == '-'))
            return false;
    return !*typed && !*name;
}

static const struct option *find_option(const struct parsing *parsing, const char *name, void **target)
{
    struct nearest nearest;
    nearest_open(&nearest, name);
    for (const struct option *option = parsing->verb->options; option && option->name; option++) {
        *target = parsing->options;
        if (same_name(name, option->name))
            return option;
        nearest_offer(&nearest, option->name);
    }
    for (const struct option *option = common_options; option->name; option++) {
        *target = (void *)&parsing->common;
        if (!verb_takes(parsing->verb, option))
            continue;
        if (same_name(name, option->name))
            return option;
        nearest_offer(&nearest, option->name);
    }
    const char *meant = nearest_answer(&nearest);
    if (meant)
        error_request(parsing->error, "ablate %s: no option --%s, did you mean --%s? See: ablate %s --help",
                      parsing->verb->name, name, meant, parsing->verb->name);
    else
        error_request(parsing->error, "ablate %s: no option --%s. See: ablate %s --help", parsing->verb->name, name,
                      parsing->verb->name);
    return NULL;
}

// The text after '=', the next argument, or "true" for a flag; NULL when it is missing.
static const char *option_value(struct parsing *parsing, const struct option *option, const char *equals)
{
    if (equals)
        return equals + 1;
    if (option->type == OPTION_BOOL)
        return "true";
    if (parsing->next < parsing->count && strncmp(parsing->arguments[parsing->next], "--", 2) != 0)
        return parsing->arguments[parsing->next++];
    error_request(parsing->error, "ablate %s: %s needs a value. See: ablate %s --help", parsing->verb->name,
                  verb_option_name(option, parsing->arena), parsing->verb->name);
    return NULL;
}

// What the option held before, if it repeats and was given before, and `value` on a line of its own.
static const char *repeated_value(const struct parsing *parsing, const struct option *option, const char *value)
{
    if (!option->repeats || option_is_default(option, parsing->options))
        return value;
    const char *const *before = (const void *)((const char *)parsing->options + option->offset);
    return arena_format(parsing->arena, "%s\n%s", *before, value);
}

// A mistake names the option as it is typed.
static void set_option(struct parsing *parsing, const struct option *option, void *target, const char *value)
{
    struct option typed = *option;
    typed.name = verb_option_name(option, parsing->arena);
    if (!option_set(&typed, target, value, parsing->arena, parsing->error))
        parsing->error->is_request = true;
}

static void parse_option(struct parsing *parsing, const char *argument)
{
    const char *equals = strchr(argument, '=');
    const char *name = argument;
    if (equals)
        name = arena_format(parsing->arena, "%.*s", (int)(equals - argument), argument);
    void *target;
    const struct option *option = find_option(parsing, name, &target);
    if (!option)
        return;
    const char *value = option_value(parsing, option, equals);
    if (!value)
        return;
    if (target == &parsing->common && option->offset == offsetof(struct common_flags, set))
        parsing->set[parsing->set_count++] = value;
    else if (target == &parsing->common && option->offset == offsetof(struct common_flags, plugin))
        parsing->plugins[parsing->plugin_count++] = value;
    else
        set_option(parsing, option, target, repeated_value(parsing, option, value));
}

static void parse_all(struct parsing *parsing)
{
    bool options_ended = false;
    while (parsing->next < parsing->count) {
        const char *argument = parsing->arguments[parsing->next++];
        if (options_ended || argument[0] != '-' || !argument[1])
            parsing->words[parsing->word_count++] = argument;
        else if (!strcmp(argument, "--"))
            options_ended = true;
        else if (!strcmp(argument, "-h"))
            parsing->common.help = true;
        else
            parse_option(parsing, argument + (argument[1] == '-' ? 2 : 1));
    }
}

static void check_words(const struct parsing *parsing)
{
    const struct verb *verb = parsing->verb;
    if (parsing->word_count < verb->words_min)
        error_request(parsing->error, "ablate %s: %s is missing. For example: %s", verb->name,
                      verb->words_help ? verb->words_help : "a word", verb->example);
    else if (verb->words_max >= 0 && parsing->word_count > verb->words_max)
        error_request(parsing->error, "ablate %s: \"%s\" is one word too many. For example: %s", verb->name,
                      parsing->words[verb->words_max], verb->example);
}

// Databases and messages hold text.
static void check_text(const struct parsing *parsing)
{
    for (int i = 0; i < parsing->count && parsing->verb->database; i++)
        if (!text_is_utf8(parsing->arguments[i]))
            error_request(parsing->error,
                          "ablate %s: \"%s\" is not UTF-8, and a database holds no other text; rename what it names",
                          parsing->verb->name, parsing->arguments[i]);
}

bool request_parse(const struct verb *verb, int count, const char *const *arguments, struct request *request,
                   struct error *error)
{
    struct arena *arena = request->arena;
    size_t room = (size_t)count + 1;
    struct parsing parsing = {
        .verb = verb,
        .arguments = arguments,
        .count = count,
        .options = arena_allocate(arena, 1, verb->options_size),
        .words = arena_allocate(arena, room, sizeof *parsing.words),
        .set = arena_allocate(arena, room, sizeof *parsing.set),
        .plugins = arena_allocate(arena, room, sizeof *parsing.plugins),
        .arena = arena,
        .error = error,
    };
    int before = error->count;
    option_defaults(common_options, &parsing.common, arena);
    if (verb->options)
        option_defaults(verb->options, parsing.options, arena);
    parse_all(&parsing);
    check_words(&parsing);
    check_text(&parsing);
    if (parsing.common.json && parsing.common.csv)
        error_request(error, "ablate %s: --json and --csv exclude each other", verb->name);
    if (verb->database && !*parsing.common.database)
        error_request(error, "ablate %s: --db names no file", verb->name);
    *request = (struct request){
        .words = parsing.words,
        .word_count = parsing.word_count,
        .set = parsing.set,
        .database = parsing.common.database,
        .format = parsing.common.json  ? OUTPUT_JSON
                  : parsing.common.csv ? OUTPUT_CSV
                                       : OUTPUT_TEXT,
        .options = parsing.options,
        .arena = arena,
        .plugins = parsing.plugins,
        .help = parsing.common.help,
    };
    return error->count == before;
}

const char *request_other_database(const struct request *request)
{
    return strcmp(request->database, DATABASE_DEFAULT) != 0 ? request->database : NULL;
}

static void add_each(struct text *text, const char *option, const char *const *values)
{
    for (; values && *values; values++) {
        text_add(text, " --%s ", option);
        text_add_word(text, *values);
    }
}

const char *request_again(const struct request *request, const char *const *set)
{
    struct text text = {0};
    add_each(&text, "db", (const char *const[]){request_other_database(request), NULL});
    add_each(&text, "set", set);
    add_each(&text, "plugin", request->plugins);
    return text_keep(&text, request->arena);
}
