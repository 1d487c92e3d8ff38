// verb_bench.c: `ablate bench`: which kind of measurement is meant, by the first word; any other word filters the benchmarks.
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "cli/bench.h"
#include "cli/terminal.h"

// `goes_with` names kinds as the usage does: FILTER stands for the benchmarks of ops and components.
static const struct option options[] = {
    {"seconds", OPTION_REAL, offsetof(struct bench_options, seconds), .fallback = "0", .min = 0, .max = 3600, .unit = "seconds",
     .help = "how long to measure: of a repetition, a model, an attention; 0: as usual",
     .goes_with = "FILTER, train, models, attention, compare"},
    {"repetitions", OPTION_INT, offsetof(struct bench_options, repetitions), .fallback = "5", .min = 1, .max = 1000,
     .help = "of each benchmark; rounds of compare are at least 6", .goes_with = "FILTER, compare"},
    {"threads", OPTION_INT, offsetof(struct bench_options, threads), .fallback = "0", .min = 0, .max = 64,
     .help = "0: one for each core. Benchmarks run on one", .goes_with = "train, models, attention"},
    {"list", OPTION_BOOL, offsetof(struct bench_options, list), .fallback = "false", .help = "prints names, measures nothing",
     .goes_with = "FILTER"},
    {"bare", OPTION_BOOL, offsetof(struct bench_options, bare), .fallback = "false",
     .help = "times alone: no peaks of the machine, nothing stored", .goes_with = "FILTER"},
    {"plot", OPTION_TEXT, offsetof(struct bench_options, plot), .fallback = "", .unit = "FILE.svg",
     .help = "draws what was measured, attention against length, all else under the roofline; leaves data and script too",
     .goes_with = "FILTER, attention, roofline"},
    {"attention", OPTION_TEXT, offsetof(struct bench_options, attention), .fallback = "", .unit = "COMPONENT", .repeats = true,
     .help = "what to measure; may be repeated; full without it", .goes_with = "attention"},
    {"seq", OPTION_TEXT, offsetof(struct bench_options, seq), .fallback = "2048,8192", .unit = "TOKENS,...",
     .help = "lengths to measure", .goes_with = "attention"},
    {"head_dim", OPTION_INT, offsetof(struct bench_options, head_dim), .fallback = "32", .min = 1, .max = 1024,
     .help = "of each of the 8 heads", .goes_with = "attention"},
    {0},
};
static const char kinds_with_set[] = "FILTER, train, overhead";

struct kind {
    const char *name;
    int words_min, words_max; // itself included
    bool (*run)(const struct request *request, struct error *error);
    const char *example;
};
static const struct kind benchmarks = {"FILTER", 0, 1, bench_suite, "ablate bench '(ffn|norm)/.*seq:256' --json"};
static const struct kind kinds[] = {
    {"train", 1, 1, bench_train, "ablate bench train --set ffn=swiglu"},
    {"models", 1, 1, bench_models_table, "ablate bench models"},
    {"attention", 1, 1, bench_attention, "ablate bench attention --attention \"sliding(window=256)\" --seq 2048,16384"},
    {"overhead", 1, 1, bench_overhead, "ablate bench overhead"},
    {"compare", 3, 4, bench_compare, "ablate bench compare ../before/ablate ./ablate op/linear"},
    {"roofline", 1, 2, bench_roofline, "ablate bench roofline last --plot roofline.svg"},
};

int bench_threads(const struct bench_options *chosen) { return chosen->threads ? (int)chosen->threads : cpu_cores(); }

void bench_warn(double spread)
{
    if (spread > BENCH_NOISY)
        terminal_print(stderr,
                       "Repetitions differ by %.0f%%: something else keeps this machine busy; measure again when it is idle.",
                       100 * spread);
}

static const struct kind *kind_of(const struct request *request)
{
    for (size_t i = 0; request->word_count && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(request->words[0], kinds[i].name))
            return &kinds[i];
    return &benchmarks;
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (; *list; list += strcspn(list, " "), list += strspn(list, " "))
        if (!strncmp(list, word, length) && (list[length] == ',' || !list[length]))
            return true;
    return false;
}

// An option that a kind would not read is refused rather than ignored.
static bool check_option(const struct kind *kind, const char *name, const char *goes_with, struct error *error)
{
    return has_word(goes_with, kind->name) ||
           error_request(error, "ablate bench %s takes no %s, which goes with: %s. For example: %s", kind->name, name,
                         goes_with, kind->example);
}

static bool check_options(const struct kind *kind, const struct request *request, struct error *error)
{
    bool done = !request->set[0] || check_option(kind, "--set", kinds_with_set, error);
    for (const struct option *option = options; option->name; option++)
        if (!option_is_default(option, request->options))
            done = check_option(kind, verb_option_name(option, request->arena), option->goes_with, error) && done;
    return done;
}

static bool run(const struct request *request, struct error *error)
{
    const struct kind *kind = kind_of(request);
    if (kind == &benchmarks && request->word_count > 1)
        return error_request(error, "ablate bench: one filter at a time, and \"%s\" is a second; (a|b) means either",
                             request->words[1]);
    if (request->word_count < kind->words_min || request->word_count > kind->words_max)
        return error_request(error, "ablate bench %s takes %s. For example: %s", kind->name,
                             kind->words_max == 1   ? "no word"
                             : kind->words_max == 2 ? "a set"
                                                    : "two builds or sets",
                             kind->example);
    return check_options(kind, request, error) && kind->run(request, error);
}

const struct verb verb_bench = {
    .name = "bench",
    .summary = "speed: of every op and component, of training, of attention; compares builds",
    .words_help = "[FILTER | train | models | attention | overhead | compare A B [FILTER] | roofline [SET]]",
    .words_max = 4,
    .example = "ablate bench '(ffn|norm)/.*seq:256' --json",
    .options = options,
    .options_size = sizeof(struct bench_options),
    .tables = true,
    .database = true,
    .sets = true,
    .run = run,
};
