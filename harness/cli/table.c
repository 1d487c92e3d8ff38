// table.c: rows of text cells, printed aligned, as CSV (RFC 4180) or as JSON lines. Who calls it: every verb with `tables`.
#include "cli/table.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"
#include "report/layout.h"

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

// ---- For people -------------------------------------------------------------------------------------------------------------

static const char *heading_of(const struct column *column) { return column->heading ? column->heading : column->name; }

static bool says_something(const struct table *table, int column)
{
    const char *usual = table->columns[column].usual;
    bool says = table->row_count == 0;
    for (int i = 0; i < table->row_count && !says; i++) {
        const char *cell = cell_of(table, i, column);
        says = cell && *cell && !(usual && !strcmp(cell, usual));
    }
    return says;
}

static bool is_folded(const struct table *table, int column)
{
    if (!table->columns[column].folds || table->row_count == 0)
        return false;
    const char *first = cell_of(table, 0, column);
    for (int i = 1; i < table->row_count && first; i++) {
        const char *cell = cell_of(table, i, column);
        first = cell && !strcmp(cell, first) ? first : NULL;
    }
    return first != NULL;
}

// "experiments: demo; commit: 0a1b2c3d4e5f"
static void print_folded(const struct table *table, struct arena *arena, FILE *file)
{
    struct text line = {0};
    for (int j = 0; j < table->column_count; j++)
        if (is_folded(table, j) && says_something(table, j))
            text_add(&line, "%s%s: %s", line.length ? "; " : "", heading_of(&table->columns[j]),
                     layout_visible(arena, cell_of(table, 0, j)));
    if (line.length)
        terminal_print(file, "%s", line.data);
    text_free(&line);
}

// A column that says nothing is left out.
static void print_text(const struct table *table, FILE *file)
{
    struct arena arena = {0};
    struct grid_column columns[TABLE_COLUMNS_MAX];
    struct grid_cell *cells = arena_allocate(&arena, (size_t)table->row_count * (size_t)table->column_count, sizeof *cells);
    int places[TABLE_COLUMNS_MAX], count = 0;
    for (int j = 0; j < table->column_count; j++) {
        const struct column *column = &table->columns[j];
        if (!says_something(table, j) || is_folded(table, j))
            continue;
        columns[count] = (struct grid_column){.heading = heading_of(column), .right = column->number, .wraps = column->wraps};
        places[count++] = j;
    }
    for (int i = 0; i < table->row_count; i++)
        for (int j = 0; j < count; j++)
            cells[i * count + j].text = layout_visible(&arena, cell_of(table, i, places[j]));
    const struct grid grid = {columns, count, table->row_count, cells};
    grid_print(&grid, terminal_columns(file, TERMINAL_USUAL), file);
    print_folded(table, &arena, file);
    arena_close(&arena);
}

// ---- CSV --------------------------------------------------------------------------------------------------------------------

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

// ---- JSON lines -------------------------------------------------------------------------------------------------------------

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
