// verb_report.c: `ablate report`: one page an experiment, and its figures as files.
#include <stdio.h>

#include "cli/continuation.h"
#include "report/page.h"

static bool report(const struct request *request, struct store *store, const char *name, struct error *error)
{
    struct comparison comparison;
    if (!comparison_open(store, name, request->arena, &comparison, error))
        return false;
    const char *folder = page_folder(request->database, comparison.view->name, request->arena);
    const struct figure_source source = {.store = store, .comparison = &comparison};
    const struct page_commands commands = {.run = continuation_words(request, store, comparison.view),
                                           .database = request_other_database(request)};
    if (!page_write(&source, &commands, folder, error))
        return false;
    printf("%s/report.html\n", folder);
    return true;
}

// One that goes wrong does not keep the others from their page.
static bool run(const struct request *request, struct error *error)
{
    struct store *store;
    const char *const *names = request->words;
    if (!store_open(&store, request->database, STORE_READ, error))
        return false;
    bool done = request->word_count > 0 || view_experiments(store, request->arena, &names, error);
    if (done && !*names)
        done = error_request(error, "%s: holds no experiment yet; run one first: ablate run demo", request->database);
    for (; names && *names; names++)
        done = report(request, store, *names, error) && done;
    store_close(store);
    return done;
}

const struct verb verb_report = {
    .name = "report",
    .summary = "writes the report of experiments: one self-contained HTML page each, and the figures as SVG and PDF",
    .words_help = "[FILE|NAME...]",
    .words_min = 0,
    .words_max = -1,
    .example = "ablate report demo",
    .database = true,
    .run = run,
};
