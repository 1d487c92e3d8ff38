// fixture_store.h: a folder of its own for each test, and a small experiment to store in it.
#ifndef TESTS_FIXTURE_STORE_H
#define TESTS_FIXTURE_STORE_H

#include "store/store.h"
#include "store/view.h"

// A fresh folder under /tmp, and the database's path in it.
void store_folder_open(void);
void store_folder_close(void);
extern char store_folder[64], store_path[96];

// Two arms, "(base)" and "lr=2", over seeds first .. first + count - 1; ids are made from (arm, seed), so that two calls share
// the runs that they have in common. Lives to the test's end.
const struct store_experiment *small_experiment(const char *name, const char *text, int64_t first, int count);
// The id of arm 0 or 1 at a seed.
const char *small_id(int arm, int64_t seed);

// Opens or fails the test with what was said.
struct store *must_open(enum store_mode mode);
// A new database that holds small_experiment("small", "text", 1, 2).
struct store *must_make(void);

// Every row of a query as text, "a|b\nc|d\n", by SQLite itself and not through the store. The caller frees.
char *sql_text(const char *path, const char *sql);
// The hash of a file's bytes.
void file_fingerprint(const char *path, char text[HASH_TEXT_SIZE]);

#endif
