// test_table.c: a table's cells may hold anything, and each format must give them back.
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"

static const struct column columns[] = {{.name = "name"},
                                        {.name = "tokens_per_s", .heading = "tok/s", .number = true},
                                        {.name = "note"}};

static char *printed(const struct table *table, enum output_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    table_print(table, format, file);
    fclose(file);
    return text;
}

static void add(struct table *table, const char *name, const char *number, const char *note)
{
    table_row(table);
    table_cell(table, 0, "%s", name);
    table_cell(table, 1, "%s", number);
    if (note)
        table_cell(table, 2, "%s", note);
}

static void expect_printed(struct table *table, enum output_format format, const char *want)
{
    char *text = printed(table, format);
    cr_expect_str_eq(text, want, "got:\n%s", text);
    free(text);
    table_close(table);
}

// Numbers end under each other, words begin under each other, and a letter is one column whatever its bytes.
Test(table, text_is_aligned)
{
    struct table table;
    table_open(&table, columns, 3);
    add(&table, "é", "9", "x");
    add(&table, "(base)", "12345", NULL);
    expect_printed(&table, OUTPUT_TEXT, "name    tok/s  note\né           9  x\n(base)  12345\n");
}

// Without a terminal a line has 80 columns. What may wrap does, at spaces, the widest column first, and begins under itself
// again; a word that is longer than its column is left whole.
Test(table, long_text_wraps_in_its_column)
{
    static const struct column wrapped[] = {{.name = "name"}, {.name = "help", .wraps = true}, {.name = "n", .number = true}};
    struct table table;
    unsetenv("COLUMNS");
    table_open(&table, wrapped, 3);
    add(&table, "window", "keys that a query sees on its own side, the query's own included, and no more than that", "64");
    add(&table, "b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \xc3\xa9", "1");
    expect_printed(&table, OUTPUT_TEXT,
                   "name    help                                                                   n\n"
                   "window  keys that a query sees on its own side, the query's own included,     64\n"
                   "        and no more than that\n"
                   "b       aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa   1\n"
                   "        \xc3\xa9\n");
}

// A long name leaves the numbers their columns; a column that says nothing takes none.
Test(table, long_names_stand_alone_and_empty_columns_are_left_out)
{
    char name[71] = "";
    struct table table;
    unsetenv("COLUMNS");
    memset(name, 'n', 70);
    table_open(&table, columns, 3);
    add(&table, name, "12", NULL);
    add(&table, "short", "345678", NULL);
    char *text = printed(&table, OUTPUT_TEXT), *line = text;
    cr_expect(!strncmp(line, "name ", 5) && !strstr(line, "note"), "%s", text);
    for (; *line; line += strcspn(line, "\n") + 1)
        cr_expect_leq(strcspn(line, "\n"), 80, "%s", line);
    free(text);
    table_close(&table);
}

// What tells no row from another costs people no width; programs get every column.
Test(table, what_is_the_same_in_all_rows_is_said_once)
{
    static const struct column folding[] = {{.name = "name"},
                                            {.name = "tries", .number = true, .usual = "1"},
                                            {.name = "commit", .folds = true}};
    struct table table;
    unsetenv("COLUMNS");
    table_open(&table, folding, 3);
    add(&table, "a", "1", "0a1b");
    add(&table, "b", "1", "0a1b");
    char *csv = printed(&table, OUTPUT_CSV);
    cr_expect_str_eq(csv, "name,tries,commit\r\na,1,0a1b\r\nb,1,0a1b\r\n");
    free(csv);
    expect_printed(&table, OUTPUT_TEXT, "name\na\nb\ncommit: 0a1b\n");
    table_open(&table, folding, 3);
    add(&table, "a", "1", "0a1b");
    add(&table, "b", "2", "ffff");
    expect_printed(&table, OUTPUT_TEXT, "name  tries  commit\na         1  0a1b\nb         2  ffff\n");
}

// A failure's text comes from outside: it must neither break the row nor speak to the terminal.
Test(table, text_is_harmless)
{
    struct table table;
    table_open(&table, columns, 3);
    add(&table, "a\nb", "1", "\033[2J");
    expect_printed(&table, OUTPUT_TEXT, "name  tok/s  note\na?b       1  ?[2J\n");
}

// RFC 4180: quotes around separators, quotes and line ends; quotes doubled; lines end in CR LF.
Test(table, csv_is_quoted)
{
    struct table table;
    table_open(&table, columns, 3);
    add(&table, "sliding(window=64, dilation=2)", "1.5", "say \"yes\"\nor no");
    add(&table, "plain", "", NULL);
    expect_printed(
        &table, OUTPUT_CSV,
        "name,tokens_per_s,note\r\n\"sliding(window=64, dilation=2)\",1.5,\"say \"\"yes\"\"\nor no\"\r\nplain,,\r\n");
}

// One object a line with the columns' names; what is not there, or not finite, is null.
Test(table, json_has_a_row_a_line)
{
    struct table table;
    table_open(&table, columns, 3);
    add(&table, "a\"b\\", "0.1", "");
    add(&table, "b", "nan", NULL);
    add(&table, "c", "-inf", NULL);
    add(&table, "d", "9007199254740993", NULL); // 2^53 + 1: no double holds it
    expect_printed(&table, OUTPUT_JSON,
                   "{\"name\": \"a\\\"b\\\\\", \"tokens_per_s\": 0.1, \"note\": \"\"}\n"
                   "{\"name\": \"b\", \"tokens_per_s\": null, \"note\": null}\n"
                   "{\"name\": \"c\", \"tokens_per_s\": null, \"note\": null}\n"
                   "{\"name\": \"d\", \"tokens_per_s\": 9007199254740993, \"note\": null}\n");
}

// Bytes that are no UTF-8 are no JSON; the line must still parse.
Test(table, json_always_parses)
{
    struct table table;
    table_open(&table, columns, 3);
    add(&table, "\xff\xfe\x01", "1e400", "\t");
    add(&table, "", "12 apples", "\x7f");
    char *text = printed(&table, OUTPUT_JSON);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        json_error_t why;
        json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, &why);
        cr_expect(json_is_object(row), "%s: %s", why.text, line);
        cr_expect_eq(json_object_size(row), 3);
        json_decref(row);
    }
    free(text);
    table_close(&table);
}
