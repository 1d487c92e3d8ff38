// verb_plot.c: `ablate plot`: the figures of an experiment as files, for a talk, a paper or another tool.
#include <stdio.h>

#include "cli/verb.h"
#include "report/figure.h"
#include "report/gnuplot.h"
#include "report/page.h"

struct plot_options {
    const char *figure, *out;
    int format;
    bool log;
};

static const struct option options[] = {
    {"figure", OPTION_TEXT, offsetof(struct plot_options, figure), .fallback = "", .unit = "NAME",
     .help = "draws this one alone: pairs, validation-loss, delta, ...; without it all"},
    {"format", OPTION_CHOICE, offsetof(struct plot_options, format), .fallback = "svg", .choices = gnuplot_terminals,
     .help = "pdf is 3.3 inches wide, a column of a paper"},
    {"out", OPTION_TEXT, offsetof(struct plot_options, out), .fallback = "", .unit = "FOLDER",
     .help = "where to write figures, data and scripts; <name>/figures beside the database without it"},
    {"log", OPTION_BOOL, offsetof(struct plot_options, log), .fallback = "false", .help = "a logarithmic horizontal axis"},
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
    for (const struct figure *figure = figures; figure->name; figure++)
        if (!figure_lacks(figure, &comparison) && !draw(figure, &source, wanted, folder, error))
            return false;
    return true;
}

static bool run(const struct request *request, struct error *error)
{
    const struct plot_options *wanted = request->options;
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
    .summary = "draws the figures of an experiment, each with its data and gnuplot script beside it",
    .words_help = "FILE|NAME",
    .words_min = 1,
    .words_max = 1,
    .example = "ablate plot demo --figure pairs --format pdf",
    .options = options,
    .options_size = sizeof(struct plot_options),
    .database = true,
    .run = run,
};
