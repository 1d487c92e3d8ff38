// test_cli.c: a command line is read by the verb's table: right ones fill the request, wrong ones say what was meant.
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verb.h"

struct probe_options {
    int64_t jobs;
    double limit;
    bool dry_run;
    int order;
    const char *out;
};
static const char *const orders[] = {"seed", "arm", NULL};
static const struct option options[] = {
    {"jobs", OPTION_INT, offsetof(struct probe_options, jobs), .fallback = "1", .min = 1, .max = 64, .unit = "processes",
     .help = "workers side by side"},
    {"limit", OPTION_REAL, offsetof(struct probe_options, limit), .fallback = "60", .help = "patience"},
    {"dry_run", OPTION_BOOL, offsetof(struct probe_options, dry_run), .fallback = "false", .help = "only plans"},
    {"order", OPTION_CHOICE, offsetof(struct probe_options, order), .fallback = "seed", .choices = orders,
     .help = "what goes first"},
    {"out", OPTION_TEXT, offsetof(struct probe_options, out), .fallback = "", .unit = "FILE", .help = "where to"},
    {0},
};
static const struct verb probe = {
    .name = "probe",
    .summary = "a verb of the tests",
    .words_help = "FILE...",
    .words_min = 1,
    .words_max = 2,
    .example = "ablate probe a.yaml",
    .options = options,
    .options_size = sizeof(struct probe_options),
    .tables = true,
    .sets = true,
};

static struct arena arena;
static struct request request;
static struct error error;

static bool parse(const struct verb *verb, int count, const char *const *arguments)
{
    request = (struct request){.arena = &arena};
    error = (struct error){0};
    return request_parse(verb, count, arguments, &request, &error);
}
#define PARSE(...)                                                                                                             \
    parse(&probe, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), (const char *const[]){__VA_ARGS__})

Test(cli, defaults_come_from_the_table)
{
    cr_assert(PARSE("a.yaml"), "%s", error.text);
    const struct probe_options *chosen = request.options;
    cr_expect(chosen->jobs == 1 && chosen->limit == 60 && !chosen->dry_run && chosen->order == 0 && !*chosen->out);
    cr_expect(request.word_count == 1 && !strcmp(request.words[0], "a.yaml") && !request.words[1]);
    cr_expect(request.format == OUTPUT_TEXT && !request.set[0] && !request.plugins[0] && !request.help);
    cr_expect_str_eq(request.database, "results/ablate.db");
}

// Words and options in any order; a value behind a blank or an equals sign; both spellings of a long name.
Test(cli, options_and_words_mix)
{
    cr_assert(PARSE("--jobs", "2", "a", "--limit=8/3", "--dry-run", "--order", "arm", "--out", "-", "b", "--set", "train.lr=1",
                    "--set=ffn=swiglu(ratio=2)", "--json", "--plugin", "x.so"),
              "%s", error.text);
    const struct probe_options *chosen = request.options;
    cr_expect(chosen->jobs == 2 && chosen->limit == 8.0 / 3 && chosen->dry_run && chosen->order == 1);
    cr_expect_str_eq(chosen->out, "-");
    cr_expect(request.word_count == 2 && !strcmp(request.words[1], "b"));
    cr_expect_str_eq(request.set[0], "train.lr=1");
    cr_expect_str_eq(request.set[1], "ffn=swiglu(ratio=2)", "only the first equals sign parts name and value");
    cr_expect_null(request.set[2]);
    cr_expect_str_eq(request.plugins[0], "x.so");
    cr_expect_eq(request.format, OUTPUT_JSON);
}

// A command that is printed to be pasted must reach the verb as it was typed, through a shell.
Test(cli, options_to_repeat_are_quoted_for_a_shell)
{
    cr_assert(PARSE("a", "--set", "train.lr=1", "--set=ffn=swiglu(ratio=2)", "--plugin", "it's.so"), "%s", error.text);
    cr_expect_str_eq(request_again(&request, request.set),
                     " --set train.lr=1 --set 'ffn=swiglu(ratio=2)' --plugin 'it'\\''s.so'");
    request.database = "my runs.db";
    request.set = request.plugins = NULL;
    cr_expect_str_eq(request_again(&request, request.set), " --db 'my runs.db'");
    request.database = DATABASE_DEFAULT;
    cr_expect_str_eq(request_again(&request, request.set), "");
}

// A file may have any name.
Test(cli, two_dashes_end_the_options)
{
    cr_assert(PARSE("--", "--jobs"), "%s", error.text);
    cr_expect_str_eq(request.words[0], "--jobs");
}

static void expect_refused(const char *words)
{
    cr_expect(strstr(error.text, words), "expected \"%s\" in: %s", words, error.text);
    cr_expect(error.is_request, "exit status 2 is for: %s", error.text);
}

// A worker is told its paths as JSON and SQLite keeps text: a byte that is neither would name another file later.
Test(cli, what_a_database_keeps_is_utf8)
{
    struct verb storing = probe;
    storing.database = true;
    cr_expect(parse(&storing, 1, (const char *const[]){"\xc3\xa4.yaml"}), "%s", error.text);
    static const char *const wrong[] = {"\xff.yaml", "\xc3", "\xc0\xaf",
                                        "\xed\xa0\x80"}; // no letter, cut, overlong, a surrogate
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(parse(&storing, 1, &wrong[i]));
        expect_refused("is not UTF-8");
    }
}

Test(cli, wrong_requests_say_what_was_meant)
{
    cr_expect(!PARSE("a", "--jbos", "2"));
    expect_refused("did you mean --jobs");
    cr_expect(!PARSE("a", "--jobs", "99"));
    expect_refused("--jobs: \"99\" is out of range; it takes 1 to 64");
    cr_expect(!PARSE("a", "--jobs"));
    expect_refused("--jobs needs a value");
    cr_expect(!PARSE("a", "--jobs", "--dry-run"));
    expect_refused("--jobs needs a value");
    cr_expect(!PARSE("a", "--order", "sed"));
    expect_refused("did you mean \"seed\"");
    cr_expect(!PARSE("a", "b", "c"));
    expect_refused("\"c\" is one word too many");
    cr_expect(!PARSE("--jobs=2"));
    expect_refused("FILE... is missing");
    cr_expect(!PARSE("a", "--json", "--csv"));
    expect_refused("exclude each other");
    // This verb has no database.
    cr_expect(!PARSE("a", "--db", "x"));
    expect_refused("no option --db");
}

// A person mends a line once, not once per mistake.
Test(cli, all_mistakes_are_reported_at_once)
{
    cr_expect(!PARSE("--jbos", "--limit=fast", "--order=x"));
    cr_expect_eq(error.count, 4, "3 options and a missing word, said in %d lines: %s", error.count, error.text);
}

Test(cli, verbs_are_found_or_meant)
{
    error = (struct error){0};
    cr_expect_not_null(verb_find("list", &error));
    cr_expect_null(verb_find("lsit", &error));
    expect_refused("did you mean \"list\"");
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        if (!(*verb)->hidden)
            continue;
        char typed[64];
        snprintf(typed, sizeof typed, "%.60sx", (*verb)->name);
        error = (struct error){0};
        verb_find(typed, &error);
        cr_expect(!strstr(error.text, "did you mean"), "a hidden verb is offered: %s", error.text);
    }
}

static char *help_of(const struct verb *verb)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (verb)
        help_print_verb(verb, file);
    else
        help_print_program(file);
    fclose(file);
    return text;
}

// Splits an example as a shell does, as far as examples go: blanks, and double or single quotes around a word or a part of it.
static int split(char *line, const char **words, int most)
{
    int count = 0;
    char *to = line;
    for (char *from = line; *from && count < most;) {
        words[count++] = to;
        char quote = 0;
        for (; *from && (quote || *from != ' '); from++) {
            if (quote ? *from == quote : *from == '"' || *from == '\'')
                quote = quote ? 0 : *from;
            else
                *to++ = *from;
        }
        while (*from == ' ')
            from++;
        *to++ = '\0';
    }
    return count;
}

// A terminal has 80 columns unless it says otherwise; only an example, which is to be pasted, may be longer.
Test(cli, help_fits_a_terminal)
{
    unsetenv("COLUMNS");
    for (const struct verb *const *verb = verbs;; verb++) {
        char *help = help_of(*verb), *rest = NULL;
        for (char *line = strtok_r(help, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            cr_expect(strlen(line) <= 80 || strstr(line, "example"), "%s", line);
        free(help);
        if (!*verb)
            break;
    }
}

// What describes all there is, is read most; its texts come from the components, and a longer one must not break a screen.
Test(cli, what_there_is_fits_a_terminal)
{
    static const char *const words[][2] = {{"list", NULL},          {"describe", "scalars"},   {"describe", "train.recompute"},
                                           {"describe", "eval_as"}, {"describe", "attention"}, {"describe", "data"}};
    char line[1024];
    unsetenv("COLUMNS");
    cr_redirect_stdout();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct verb *verb = verb_find(words[i][0], &error);
        cr_assert(parse(verb, words[i][1] != NULL, &words[i][1]), "%s", error.text);
        cr_assert(verb->run(&request, &error), "%s", error.text);
    }
    fflush(stdout);
    FILE *output = cr_get_redirected_stdout();
    int lines = 0;
    for (; lines < 200 && fgets(line, sizeof line, output); lines++)
        cr_expect(strcspn(line, "\n") <= 80 || strstr(line, "for example"), "%s", line);
    cr_expect_eq(lines, 200, "%d lines", lines);
}

// Help that is empty, or whose example is refused, is worse than none: every verb that a person sees explains itself.
Test(cli, every_verb_explains_itself)
{
    setenv("COLUMNS", "1000", 1); // no sentence is broken
    char *overview = help_of(NULL);
    for (const struct verb *const *verb = verbs; *verb; verb++) {
        if ((*verb)->hidden) {
            char line[64];
            snprintf(line, sizeof line, "\n  %s ", (*verb)->name);
            cr_expect(!strstr(overview, line), "the hidden verb %s is in the overview", (*verb)->name);
            continue;
        }
        cr_assert((*verb)->name && (*verb)->summary && (*verb)->example && (*verb)->run, "a verb leaves a fact out");
        cr_expect(strstr(overview, (*verb)->summary), "%s is not in the overview", (*verb)->name);
        char *help = help_of(*verb);
        cr_expect(strstr(help, (*verb)->summary) && strstr(help, (*verb)->example), "the help of %s: %s", (*verb)->name, help);
        for (const struct option *option = (*verb)->options; option && option->name; option++)
            cr_expect(option->help && *option->help && strstr(help, option->help), "%s --%s has no help", (*verb)->name,
                      option->name);
        const char *words[32];
        char *line = memory_copy_text((*verb)->example);
        int count = split(line, words, 32);
        cr_expect(count >= 2 && !strcmp(words[0], "ablate") && !strcmp(words[1], (*verb)->name), "%s", (*verb)->example);
        cr_expect(parse(*verb, count - 2, words + 2), "its own example is refused: %s: %s", (*verb)->example, error.text);
        free(line);
        free(help);
    }
    free(overview);
}
