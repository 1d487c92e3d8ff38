// database.h: what the files of this folder share: the opened database and queries over it. Private to harness/store.
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>

#include "store/store.h"

enum {
    STORE_APPLICATION = 0x41424c54, // "ABLT": says in the file's header whose it is
    STORE_VERSION = 4,              // of schema.sql
    STORE_PATIENCE = 5000,          // milliseconds to wait for another program's lock
    STATEMENTS_KEPT = 64,           // more than the program has
};

// A prepared statement, found again by its text: preparing one costs several times what running it does.
struct kept_statement {
    sqlite3_stmt *statement;
    bool is_taken; // by a query that is open
};

struct store {
    sqlite3 *database;
    char *path;
    int lock; // of the writer; -1 for readers
    struct kept_statement kept[STATEMENTS_KEPT];
};

extern const char store_schema[]; // schema.sql, written by make

// Lets go of the database and the statements kept for it; the store may open another.
void database_close(struct store *store);

// Adds the line for what SQLite last met: which file, what is wrong, what to do. False.
bool store_trouble(const struct store *store, struct error *error);

// Runs statements without values.
bool store_execute(struct store *store, const char *sql, struct error *error);

// A statement with values for its ?s: `types` has one letter each, t text (NULL is NULL), i int64_t, r double (NaN is NULL).
// Opening and going on add what went wrong to `error`, once; after that there are no more rows, and query_close says false.
struct query {
    struct store *store;
    sqlite3_stmt *statement;
    struct kept_statement *kept; // where the statement goes back to; NULL: there was no room
    struct error *error;
    bool failed;
};
void query_open(struct query *query, struct store *store, struct error *error, const char *sql, const char *types, ...);
// The same statement again with other values.
void query_again(struct query *query, const char *types, ...);
bool query_next(struct query *query); // true: there is a row
bool query_close(struct query *query);
// Open, go to the end, close.
bool store_change(struct store *store, struct error *error, const char *sql, const char *types, ...);

// Facts in their order; `sql` inserts (what they are about, position, name, value).
bool store_insert_facts(struct store *store, struct error *error, const char *sql, int64_t about, const struct fact *facts);

// A text column; "" for NULL. Lives until the next row.
const char *query_text(const struct query *query, int column);
int64_t query_int(const struct query *query, int column);
double query_real(const struct query *query, int column); // NaN for NULL
bool query_is_null(const struct query *query, int column);

// BEGIN IMMEDIATE for a writer, BEGIN for a reader (one snapshot); `store_finish` commits when `done`, else rolls back.
bool store_start(struct store *store, struct error *error);
bool store_finish(struct store *store, bool done, struct error *error);

#endif
