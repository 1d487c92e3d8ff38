// find.c: see find.h.
#include "sweep/find.h"

#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "store/view.h"

static bool ends_in(const char *word, const char *end)
{
    size_t length = strlen(word), tail = strlen(end);
    return length > tail && !strcmp(word + length - tail, end);
}

static bool is_path(const char *word) { return strchr(word, '/') || ends_in(word, ".yaml") || ends_in(word, ".yml"); }

// The stored file where it still stands; otherwise its text, written back.
static const char *stored_file(const char *word, struct store *store, const char *database, struct arena *arena,
                               struct error *error)
{
    struct experiment_view view;
    struct error unknown = {0};
    const char *file = NULL;
    if (view_open(store, word, arena, &view, &unknown)) {
        const char *slash = strrchr(database, '/');
        file = view.file;
        if (access(file, R_OK)) {
            file = arena_format(arena, "%.*s%s.yaml", slash ? (int)(slash - database) + 1 : 0, database, view.name);
            if (access(file, F_OK) && !file_replace(file, view.text, strlen(view.text), error))
                file = NULL;
        }
    }
    return file;
}

static void offer_stored(struct nearest *nearest, struct store *store, struct arena *arena)
{
    const char *const *names = NULL;
    struct error unreadable = {0};
    if (store && view_experiments(store, arena, &names, &unreadable))
        for (; *names; names++)
            nearest_offer(nearest, *names);
}

// "experiments/glu.yaml" offers "glu".
static void offer_files(struct nearest *nearest, struct arena *arena)
{
    glob_t files;
    if (!glob("experiments/*.yaml", 0, NULL, &files))
        for (size_t i = 0; i < files.gl_pathc; i++) {
            const char *name = strchr(files.gl_pathv[i], '/') + 1;
            nearest_offer(nearest, arena_format(arena, "%.*s", (int)(strlen(name) - strlen(".yaml")), name));
        }
    globfree(&files);
}

const char *find_experiment(const char *word, const char *database, struct arena *arena, struct error *error)
{
    if (is_path(word))
        return word;
    int before = error->count;
    const char *file = arena_format(arena, "experiments/%s.yaml", word);
    if (!access(file, F_OK))
        return file;
    struct store *store = NULL;
    struct error unreadable = {0}; // a database that is none knows no experiment; running says what is wrong with it
    if (!access(database, F_OK) && store_open(&store, database, STORE_READ, &unreadable))
        file = stored_file(word, store, database, arena, error);
    else
        file = NULL;
    struct nearest nearest;
    nearest_open(&nearest, word);
    offer_files(&nearest, arena);
    offer_stored(&nearest, store, arena);
    store_close(store);
    if (file || error->count > before)
        return file;
    const char *meant = nearest_answer(&nearest);
    if (meant)
        error_request(error, "%s: no experiment of that name under experiments/ or in %s, did you mean \"%s\"?", word, database,
                      meant);
    else
        error_request(error, "%s: no experiment of that name under experiments/ or in %s; give the path of its file", word,
                      database);
    return NULL;
}
