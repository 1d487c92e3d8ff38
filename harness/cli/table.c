// table.c: rows of text cells, printed aligned, as CSV (RFC 4180) or as JSON lines. Who calls it: every verb with `tables`.
#include "cli/table.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_open(struct table *table, const struct column *columns, int column_count)
{
    if (column_count > TABLE_COLUMNS_MAX)
        abort();
    *table = (struct table){.columns = columns, .column_count = column_count};
}

void table_row(struct table *table)
{
    if (table->row_count == table->row_capacity) {
        table->row_capacity = table->row_capacity ? 2 * table->row_capacity : 32;
        table->cells =
            memory_resize(table->cells, (size_t)table->row_capacity, (size_t)table->column_count * sizeof *table->cells);
    }
    char **row = table->cells + (size_t)table->row_count * (size_t)table->column_count;
    memset(row, 0, (size_t)table->column_count * sizeof *row);
    table->row_count++;
}

void table_cell(struct table *table, int column, const char *format, ...)
{
    if (table->row_count == 0 || column < 0 || column >= table->column_count)
        abort();
    struct text text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_add_list(&text, format, arguments);
    va_end(arguments);
    char **cell = table->cells + (size_t)(table->row_count - 1) * (size_t)table->column_count + column;
    free(*cell);
    *cell = text.data ? text.data : memory_copy_text("");
}

void table_close(struct table *table)
{
    for (size_t i = 0; i < (size_t)table->row_count * (size_t)table->column_count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}

// NULL where the cell was not set.
static const char *cell_of(const struct table *table, int row, int column)
{
    return table->cells[(size_t)row * (size_t)table->column_count + (size_t)column];
}

static const char *heading_of(const struct column *column) { return column->heading ? column->heading : column->name; }

// ---- For people ---------------------------------------------------------------------------------------------------------------

// Columns on a terminal: bytes that begin a UTF-8 character.
static int display_width(const char *cell)
{
    int width = 0;
    for (; *cell; cell++)
        width += ((unsigned char)*cell & 0xc0) != 0x80;
    return width;
}

static void put_spaces(int count, FILE *file)
{
    while (count-- > 0)
        fputc(' ', file);
}

// Stored text may hold anything: a line end would break the row, an escape would speak to the terminal.
static void put_visible(const char *cell, FILE *file)
{
    for (; *cell; cell++)
        fputc((unsigned char)*cell < ' ' || *cell == 127 ? ' ' : *cell, file);
}

// `cells` NULL: the headings. Nothing is written behind the last cell that says something.
static void put_line(const struct table *table, const int *widths, char *const *cells, FILE *file)
{
    int blank = 0; // spaces owed before the next cell
    for (int j = 0; j < table->column_count; j++) {
        const char *cell = cells ? cells[j] ? cells[j] : "" : heading_of(&table->columns[j]);
        int padding = widths[j] - display_width(cell);
        bool number = table->columns[j].number;
        blank += number ? padding : 0;
        if (*cell) {
            put_spaces(blank, file);
            put_visible(cell, file);
            blank = 0;
        }
        blank += (number ? 0 : padding) + 2;
    }
    fputc('\n', file);
}

static void print_text(const struct table *table, FILE *file)
{
    int widths[TABLE_COLUMNS_MAX];
    for (int j = 0; j < table->column_count; j++) {
        widths[j] = display_width(heading_of(&table->columns[j]));
        for (int i = 0; i < table->row_count; i++) {
            const char *cell = cell_of(table, i, j);
            int width = cell ? display_width(cell) : 0;
            widths[j] = width > widths[j] ? width : widths[j];
        }
    }
    put_line(table, widths, NULL, file);
    for (int i = 0; i < table->row_count; i++)
        put_line(table, widths, table->cells + (size_t)i * (size_t)table->column_count, file);
}

// ---- CSV ----------------------------------------------------------------------------------------------------------------------

static void put_csv(const char *cell, FILE *file)
{
    if (!cell[strcspn(cell, ",\"\r\n")]) {
        fputs(cell, file);
        return;
    }
    fputc('"', file);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', file);
        fputc(*cell, file);
    }
    fputc('"', file);
}

static void print_csv(const struct table *table, FILE *file)
{
    for (int j = 0; j < table->column_count; j++) {
        fputs(j ? "," : "", file);
        put_csv(table->columns[j].name, file);
    }
    fputs("\r\n", file);
    for (int i = 0; i < table->row_count; i++) {
        for (int j = 0; j < table->column_count; j++) {
            const char *cell = cell_of(table, i, j);
            fputs(j ? "," : "", file);
            put_csv(cell ? cell : "", file);
        }
        fputs("\r\n", file);
    }
}

// ---- JSON lines ---------------------------------------------------------------------------------------------------------------

static void put_json_string(const char *cell, FILE *file)
{
    json_t *string = json_string(cell);
    if (!string) { // not UTF-8: the bytes outside ASCII are replaced
        char *copy = memory_copy_text(cell);
        for (char *c = copy; *c; c++)
            *c = (unsigned char)*c < 128 ? *c : '?';
        string = json_string(copy);
        free(copy);
    }
    json_dumpf(string, file, JSON_ENCODE_ANY);
    json_decref(string);
}

// The shortest digits of the same value; JSON has no word for a non-finite one.
static void put_json_number(const char *cell, FILE *file)
{
    int64_t whole;
    char *end;
    if (!strcmp(cell, "true") || !strcmp(cell, "false")) {
        fputs(cell, file);
        return;
    }
    if (text_to_int(cell, &whole)) {
        fprintf(file, "%lld", (long long)whole);
        return;
    }
    double value = strtod(cell, &end);
    if (end == cell || *end) {
        put_json_string(cell, file);
    } else if (!isfinite(value)) {
        fputs("null", file);
    } else {
        struct text digits = {0};
        text_add_real(&digits, value);
        fputs(digits.data, file);
        text_free(&digits);
    }
}

static void print_json(const struct table *table, FILE *file)
{
    for (int i = 0; i < table->row_count; i++) {
        for (int j = 0; j < table->column_count; j++) {
            const char *cell = cell_of(table, i, j);
            fputs(j ? ", " : "{", file);
            put_json_string(table->columns[j].name, file);
            fputs(": ", file);
            if (!cell || (table->columns[j].number && !*cell))
                fputs("null", file);
            else if (table->columns[j].number)
                put_json_number(cell, file);
            else
                put_json_string(cell, file);
        }
        fputs("}\n", file);
    }
}

void table_print(const struct table *table, enum output_format format, FILE *file)
{
    static void (*const print[])(const struct table *,
                                 FILE *) = {[OUTPUT_TEXT] = print_text, [OUTPUT_JSON] = print_json, [OUTPUT_CSV] = print_csv};
    print[format](table, file);
}
