// verb_bench.c: `ablate bench`: which kind of measurement is meant, by the first word; any other word filters the benchmarks.
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "cli/bench.h"
#include "cli/terminal.h"

static const struct option options[] = {
    {"seconds", OPTION_REAL, offsetof(struct bench_options, seconds), .fallback = "0", .min = 0, .max = 3600, .unit = "seconds",
     .help = "how long to measure: of a repetition, a model, an attention; 0: as usual"},
    {"repetitions", OPTION_INT, offsetof(struct bench_options, repetitions), .fallback = "5", .min = 1, .max = 1000,
     .help = "of each benchmark; rounds of compare are at least 6"},
    {"threads", OPTION_INT, offsetof(struct bench_options, threads), .fallback = "0", .min = 0, .max = 64,
     .help = "of train, models and attention; 0: one for each core. Benchmarks run on one"},
    {"list", OPTION_BOOL, offsetof(struct bench_options, list), .fallback = "false", .help = "prints names, measures nothing"},
    {"bare", OPTION_BOOL, offsetof(struct bench_options, bare), .fallback = "false",
     .help = "times alone: no peaks of the machine, nothing stored"},
    {"plot", OPTION_TEXT, offsetof(struct bench_options, plot), .fallback = "", .unit = "FILE.svg",
     .help = "draws what was measured, attention against length, all else under the roofline; leaves data and script too"},
    {"attention", OPTION_TEXT, offsetof(struct bench_options, attention), .fallback = "", .unit = "COMPONENT", .repeats = true,
     .help = "of `bench attention`; may be repeated; full without it"},
    {"seq", OPTION_TEXT, offsetof(struct bench_options, seq), .fallback = "2048,8192", .unit = "TOKENS,...",
     .help = "of `bench attention`: lengths"},
    {"head_dim", OPTION_INT, offsetof(struct bench_options, head_dim), .fallback = "32", .min = 1, .max = 1024,
     .help = "of `bench attention`, which has 8 heads"},
    {0},
};

static const struct {
    const char *name;
    int words_min, words_max; // itself included
    bool sets;                // takes --set
    bool (*run)(const struct request *request, struct error *error);
    const char *example;
} kinds[] = {
    {"train", 1, 1, true, bench_train, "ablate bench train --set ffn=swiglu"},
    {"models", 1, 1, false, bench_models_table, "ablate bench models"},
    {"attention", 1, 1, false, bench_attention, "ablate bench attention --attention \"sliding(window=256)\" --seq 2048,16384"},
    {"overhead", 1, 1, true, bench_overhead, "ablate bench overhead"},
    {"compare", 3, 4, false, bench_compare, "ablate bench compare ../before/ablate ./ablate op/linear"},
    {"roofline", 1, 2, false, bench_roofline, "ablate bench roofline last --plot roofline.svg"},
};

int bench_threads(const struct bench_options *chosen) { return chosen->threads ? (int)chosen->threads : cpu_cores(); }

void bench_warn(double spread)
{
    if (spread > BENCH_NOISY)
        terminal_print(stderr,
                       "Repetitions differ by %.0f%%: something else keeps this machine busy; measure again when it is idle.",
                       100 * spread);
}

static bool run(const struct request *request, struct error *error)
{
    for (size_t i = 0; request->word_count && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(request->words[0], kinds[i].name)) {
            if (request->word_count < kinds[i].words_min || request->word_count > kinds[i].words_max)
                return error_request(error, "ablate bench %s takes %s. For example: %s", kinds[i].name,
                                     kinds[i].words_max == 1   ? "no word"
                                     : kinds[i].words_max == 2 ? "a set"
                                                               : "two builds or sets",
                                     kinds[i].example);
            if (request->set[0] && !kinds[i].sets)
                return error_request(error, "ablate bench %s takes no --set. For example: %s", kinds[i].name, kinds[i].example);
            return kinds[i].run(request, error);
        }
    if (request->word_count > 1)
        return error_request(error, "ablate bench: one filter at a time, and \"%s\" is a second; (a|b) means either",
                             request->words[1]);
    return bench_suite(request, error);
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
