// page.c: draws the figures, puts the sections together, writes the page.
#include "report/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/gnuplot.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/words.h"

// ---- Pieces that sections share ---------------------------------------------------------------------------------------------

static const char *file_of(const struct page *page, const struct figure *figure, const char *ending)
{
    return arena_format(page->arena, "%s/figures/%s.%s", page->folder, figure->name, ending);
}

static const size_t picture_limit = (size_t)64 << 20;

void page_figure(struct page *page, const char *name)
{
    const struct figure *figure = figures;
    while (figure->name && strcmp(figure->name, name) != 0)
        figure++;
    if (figure_lacks(figure, page->comparison))
        return;
    struct error ignored = {0};
    struct bytes svg = {0};
    struct text from = {0};
    text_add(&page->html, "<figure id=\"figure-%s\">\n", figure->name);
    if (!file_read(file_of(page, figure, "svg"), picture_limit, &svg, &ignored) ||
        !html_svg(&page->html, (const char *)svg.data, svg.count, figure->name, figure->title))
        html_add(&page->html, "<div class=\"missing\">%s: not drawn. Its data: figures/%s.tsv</div>\n", figure->title,
                 figure->name);
    figure_provenance(figure, page->comparison, &from);
    html_add(&page->html,
             "<figcaption>%s <br>From: %s. <a href=\"figures/%s.pdf\">PDF</a> <a href=\"figures/%s.svg\">SVG</a> "
             "<a href=\"figures/%s.tsv\">data</a> <a href=\"figures/%s\">script</a></figcaption>\n</figure>\n",
             figure->reading, from.data, figure->name, figure->name, figure->name, figure->script);
    text_free(&from);
    bytes_free(&svg);
}

static const char *verdict_class(enum verdict verdict)
{
    static const char *const classes[] = {[VERDICT_NONE] = "none",
                                          [VERDICT_BETTER] = "better",
                                          [VERDICT_WORSE] = "worse",
                                          [VERDICT_EQUIVALENT] = "equivalent",
                                          [VERDICT_NOT_DISTINGUISHABLE] = "not",
                                          [VERDICT_DIVERGED] = "diverged"};
    return classes[verdict];
}

static void add_cell(struct page *page, const struct grid *grid, int row, int column)
{
    const char *text = grid->cells[row * grid->column_count + column].text;
    const struct comparison_arm *arm = &page->comparison->arms[row];
    if (!strcmp(grid->columns[column].heading, "verdict")) {
        html_add(&page->html, "<td><span class=\"%s\">",
                 verdict_class(arm->diverged ? VERDICT_DIVERGED : arm->difference.verdict));
        html_number(&page->html, text);
        text_add(&page->html, "</span></td>");
        return;
    }
    text_add(&page->html, grid->columns[column].right ? "<td class=\"n\">" : "<td>");
    if (column == 0)
        html_text(&page->html, arm->name);
    else
        html_number(&page->html, text);
    text_add(&page->html, "</td>");
}

void page_grid(struct page *page, const struct grid *grid, int first, int last)
{
    text_add(&page->html, "<div class=\"wide\"><table>\n<thead><tr>");
    for (int column = 0; column <= last; column = column ? column + 1 : first)
        html_add(&page->html, grid->columns[column].right ? "<th class=\"n\">%s</th>" : "<th>%s</th>",
                 grid->columns[column].heading);
    text_add(&page->html, "</tr></thead>\n<tbody>\n");
    for (int row = 0; row < grid->row_count; row++) {
        text_add(&page->html, "<tr>");
        for (int column = 0; column <= last; column = column ? column + 1 : first)
            add_cell(page, grid, row, column);
        text_add(&page->html, "</tr>\n");
    }
    text_add(&page->html, "</tbody></table></div>\n");
}

void page_from(struct page *page, const char *format, ...)
{
    struct text text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&text, format, arguments);
    va_end(arguments);
    html_add(&page->html, "<p class=\"from\">From: %s.</p>\n", text.data);
    text_free(&text);
}

// ---- The page ---------------------------------------------------------------------------------------------------------------

static void add_head(struct page *page)
{
    const struct experiment_view *view = page->comparison->view;
    struct text answer = {0};
    words_answer(page->comparison, &answer);
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

static bool make_page(const struct figure_source *source, const char *folder, struct error *error)
{
    struct arena arena = {0};
    const struct screen_options options = {.memory = true, .parameters = true, .flops = true, .time = true};
    const struct screen screen = {.comparison = source->comparison,
                                  .options = &options,
                                  .width = 1 << 20,
                                  .arena = &arena,
                                  .decimals = screen_decimals(source->comparison, &arena)};
    struct page page = {
        .source = source, .comparison = source->comparison, .screen = &screen, .folder = folder, .arena = &arena};
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

bool page_write(const struct figure_source *source, const char *folder, struct error *error)
{
    struct text pictures = {0};
    text_add(&pictures, "%s/figures", folder);
    bool written = folder_create(folder, error) && prepare_all(source, pictures.data, error);
    if (written) {
        forget_pictures(pictures.data);
        bool drawn = draw_all(source, pictures.data, error);
        written = make_page(source, folder, error) && drawn;
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
