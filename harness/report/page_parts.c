// page_parts.c: what several sections of the page are made of: a figure with its caption, a table, the line that says its
// source.
#include "report/page_parts.h"

#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "report/html.h"

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
