// table.h: a table of text cells, printed for people (aligned, and no wider than the terminal where that can be), as CSV, or as
// JSON lines (one object a row). CSV and JSON hold every column; people are spared what tells rows apart nowhere.
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/verb.h"

enum { TABLE_COLUMNS_MAX = 40 };

struct column {
    const char *name;    // the JSON key and CSV heading: "tokens_per_s"
    const char *heading; // for people: "tok/s"; NULL: the name
    bool number;         // right-aligned; a JSON number (non-finite: null), true or false rather than a string
    bool wraps;          // for people: breaks at spaces rather than make a line too long
    bool folds;          // for people: where all rows hold the same, it is said once below the table
    const char *usual;   // for people: a column that holds nothing else is left out
};
struct table {
    const struct column *columns;
    int column_count, row_count, row_capacity;
    char **cells; // [row][column], owned
};
void table_open(struct table *table, const struct column *columns, int column_count);
// Starts a row; cells not set are empty (JSON null).
void table_row(struct table *table);
void table_cell(struct table *table, int column, const char *format, ...) __attribute__((format(printf, 3, 4)));
void table_print(const struct table *table, enum output_format format, FILE *file);
void table_close(struct table *table);

#endif
