// verb_plot.c: `ablate plot`: the figures of an experiment as files, for a talk, a paper or another tool; or of a pattern.
#include <stdio.h>

#include "cli/verb.h"
#include "report/figure.h"
#include "report/figure_pattern.h"
#include "report/gnuplot.h"
#include "report/page.h"

struct plot_options {
    const char *figure, *out, *pattern;
    int64_t seq, seed;
    int format;
    bool log, both_ways;
};

static const struct option options[] = {
    {"figure", OPTION_TEXT, offsetof(struct plot_options, figure), .fallback = "", .unit = "NAME",
     .help = "draws this one alone: pairs, validation-loss, delta, ...; without it all"},
    {"format", OPTION_CHOICE, offsetof(struct plot_options, format), .fallback = "svg", .choices = gnuplot_terminals,
     .help = "pdf is 3.3 inches wide, a column of a paper"},
    {"out", OPTION_TEXT, offsetof(struct plot_options, out), .fallback = "", .unit = "FOLDER",
     .help = "where to write figures, data and scripts; <name>/figures beside the database without it"},
    {"log", OPTION_BOOL, offsetof(struct plot_options, log), .fallback = "false", .help = "a logarithmic horizontal axis"},
    {"pattern", OPTION_TEXT, offsetof(struct plot_options, pattern), .fallback = "", .unit = "ATTENTION",
     .help = "draws who sees whom instead: \"longformer(window=8, globals=2)\", or a list of layers"},
    {"seq", OPTION_INT, offsetof(struct plot_options, seq), .fallback = "64", .min = 1, .max = FIGURE_PATTERN_TIME_MAX,
     .unit = "positions", .help = "length of the sequence in that picture"},
    {"seed", OPTION_INT, offsetof(struct plot_options, seed), .fallback = "1", .min = 0, .max = OPTION_NO_LIMIT,
     .help = "of the random vectors in that picture, where their hashes decide who sees whom"},
    {"both-ways", OPTION_BOOL, offsetof(struct plot_options, both_ways), .fallback = "false",
     .help = "with model.causal=false in that picture"},
    {0},
};

static bool draw(const struct figure *figure, const struct figure_source *source, const struct plot_options *wanted,
                 const char *folder, struct error *error)
{
    const char *format = gnuplot_terminals[wanted->format];
    if (!figure_prepare(figure, source, folder, error) || !figure_draw(figure, folder, format, wanted->log, error))
        return false;
    printf("%s/%s.%s\n", folder, figure->name, format);
    return true;
}

static bool draw_wanted(const struct request *request, const struct figure *only, struct store *store, struct error *error)
{
    const struct plot_options *wanted = request->options;
    struct comparison comparison;
    if (!comparison_open(store, request->words[0], request->arena, &comparison, error))
        return false;
    const struct figure_source source = {.store = store, .comparison = &comparison};
    const char *folder = wanted->out;
    if (!*folder)
        folder =
            arena_format(request->arena, "%s/figures", page_folder(request->database, comparison.view->name, request->arena));
    const char *lack = figure_lacks(only ? only : figures, &comparison);
    if (lack && (only || comparison.finished + comparison.diverged == 0))
        return error_request(error, "%s: nothing to draw, because %s", comparison.view->name, lack);
    if (only)
        return draw(only, &source, wanted, folder, error);
    for (const struct figure *figure = figures; figure->name; figure++) {
        lack = figure_lacks(figure, &comparison);
        if (lack)
            fprintf(stderr, "%s: not drawn, because %s\n", figure->name, lack);
        else if (!draw(figure, &source, wanted, folder, error))
            return false;
    }
    return true;
}

static bool draw_pattern(const struct request *request, struct error *error)
{
    const struct plot_options *wanted = request->options;
    struct run run;
    const char *name, *folder = wanted->out;
    run_defaults(&run, request->arena);
    if (!run_set(&run, "attention", wanted->pattern, request->arena, error))
        return false;
    run.slots[SLOT_DATA] = (struct setting){.count = 1}; // a picture needs none, and text would refuse to be seen both ways
    run.model.n_layer = run.slots[SLOT_ATTENTION].count;
    run.model.seq_len = wanted->seq;
    run.model.causal = !wanted->both_ways;
    run.seed = wanted->seed;
    if (!run_resolve(&run, error))
        return false;
    if (!*folder)
        folder = page_folder(request->database, "patterns", request->arena);
    if (!figure_pattern_draw(&run, folder, gnuplot_terminals[wanted->format], request->arena, &name, error))
        return false;
    printf("%s/%s.%s\n", folder, name, gnuplot_terminals[wanted->format]);
    return true;
}

static bool run(const struct request *request, struct error *error)
{
    const struct plot_options *wanted = request->options;
    if (*wanted->pattern && !request->word_count)
        return draw_pattern(request, error);
    if (*wanted->pattern || !request->word_count)
        return error_request(error, "ablate plot: name an experiment, or a pattern with --pattern, one of the two");
    const struct figure *only = NULL;
    struct store *store;
    if (*wanted->figure && !(only = figure_find(wanted->figure, error)))
        return false;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    bool done = draw_wanted(request, only, store, error);
    store_close(store);
    return done;
}

const struct verb verb_plot = {
    .name = "plot",
    .summary = "draws the figures of an experiment, or of an attention pattern, with data and gnuplot script beside them",
    .words_help = "[FILE|NAME]",
    .words_max = 1,
    .example = "ablate plot demo --figure pairs --format pdf",
    .options = options,
    .options_size = sizeof(struct plot_options),
    .database = true,
    .run = run,
};
