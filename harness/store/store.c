// store.c: opens a database of ablate, makes a new one, or refuses the file and leaves it as it is.
//
// What it refuses: a file that is not SQLite's, holds something else, is of another schema version, is cut short or changed by
// hand; a second writer. The header is looked at before SQLite touches the file, since opening alone can change a foreign one.
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

const char *const run_state_names[] = {[RUN_PLANNED] = "planned",   [RUN_RUNNING] = "running", [RUN_FINISHED] = "finished",
                                       [RUN_DIVERGED] = "diverged", [RUN_FAILED] = "failed",   NULL};

// ---- One writer -------------------------------------------------------------------------------------------------------------

static int64_t lock_holder(int file)
{
    char text[32] = "";
    int64_t process;
    ssize_t count = pread(file, text, sizeof text - 1, 0);
    if (count > 0)
        text[strcspn(text, "\n")] = '\0';
    return count > 0 && text_to_int(text, &process) && process > 0 ? process : 0;
}

// The kernel takes the lock back when the process ends, however it ends; the file itself stays.
static bool take_lock(struct store *store, struct error *error)
{
    struct text path = {0};
    text_add(&path, "%s.lock", store->path);
    bool done = false;
    store->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (store->lock < 0) {
        error_add(error, "%s: it cannot be made: %s (--db FILE)", path.data, file_trouble(errno));
    } else if (flock(store->lock, LOCK_EX | LOCK_NB)) {
        int64_t process = lock_holder(store->lock);
        if (process)
            error_add(error, "%s: process %lld is writing it. Wait for it, or name another with --db FILE", store->path,
                      (long long)process);
        else
            error_add(error, "%s: another process is writing it. Wait for it, or name another with --db FILE", store->path);
    } else {
        char text[32];
        int count = snprintf(text, sizeof text, "%lld\n", (long long)getpid());
        // The number is for messages alone: the lock holds without it.
        if (ftruncate(store->lock, 0) == 0 && pwrite(store->lock, text, (size_t)count, 0) < 0)
            errno = 0;
        done = true;
    }
    text_free(&path);
    return done;
}

const char *store_place(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    int parent = slash == path ? 1 : slash ? (int)(slash - path) : 0;
    if (strcmp(name, "ablate.db") == 0)
        return parent ? arena_format(arena, "%.*s", parent, path) : ".";
    if (dot && dot > name)
        return arena_format(arena, "%.*s", (int)(dot - path), path);
    return arena_format(arena, "%s.files", path);
}

int64_t store_writer(const char *path)
{
    struct text lock = {0};
    text_add(&lock, "%s.lock", path);
    int file = open(lock.data, O_RDONLY | O_CLOEXEC);
    text_free(&lock);
    if (file < 0)
        return 0;
    int64_t process = 0;
    if (flock(file, LOCK_SH | LOCK_NB)) {
        process = lock_holder(file);
        process = process ? process : -1;
    }
    close(file);
    return process;
}

// ---- Whose file it is -------------------------------------------------------------------------------------------------------

// A file: address in which the path stands for itself.
static void add_address(struct text *address, const char *path, const char *parameters)
{
    text_add(address, "file:");
    for (; *path; path++)
        text_add(address, strchr("%?#", *path) ? "%%%02X" : "%c", (unsigned char)*path);
    text_add(address, "?%s", parameters);
}

static int open_address(struct store *store, const char *parameters)
{
    struct text address = {0};
    database_close(store);
    add_address(&address, store->path, parameters);
    int result = sqlite3_open_v2(address.data, &store->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    text_free(&address);
    return result;
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Offsets of the SQLite file format, section 1.3: page size at 16, user_version at 60, application_id at 68.
enum { HEADER_SIZE = 100, HEADER_PAGE = 16, HEADER_VERSION = 60, HEADER_APPLICATION = 68 };

static bool refuse_version(const struct store *store, int64_t version, struct error *error)
{
    return error_request(error,
                         "%s: a database of %s version of ablate (schema %lld, this program has %d). %s, or name another "
                         "with --db FILE",
                         store->path, version < STORE_VERSION ? "an older" : "a newer", (long long)version, STORE_VERSION,
                         version < STORE_VERSION ? "Read it with the program that wrote it" : "Update the program");
}

static bool has_unmerged_rows(const struct store *store)
{
    struct text path = {0};
    struct stat status;
    text_add(&path, "%s-wal", store->path);
    bool has = stat(path.data, &status) == 0 && status.st_size > 0;
    text_free(&path);
    return has;
}

static bool check_header(const struct store *store, const unsigned char *header, int64_t size, struct error *error)
{
    static const char magic[16] = "SQLite format 3";
    if (size < (int64_t)sizeof magic || memcmp(header, magic, sizeof magic) != 0)
        return error_request(error, "%s: not a database. Name another with --db FILE", store->path);
    // SQLite itself would take a last page that is there by half; while rows wait beside the file it may be one being written.
    int64_t page = (int64_t)header[HEADER_PAGE] << 8 | header[HEADER_PAGE + 1];
    if (size < HEADER_SIZE || page < 2 || (size % page != 0 && !has_unmerged_rows(store)))
        return error_request(error, "%s: a damaged database, cut short. Restore a copy, or name another with --db FILE",
                             store->path);
    if (big_endian(header + HEADER_APPLICATION) != STORE_APPLICATION)
        return error_request(error, "%s: not a database of ablate (it holds something else). Name another with --db FILE",
                             store->path);
    uint32_t version = big_endian(header + HEADER_VERSION);
    return version == STORE_VERSION || refuse_version(store, version, error);
}

// Reads through SQLite's own file, unlocked: closing one of our own would drop the locks this process holds on the database.
static bool read_header(struct store *store, unsigned char *header, sqlite3_int64 *size, struct error *error)
{
    struct store file = {.path = store->path, .lock = -1};
    sqlite3_file *pages = NULL;
    int result = open_address(&file, "mode=ro&immutable=1");
    if (result == SQLITE_OK)
        result = sqlite3_file_control(file.database, "main", SQLITE_FCNTL_FILE_POINTER, &pages);
    if (result == SQLITE_OK)
        result = pages->pMethods->xFileSize(pages, size);
    if (result == SQLITE_OK && *size > 0)
        result = pages->pMethods->xRead(pages, header, HEADER_SIZE, 0);
    bool done = result == SQLITE_OK || result == SQLITE_IOERR_SHORT_READ;
    if (!done)
        error_add(error, "%s: it cannot be read. Name another with --db FILE", store->path);
    database_close(&file);
    return done;
}

// `is_new`: there is no file, or an empty one, as a creation that was killed leaves it.
static bool check_file(struct store *store, bool *is_new, struct error *error)
{
    unsigned char header[HEADER_SIZE] = {0};
    struct stat status;
    sqlite3_int64 size = 0;
    *is_new = stat(store->path, &status) && errno == ENOENT;
    if (*is_new)
        return true;
    if (access(store->path, R_OK))
        return error_request(error, "%s: it cannot be read: %s. Name another with --db FILE", store->path, file_trouble(errno));
    if (!S_ISREG(status.st_mode))
        return error_request(error, "%s: not a file. Name another with --db FILE", store->path);
    if (!read_header(store, header, &size, error))
        return false;
    *is_new = size == 0;
    return size == 0 || check_header(store, header, size, error);
}

// The tables that schema.sql makes, as SQLite keeps them; what a user added beside them is fine.
static bool check_schema(struct store *store, struct error *error)
{
    struct store model = {.path = store->path, .lock = -1};
    struct query ours, theirs;
    bool done = false;
    if (sqlite3_open(":memory:", &model.database) != SQLITE_OK) {
        done = store_trouble(&model, error);
        goto cleanup;
    }
    if (!store_execute(&model, store_schema, error))
        goto cleanup;
    done = true;
    query_open(&ours, &model, error, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", "");
    while (done && query_next(&ours)) {
        query_open(&theirs, store, error, "SELECT 1 FROM sqlite_schema WHERE name = ? AND sql = ?", "tt", query_text(&ours, 0),
                   query_text(&ours, 1));
        bool same = query_next(&theirs);
        done = query_close(&theirs);
        if (done && !same)
            done =
                error_request(error,
                              "%s: its \"%s\" is not that of schema %d: damaged, or changed by hand. Restore a copy, or name "
                              "another with --db FILE",
                              store->path, query_text(&ours, 0), STORE_VERSION);
    }
    done = query_close(&ours) && done;
cleanup:
    database_close(&model);
    return done;
}

// ---- Opening ----------------------------------------------------------------------------------------------------------------

static bool configure(struct store *store, struct error *error)
{
    // A file may claim anything: its own functions and malformed pages are not believed.
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(store->database, STORE_PATIENCE);
    return store_execute(store, "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON; PRAGMA synchronous=NORMAL;", error);
}

// Tables and header numbers become one transaction, before WAL, so that the file is either nothing or whole.
static bool create(struct store *store, struct error *error)
{
    struct text sql = {0};
    text_add(&sql, "%s\nPRAGMA application_id=%d; PRAGMA user_version=%d;", store_schema, STORE_APPLICATION, STORE_VERSION);
    bool done = store_start(store, error);
    if (done)
        done = store_finish(store, store_execute(store, sql.data, error), error);
    text_free(&sql);
    return done;
}

static bool open_folder(const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return true;
    struct text folder = {0};
    text_add_bytes(&folder, path, (size_t)(slash - path));
    bool done = folder_create(folder.data, error);
    text_free(&folder);
    return done;
}

static bool open_writer(struct store *store, struct error *error)
{
    bool is_new;
    // The file is looked at first, so that a refused one gets no lock beside it, and again under the lock.
    if (!check_file(store, &is_new, error) || !open_folder(store->path, error) || !take_lock(store, error) ||
        !check_file(store, &is_new, error))
        return false;
    int result = sqlite3_open_v2(store->path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    bool done = result == SQLITE_OK || store_trouble(store, error);
    if (done && sqlite3_db_readonly(store->database, "main") == 1)
        done = error_add(error, "%s: a read-only file. Name another with --db FILE", store->path);
    done = done && configure(store, error) && (!is_new || create(store, error)) && check_schema(store, error) &&
           store_execute(store, "PRAGMA journal_mode=WAL", error);
    if (!done && is_new) {
        database_close(store);
        unlink(store->path);
    }
    return done;
}

static int open_and_read(struct store *store, const char *parameters)
{
    int result = open_address(store, parameters);
    return result == SQLITE_OK ? sqlite3_exec(store->database, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL) : result;
}

// In a read-only folder SQLite cannot make the shared memory that readers of a WAL database need; then the file is read as one
// that nobody changes, which is right unless rows still wait beside it.
static bool open_reader(struct store *store, struct error *error)
{
    bool is_new;
    if (!check_file(store, &is_new, error))
        return false;
    if (is_new)
        return error_request(error, "%s: no database is there yet. `ablate run` makes one; or name another with --db FILE",
                             store->path);
    int result = open_and_read(store, "mode=ro");
    if ((result & 0xff) == SQLITE_CANTOPEN || (result & 0xff) == SQLITE_READONLY) {
        if (has_unmerged_rows(store))
            return error_add(error,
                             "%s: its newest rows wait in %s-wal and its folder is read-only. Copy both and read the copy",
                             store->path, store->path);
        result = open_and_read(store, "mode=ro&immutable=1");
    }
    return (result == SQLITE_OK || store_trouble(store, error)) && configure(store, error) && check_schema(store, error);
}

bool store_open(struct store **store, const char *path, enum store_mode mode, struct error *error)
{
    struct store *opened = memory_allocate(1, sizeof *opened);
    *opened = (struct store){.path = memory_copy_text(path), .lock = -1};
    bool done = mode == STORE_WRITE ? open_writer(opened, error) : open_reader(opened, error);
    if (!done) {
        store_close(opened);
        opened = NULL;
    }
    *store = opened;
    return done;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    database_close(store);
    if (store->lock >= 0)
        close(store->lock);
    free(store->path);
    free(store);
}
