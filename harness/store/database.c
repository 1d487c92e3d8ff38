// database.c: statements, transactions, and what SQLite's troubles mean for a person. Private to harness/store.
#include "store/database.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"

static bool cannot_write(const struct store *store, struct error *error)
{
    // Only an open that did not work leaves its reason.
    int trouble = (sqlite3_errcode(store->database) & 0xff) == SQLITE_CANTOPEN ? sqlite3_system_errno(store->database) : 0;
    return error_add(error, "%s: it or its folder cannot be written%s%s. Name another with --db FILE", store->path,
                     trouble ? ": " : "", trouble ? file_trouble(trouble) : "");
}

static bool input_output(const struct store *store, int trouble, struct error *error)
{
    return error_add(error,
                     "%s: the machine could not read or write it: %s. What was stored is kept; when that is mended, the same "
                     "command continues",
                     store->path,
                     trouble ? file_trouble(trouble) : "a full disk, a limit on the size of files, or a failing disk");
}

bool store_trouble(const struct store *store, struct error *error)
{
    const char *path = store->path;
    switch (sqlite3_errcode(store->database) & 0xff) {
    case SQLITE_FULL:
        return error_add(error, "%s: the disk is full. Free some space; the same command then continues", path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return cannot_write(store, error);
    case SQLITE_IOERR:
        return input_output(store, sqlite3_system_errno(store->database), error);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_add(error, "%s: another program holds it. Close that, or name another with --db FILE", path);
    case SQLITE_NOMEM:
        return error_add(error, "%s: the machine has no more memory for it. What was stored is kept", path);
    case SQLITE_NOTADB:
        return error_request(error, "%s: not a database. Name another with --db FILE", path);
    case SQLITE_CORRUPT:
        return error_request(error, "%s: a damaged database. Restore a copy, or name another with --db FILE", path);
    default:
        return error_add(error, "%s: %s", path, sqlite3_errmsg(store->database));
    }
}

void database_close(struct store *store)
{
    for (int i = 0; i < STATEMENTS_KEPT; i++)
        sqlite3_finalize(store->kept[i].statement);
    memset(store->kept, 0, sizeof store->kept);
    sqlite3_close(store->database);
    store->database = NULL;
}

bool store_execute(struct store *store, const char *sql, struct error *error)
{
    if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_trouble(store, error);
}

static void fail(struct query *query)
{
    if (!query->failed)
        store_trouble(query->store, query->error);
    query->failed = true;
}

static void bind(struct query *query, const char *types, va_list values)
{
    for (int i = 1; types[i - 1] && !query->failed; i++) {
        int result = SQLITE_MISUSE;
        switch (types[i - 1]) {
        case 't':
            result = sqlite3_bind_text(query->statement, i, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'i':
            result = sqlite3_bind_int64(query->statement, i, va_arg(values, int64_t));
            break;
        case 'r':
            result = sqlite3_bind_double(query->statement, i, va_arg(values, double));
            break;
        }
        if (result != SQLITE_OK)
            fail(query);
    }
}

// The statement of this text that nobody has taken, or else a free place for it; NULL: all are in use.
static struct kept_statement *find_kept(struct store *store, const char *sql)
{
    struct kept_statement *free_place = NULL;
    for (int i = 0; i < STATEMENTS_KEPT; i++) {
        struct kept_statement *kept = &store->kept[i];
        if (kept->statement && !kept->is_taken && strcmp(sqlite3_sql(kept->statement), sql) == 0)
            return kept;
        if (!kept->statement && !free_place)
            free_place = kept;
    }
    return free_place;
}

static void prepare(struct query *query, const char *sql)
{
    struct kept_statement *kept = find_kept(query->store, sql);
    if (kept && kept->statement) {
        query->statement = kept->statement;
    } else if (sqlite3_prepare_v3(query->store->database, sql, -1, kept ? SQLITE_PREPARE_PERSISTENT : 0, &query->statement,
                                  NULL) != SQLITE_OK) {
        fail(query);
        return;
    }
    query->kept = kept;
    if (kept)
        *kept = (struct kept_statement){query->statement, true};
}

static void open_list(struct query *query, struct store *store, struct error *error, const char *sql, const char *types,
                      va_list values)
{
    *query = (struct query){.store = store, .error = error};
    prepare(query, sql);
    bind(query, types, values);
}

void query_open(struct query *query, struct store *store, struct error *error, const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    open_list(query, store, error, sql, types, values);
    va_end(values);
}

void query_again(struct query *query, const char *types, ...)
{
    if (query->failed)
        return;
    va_list values;
    va_start(values, types);
    sqlite3_reset(query->statement);
    bind(query, types, values);
    va_end(values);
}

bool query_next(struct query *query)
{
    if (query->failed)
        return false;
    int result = sqlite3_step(query->statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        fail(query);
    return result == SQLITE_ROW;
}

// A statement that failed is not kept: what state it is in is nobody's concern then.
bool query_close(struct query *query)
{
    bool stays = query->kept && !query->failed;
    if (stays) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    } else {
        sqlite3_finalize(query->statement);
    }
    if (query->kept)
        *query->kept = (struct kept_statement){stays ? query->statement : NULL, false};
    query->statement = NULL;
    query->kept = NULL;
    return !query->failed;
}

bool store_change(struct store *store, struct error *error, const char *sql, const char *types, ...)
{
    struct query query;
    va_list values;
    va_start(values, types);
    open_list(&query, store, error, sql, types, values);
    va_end(values);
    query_next(&query);
    return query_close(&query);
}

bool store_insert_facts(struct store *store, struct error *error, const char *sql, int64_t about, const struct fact *facts)
{
    struct query query;
    query_open(&query, store, error, sql, "");
    for (int64_t i = 0; facts && facts[i].name; i++) {
        query_again(&query, "iitt", about, i, facts[i].name, facts[i].value ? facts[i].value : "unknown");
        query_next(&query);
    }
    return query_close(&query);
}

const char *query_text(const struct query *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query->statement, column);
    return text ? text : "";
}

int64_t query_int(const struct query *query, int column) { return sqlite3_column_int64(query->statement, column); }

double query_real(const struct query *query, int column)
{
    return query_is_null(query, column) ? NAN : sqlite3_column_double(query->statement, column);
}

bool query_is_null(const struct query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL;
}

bool store_start(struct store *store, struct error *error)
{
    return store_change(store, error, store->lock >= 0 ? "BEGIN IMMEDIATE" : "BEGIN", "");
}

// Commits are synced only when the log is merged into the database (synchronous=NORMAL), which is far apart. A pragma for one
// commit would not do: SQLite syncs no commit that changes nothing.
bool store_sync(struct store *store, struct error *error)
{
    sqlite3_file *log = NULL;
    int result = sqlite3_file_control(store->database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log && log->pMethods)
        result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    return result == SQLITE_OK || input_output(store, 0, error);
}

bool store_finish(struct store *store, bool done, struct error *error)
{
    done = done && store_change(store, error, "COMMIT", "");
    // Some troubles end the transaction by themselves; then there is nothing left to roll back.
    if (!done && !sqlite3_get_autocommit(store->database))
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return done;
}
