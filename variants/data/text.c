// text.c: the bytes of a file, or of every regular file of a folder, as tokens.
//
// Folders are read recursively in the order of their names (bytes compared); hidden files and folders and links inside are left
// out. The first 90% are the train part, then 5% validation and 5% test, as is the custom for enwik8. Refused: what is missing,
// empty, unreadable, neither file nor folder, or larger than memory should be asked for.
#include "registry/component.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 1 << 20, READ_SIZE = 1 << 16 };
static const int64_t BYTES_MAX = (int64_t)1 << 32;

struct text_data {
    const char *path;
    int64_t bytes;
};

static const struct option options[] = {
    {"path", OPTION_TEXT, offsetof(struct text_data, path), .fallback = "experiments/data/tinyshakespeare.txt",
     .help = "a file, or a folder whose files are read in the order of their names"},
    {"bytes", OPTION_INT, offsetof(struct text_data, bytes), .fallback = "0", .min = 0, .max = (double)((int64_t)1 << 32),
     .unit = "bytes", .help = "use this many from the beginning; 0: all"},
    {0},
};

// What a walk over the files has in hand.
struct walk {
    const struct text_data *data;
    int64_t limit; // bytes wanted at most
    int64_t count; // seen so far
    int files;
    uint16_t *tokens; // NULL while only counting
};

static bool read_tokens(const char *name, const char *access, struct walk *walk, struct error *error)
{
    unsigned char buffer[READ_SIZE];
    int file = open(access, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return error_request(error, "%s: %s; make it readable or leave it out", name, strerror(errno));
    bool done = true;
    while (walk->count < walk->limit) {
        int64_t room = walk->limit - walk->count;
        ssize_t got = read(file, buffer, room < READ_SIZE ? (size_t)room : READ_SIZE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            done = error_request(error, "%s: it cannot be read: %s", name, strerror(errno));
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            walk->tokens[walk->count + i] = buffer[i];
        walk->count += got;
    }
    close(file);
    return done;
}

static bool take_file(const FTSENT *entry, struct walk *walk, struct error *error)
{
    if (++walk->files > FILES_MAX)
        return error_request(error, "%s: more than %d files; name a smaller folder", walk->data->path, FILES_MAX);
    if (walk->tokens)
        return read_tokens(entry->fts_path, entry->fts_accpath, walk, error);
    walk->count += entry->fts_statp->st_size;
    return true;
}

static bool take_entry(FTS *files, FTSENT *entry, struct walk *walk, struct error *error)
{
    const char *name = entry->fts_path;
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.')
            fts_set(files, entry, FTS_SKIP);
        return true;
    case FTS_F:
        if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.')
            return true;
        return take_file(entry, walk, error);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        if (entry->fts_errno == ENOENT)
            return error_request(error, "%s: there is no such file or folder; data.path names the text to learn", name);
        return error_request(error, "%s: %s; make it readable or leave it out", name, strerror(entry->fts_errno));
    default: // links, devices and the like: only worth a word when they are what was asked for
        if (entry->fts_level == FTS_ROOTLEVEL && entry->fts_info != FTS_DP)
            return error_request(error, "%s: neither a file nor a folder; data.path names the text to learn", name);
        return true;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static bool walk_files(struct walk *walk, struct error *error)
{
    char *const paths[] = {(char *)walk->data->path, NULL};
    FTS *files = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!files)
        return error_request(error, "%s: %s", walk->data->path, strerror(errno));
    bool done = true;
    while (done && walk->count < walk->limit) {
        errno = 0;
        FTSENT *entry = fts_read(files);
        if (!entry && errno)
            done = error_request(error, "%s: %s", walk->data->path, strerror(errno));
        if (!entry)
            break;
        done = take_entry(files, entry, walk, error);
    }
    fts_close(files);
    return done;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct text_data *data = self;
    if (!data->path || !data->path[0])
        return error_request(error, "data=text: name a file or a folder: data=text(path=FILE)");
    return dataset_accepts_next_token(self, run, error);
}

// Sizes are only believed for the memory to ask for: a file that shrinks meanwhile gives fewer tokens, one that grows no more.
static bool open_text(const void *self, struct dataset *dataset, struct error *error)
{
    const struct text_data *data = self;
    int64_t limit = data->bytes > 0 && data->bytes < BYTES_MAX ? data->bytes : BYTES_MAX;
    struct walk sizes = {.data = data, .limit = limit + 1};
    if (!walk_files(&sizes, error))
        return false;
    if (sizes.count == 0)
        return error_request(error, "%s: %s; data.path names the text to learn", data->path,
                             sizes.files ? "nothing in it, it is empty" : "no files in this folder");
    if (sizes.count > limit && data->bytes == 0)
        return error_request(error, "%s: more than %" PRId64 " bytes; say how many of them to use: data.bytes=100000000",
                             data->path, BYTES_MAX);
    int64_t wanted = sizes.count < limit ? sizes.count : limit;
    if (!dataset_allocate(dataset, wanted, false, error))
        return false;
    struct walk contents = {.data = data, .limit = wanted, .tokens = dataset->tokens};
    if (!walk_files(&contents, error))
        return false;
    dataset->tokens_are_bytes = true;
    for (int part = 0; part < DATA_PARTS; part++)
        dataset->files[part] = data->path;
    dataset_split(dataset, contents.count);
    return true;
}

const struct component data_text = {
    .slot = SLOT_DATA,
    .name = "text",
    .version = 1,
    .summary = "the bytes of a file, or of a folder's files: 90% train, 5% validation, 5% test",
    .source = "the split of Mahoney's enwik8 benchmark",
    .options = options,
    .options_size = sizeof(struct text_data),
    .accepts = accepts,
    .data = {.open = open_text},
};
