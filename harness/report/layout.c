// layout.c: see layout.h.
#include "report/layout.h"

#include <string.h>

static bool begins_character(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

int layout_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += begins_character(*text);
    return width;
}

const char *layout_visible(struct arena *arena, const char *text)
{
    char *copy = arena_copy_text(arena, text ? text : "");
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return copy;
}

// ---- Sentences ----------------------------------------------------------------------------------------------------------------

static void next_line(struct flow *flow)
{
    fprintf(flow->file, "\n%*s", flow->indent, "");
    flow->column = flow->indent;
}

// Word by word; a word longer than a line is left to the terminal.
static void put_words(struct flow *flow, const char *text)
{
    bool is_first = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        int width = 0;
        for (size_t i = 0; i < length; i++)
            width += begins_character(text[i]);
        if (!is_first && flow->column + 1 + width > flow->width) {
            next_line(flow);
        } else if (!is_first) {
            fputc(' ', flow->file);
            flow->column++;
        }
        fwrite(text, 1, length, flow->file);
        flow->column += width;
        text += length + (text[length] == ' ');
        is_first = false;
    }
}

void flow_add(struct flow *flow, const char *between, const char *text)
{
    int width = layout_width(text);
    bool is_start = flow->column <= flow->indent;
    if (!is_start && flow->column + layout_width(between) + width > flow->width) {
        next_line(flow);
    } else if (!is_start) {
        fputs(between, flow->file);
        flow->column += layout_width(between);
    }
    if (flow->keep_whole || flow->column + width <= flow->width) {
        fputs(text, flow->file);
        flow->column += width;
    } else {
        put_words(flow, text);
    }
}

void flow_end(struct flow *flow)
{
    fputc('\n', flow->file);
    flow->column = 0;
}

// ---- Columns ------------------------------------------------------------------------------------------------------------------

// Shorter name columns than this are not worth the lines they cost.
enum { NAME_WIDTH_MIN = 12, GAP_WIDE = 2, GAP_NARROW = 1 };

static const struct grid_cell *cell_of(const struct grid *grid, int row, int column)
{
    return &grid->cells[row * grid->column_count + column];
}

static int column_width(const struct grid *grid, int column)
{
    int width = layout_width(grid->columns[column].heading);
    for (int row = 0; row < grid->row_count; row++) {
        int cell = layout_width(cell_of(grid, row, column)->text);
        width = cell > width ? cell : width;
    }
    return width;
}

int grid_width(const struct grid *grid, int name_width, int gap)
{
    int width = name_width;
    for (int column = 1; column < grid->column_count; column++)
        width += gap + column_width(grid, column);
    return width;
}

// Nothing follows the last column on the left, so that lines have no trailing spaces.
static void put_cell(const struct grid_column *column, const struct grid_cell *cell, int width, bool is_last, FILE *file)
{
    int padding = width - layout_width(cell->text);
    if (column->right && padding > 0)
        fprintf(file, "%*s", padding, "");
    if (cell->colour)
        fprintf(file, "%s%s\033[0m", cell->colour, cell->text);
    else
        fputs(cell->text, file);
    if (!column->right && padding > 0 && !is_last)
        fprintf(file, "%*s", padding, "");
}

static void put_row(const struct grid *grid, const struct grid_cell *cells, const int *widths, int gap, FILE *file)
{
    for (int column = 0; column < grid->column_count; column++) {
        bool is_last = column == grid->column_count - 1;
        if (column > 0)
            fprintf(file, "%*s", gap, "");
        if (column == 0 && layout_width(cells[0].text) > widths[0]) {
            fprintf(file, "%s\n%*s", cells[0].text, widths[0], "");
            continue;
        }
        put_cell(&grid->columns[column], &cells[column], widths[column], is_last, file);
    }
    fputc('\n', file);
}

void grid_print(const struct grid *grid, int width, FILE *file)
{
    struct arena arena = {0};
    int *widths = arena_allocate(&arena, (size_t)grid->column_count, sizeof *widths);
    struct grid_cell *headings = arena_allocate(&arena, (size_t)grid->column_count, sizeof *headings);
    for (int column = 0; column < grid->column_count; column++) {
        widths[column] = column_width(grid, column);
        headings[column].text = grid->columns[column].heading;
    }
    int gap = grid_width(grid, widths[0], GAP_WIDE) <= width ? GAP_WIDE : GAP_NARROW;
    int room = width - grid_width(grid, 0, gap);
    if (widths[0] > room)
        widths[0] = room > NAME_WIDTH_MIN ? room : NAME_WIDTH_MIN;
    put_row(grid, headings, widths, gap, file);
    for (int row = 0; row < grid->row_count; row++)
        put_row(grid, cell_of(grid, row, 0), widths, gap, file);
    arena_close(&arena);
}
