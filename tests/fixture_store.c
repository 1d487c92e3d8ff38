// fixture_store.c: see fixture_store.h.
#include "fixture_store.h"
#include "fixture_folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char store_folder[64], store_path[96];

void store_folder_open(void)
{
    folder_make(store_folder);
    snprintf(store_path, sizeof store_path, "%s/runs.db", store_folder);
}

void store_folder_close(void) { folder_remove(store_folder); }

static struct arena arena; // what the experiments of a test point to

const char *small_id(int arm, int64_t seed) { return arena_format(&arena, "%08d%08lld", arm + 1, (long long)seed); }

const struct store_experiment *small_experiment(const char *name, const char *text, int64_t first, int count)
{
    struct store_experiment *experiment = arena_allocate(&arena, 1, sizeof *experiment);
    struct store_arm *arms = arena_allocate(&arena, 2, sizeof *arms);
    int64_t *seeds = arena_allocate(&arena, (size_t)count, sizeof *seeds);
    char *hash = arena_allocate(&arena, HASH_TEXT_SIZE, 1);
    struct run *run = arena_allocate(&arena, 1, sizeof *run);
    static const char *const names[] = {"(base)", "lr=2"}, *const differs[] = {"", "train.lr=2"};
    run_defaults(run, &arena);
    for (int i = 0; i < 2; i++) {
        const char **ids = arena_allocate(&arena, (size_t)count, sizeof *ids);
        for (int j = 0; j < count; j++)
            ids[j] = small_id(i, seeds[j] = first + j);
        arms[i] = (struct store_arm){
            .name = names[i], .differs = differs[i], .is_placebo = i, .match_left = i * 0.03, .run = run, .ids = ids};
    }
    hash_bytes(text, strlen(text), hash);
    *experiment = (struct store_experiment){
        .name = name,
        .file = arena_format(&arena, "experiments/%s.yaml", name),
        .hash = hash,
        .text = arena_copy_text(&arena, text),
        .description = "two arms",
        .match = "params by ffn.d_ff",
        .metric = "val_loss",
        .margin = NAN,
        .arm_count = 2,
        .seed_count = count,
        .seeds = seeds,
        .arms = arms,
    };
    return experiment;
}

struct store *must_open(enum store_mode mode)
{
    struct store *store;
    struct error error = {0};
    cr_assert(store_open(&store, store_path, mode, &error), "%s", error.text);
    return store;
}

struct store *must_make(void)
{
    struct error error = {0};
    struct store *store = must_open(STORE_WRITE);
    cr_assert(store_experiment_save(store, small_experiment("small", "text", 1, 2), &error), "%s", error.text);
    return store;
}

char *sql_text(const char *path, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    struct text text = {0};
    text_add(&text, "%s", "");
    cr_assert_eq(sqlite3_open(path, &database), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *cell = (const char *)sqlite3_column_text(statement, i);
            text_add(&text, "%s%s", i ? "|" : "", cell ? cell : "NULL");
        }
        text_add(&text, "\n");
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return text.data;
}

void file_fingerprint(const char *path, char text[HASH_TEXT_SIZE])
{
    struct bytes bytes;
    struct error error = {0};
    cr_assert(file_read(path, 1 << 24, &bytes, &error), "%s", error.text);
    hash_bytes(bytes.data, bytes.count, text);
    bytes_free(&bytes);
}
