// layout.c: see layout.h.
#include "report/layout.h"

#include <stdlib.h>
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

// ---- Sentences --------------------------------------------------------------------------------------------------------------

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

void flow_print(FILE *file, int width, int column, int indent, const char *text)
{
    struct flow flow = {.file = file, .width = width, .indent = indent, .column = column};
    put_words(&flow, text);
    flow_end(&flow);
}

// ---- Columns ----------------------------------------------------------------------------------------------------------------

// Names and wrapped text in a column narrower than this are not worth the lines they cost.
enum { NAME_WIDTH_MIN = 12, WRAPPED_WIDTH_MIN = 20, GAP_WIDE = 2, GAP_NARROW = 1 };

struct shape {
    bool is_narrow;
    int gap;
    int *widths; // [column_count]
    int total;   // of a line
};

static const struct grid_cell *cell_of(const struct grid *grid, int row, int column)
{
    return &grid->cells[row * grid->column_count + column];
}

static const char *heading_of(const struct grid_column *column, bool is_narrow)
{
    return is_narrow && column->brief ? column->brief : column->heading;
}

static struct shape shape_of(const struct grid *grid, bool is_narrow, struct arena *arena)
{
    struct shape shape = {
        .is_narrow = is_narrow,
        .gap = is_narrow ? GAP_NARROW : GAP_WIDE,
        .widths = arena_allocate(arena, (size_t)grid->column_count, sizeof *shape.widths),
    };
    for (int column = 0; column < grid->column_count; column++) {
        int width = layout_width(heading_of(&grid->columns[column], is_narrow));
        for (int row = 0; row < grid->row_count; row++) {
            int cell = layout_width(cell_of(grid, row, column)->text);
            width = cell > width ? cell : width;
        }
        shape.widths[column] = width;
        shape.total += width + (column > 0 ? shape.gap : 0);
    }
    return shape;
}

int grid_width_least(const struct grid *grid)
{
    struct arena arena = {0};
    struct shape shape = shape_of(grid, true, &arena);
    int width = shape.total - shape.widths[0] + layout_width(heading_of(&grid->columns[0], true));
    arena_close(&arena);
    return width;
}

// What a line takes when no column that wraps is wider than `most`.
static int total_at(const struct grid *grid, const struct shape *shape, int most)
{
    int total = shape->total;
    for (int column = 0; column < grid->column_count; column++)
        if (grid->columns[column].wraps && shape->widths[column] > most)
            total -= shape->widths[column] - most;
    return total;
}

// Takes what is too much from the columns that wrap, the widest first. Leaves the shape alone where that is not enough.
static void wrap_columns(const struct grid *grid, int width, struct shape *shape)
{
    int most = width;
    while (most >= WRAPPED_WIDTH_MIN && total_at(grid, shape, most) > width)
        most--;
    if (most < WRAPPED_WIDTH_MIN)
        return;
    shape->total = total_at(grid, shape, most);
    for (int column = 0; column < grid->column_count; column++)
        if (grid->columns[column].wraps && shape->widths[column] > most)
            shape->widths[column] = most;
}

static void narrow_names(int width, struct shape *shape)
{
    int room = width - (shape->total - shape->widths[0]);
    if (shape->widths[0] <= room || room < NAME_WIDTH_MIN)
        return;
    shape->total = width;
    shape->widths[0] = room;
}

// The bytes of the line that a text begins with: as many words as fit, and at least one, where the column wraps.
static int piece_length(const char *text, int width, bool wraps)
{
    int end = 0;
    for (int column = 0, i = 0;; i++) {
        bool is_over = wraps && column > width && end > 0;
        if (is_over || !text[i])
            return is_over ? end : i;
        if (wraps && text[i] == ' ')
            end = i;
        column += begins_character(text[i]);
    }
}

// One line of a row. `texts` holds what is left of each cell, and is moved on. Spaces wait until something follows them, so
// that no line ends in one. Returns whether anything is left.
static bool put_line(const struct grid *grid, const struct grid_cell *cells, const char **texts, const struct shape *shape,
                     FILE *file)
{
    int spaces = 0;
    bool left = false;
    for (int column = 0; column < grid->column_count; column++) {
        int length = piece_length(texts[column], shape->widths[column], grid->columns[column].wraps), width = 0;
        for (int i = 0; i < length; i++)
            width += begins_character(texts[column][i]);
        int padding = shape->widths[column] - width;
        spaces += column > 0 ? shape->gap : 0;
        if (width == 0) {
            spaces += padding;
            continue;
        }
        const char *text = texts[column], *colour = cells[column].colour;
        texts[column] += length + (text[length] == ' ');
        left = left || *texts[column];
        if (column == 0 && padding < 0) {
            fprintf(file, "%s\n", text);
            spaces = shape->widths[0];
            continue;
        }
        bool is_right = grid->columns[column].right;
        fprintf(file, "%*s%s%.*s%s", spaces + (is_right ? padding : 0), "", colour ? colour : "", length, text,
                colour ? "\033[0m" : "");
        spaces = is_right || padding < 0 ? 0 : padding;
    }
    fputc('\n', file);
    return left;
}

static void put_row(const struct grid *grid, const struct grid_cell *cells, const struct shape *shape, FILE *file)
{
    const char **texts = memory_allocate((size_t)grid->column_count, sizeof *texts);
    for (int column = 0; column < grid->column_count; column++)
        texts[column] = cells[column].text;
    while (put_line(grid, cells, texts, shape, file))
        continue;
    free(texts);
}

void grid_print(const struct grid *grid, int width, FILE *file)
{
    struct arena arena = {0};
    struct grid_cell *headings = arena_allocate(&arena, (size_t)grid->column_count, sizeof *headings);
    struct shape shape = shape_of(grid, false, &arena);
    wrap_columns(grid, width, &shape);
    if (shape.total > width) {
        shape = shape_of(grid, true, &arena);
        wrap_columns(grid, width, &shape);
        narrow_names(width, &shape);
    }
    if (shape.total > width)
        shape = shape_of(grid, false, &arena);
    for (int column = 0; column < grid->column_count; column++)
        headings[column].text = heading_of(&grid->columns[column], shape.is_narrow);
    put_row(grid, headings, &shape, file);
    for (int row = 0; row < grid->row_count; row++)
        put_row(grid, cell_of(grid, row, 0), &shape, file);
    arena_close(&arena);
}
