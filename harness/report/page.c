// page.c: draws the figures, puts the sections together, writes the page.
#include "report/page.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/gnuplot.h"
#include "report/html.h"
#include "report/page_sections.h"
#include "report/summary.h"

static void add_head(struct page *page)
{
    const struct experiment_view *view = page->comparison->view;
    struct text answer = {0};
    summary_answer(page->comparison, &answer);
    text_add(&page->html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                          "<meta name=\"color-scheme\" content=\"light dark\">\n");
    html_add(&page->html, "<title>%s</title>\n<style>", view->name);
    for (const char *const *piece = page_style; *piece; piece++)
        text_add(&page->html, "%s", *piece);
    text_add(&page->html, "</style>\n</head>\n<body>\n<main>\n<header>\n");
    html_add(&page->html, "<h1>%s</h1>\n", view->name);
    if (view->description && *view->description)
        html_add(&page->html, "<p class=\"about\">%s</p>\n", view->description);
    html_add(&page->html, "<p class=\"lead\">%s</p>\n</header>\n", answer.data);
    text_free(&answer);
}

static bool add_sections(struct page *page, struct error *error)
{
    add_head(page);
    page_controls(page);
    page_answer(page);
    if (!page_claims(page, error) || !page_attentions(page, error))
        return false;
    page_plan(page);
    page_curves(page);
    page_cost(page);
    page_seeds(page);
    if (!page_events(page, error) || !page_provenance(page, error))
        return false;
    page_rerun(page);
    page_limits(page);
    text_add(&page->html, "</main>\n</body>\n</html>\n");
    return true;
}

static bool make_page(const struct figure_source *source, const struct page_commands *commands, const char *folder,
                      struct error *error)
{
    struct arena arena = {0};
    const struct screen_options options = {.memory = true, .parameters = true, .flops = true, .time = true};
    const struct screen screen = {.comparison = source->comparison,
                                  .options = &options,
                                  .width = 1 << 20,
                                  .arena = &arena,
                                  .decimals = screen_decimals(source->comparison, &arena)};
    struct page page = {.source = source,
                        .comparison = source->comparison,
                        .screen = &screen,
                        .commands = commands,
                        .folder = folder,
                        .arena = &arena};
    const char *path = arena_format(&arena, "%s/report.html", folder);
    bool done = add_sections(&page, error) && file_replace(path, page.html.data, page.html.length, error);
    text_free(&page.html);
    arena_close(&arena);
    return done;
}

static bool prepare_all(const struct figure_source *source, const char *folder, struct error *error)
{
    for (const struct figure *figure = figures; figure->name; figure++)
        if (!figure_lacks(figure, source->comparison) && !figure_prepare(figure, source, folder, error))
            return false;
    return true;
}

// One line says why figures are missing, not one for each of them.
static bool draw_all(const struct figure_source *source, const char *folder, struct error *error)
{
    static const char *const terminals[] = {"svg", "pdf"};
    for (const struct figure *figure = figures; figure->name; figure++)
        for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
            if (!figure_lacks(figure, source->comparison) && !figure_draw(figure, folder, terminals[i], false, error))
                return false;
    return true;
}

// Old pictures must not pass for those of today.
static void forget_pictures(const char *folder)
{
    for (const struct figure *figure = figures; figure->name; figure++)
        for (int i = 0; gnuplot_terminals[i]; i++) {
            struct text path = {0};
            text_add(&path, "%s/%s.%s", folder, figure->name, gnuplot_terminals[i]);
            unlink(path.data);
            text_free(&path);
        }
}

bool page_write(const struct figure_source *source, const struct page_commands *commands, const char *folder,
                struct error *error)
{
    struct text pictures = {0};
    text_add(&pictures, "%s/figures", folder);
    bool written = folder_create(folder, error) && prepare_all(source, pictures.data, error);
    if (written) {
        forget_pictures(pictures.data);
        bool drawn = draw_all(source, pictures.data, error);
        written = make_page(source, commands, folder, error) && drawn;
    }
    text_free(&pictures);
    return written;
}

const char *page_folder(const char *database, const char *experiment, struct arena *arena)
{
    const char *parent = store_place(database, arena);
    char *folder = arena_format(arena, "%s/%s", parent, experiment);
    for (char *c = folder + strlen(parent) + 1; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '/' || *c == 0x7f || (*c == '.' && c[-1] == '/'))
            *c = '-';
    return folder;
}
