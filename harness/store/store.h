// store.h: the database of runs: opened by the one runner that writes, or read-only by any number of readers.
//
// The only code that knows SQLite. It refuses a file that is not a database of ablate, or of another schema version, with what
// to do. Every call that writes is one transaction.
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>

#include "base/error.h"

struct store;

enum store_mode { STORE_READ, STORE_WRITE };

bool store_open(struct store **store, const char *path, enum store_mode mode, struct error *error);
void store_close(struct store *store);

#endif
