// prose.c: little stories that a seeded grammar tells, with the probability of every byte known.
//
// The embedded data: nothing to download, any amount, readable, and a floor (the mean of `surprise`) that no model can beat.
// Verbs agree with subjects across relative clauses; names and things come back hundreds of bytes later. The source is in
// prose/.
#include "registry/component.h"

#include <inttypes.h>
#include <stdio.h>

#include "prose/source.h"

struct prose_data {
    int64_t bytes, seed;
};

static const struct option options[] = {
    {"bytes", OPTION_INT, offsetof(struct prose_data, bytes), .fallback = "2000000", .min = 100, .max = 1e9, .unit = "bytes",
     .help = "how long the text is, all three parts together"},
    {"seed", OPTION_INT, offsetof(struct prose_data, seed), .fallback = "1", .min = 0, .max = 1e15,
     .help = "which text: runs of every seed read the same one"},
    {0},
};

// Raised when the same options give another text.
enum { TEXT_VERSION = 1 };

static void identity(const void *self, char hash[HASH_TEXT_SIZE])
{
    const struct prose_data *data = self;
    char words[96];
    int length =
        snprintf(words, sizeof words, "prose %d bytes=%" PRId64 " seed=%" PRId64, TEXT_VERSION, data->bytes, data->seed);
    hash_bytes(words, (size_t)length, hash);
}

static bool open_prose(const void *self, struct dataset *dataset, struct error *error)
{
    const struct prose_data *data = self;
    if (!dataset_allocate(dataset, data->bytes, true, error))
        return false;
    struct prose *prose = prose_open();
    prose_write(prose, (uint64_t)data->seed, data->bytes, dataset->tokens, dataset->surprise);
    prose_close(prose);
    dataset->tokens_are_bytes = true;
    identity(self, dataset->hash);
    dataset_split(dataset, data->bytes);
    return true;
}

const struct component data_prose = {
    .slot = SLOT_DATA,
    .name = "prose",
    .version = 1,
    .summary = "little stories from a seeded grammar, with the loss of a perfect model known",
    .source = "the grammar in variants/data/prose/grammar.h",
    .options = options,
    .options_size = sizeof(struct prose_data),
    .accepts = dataset_accepts_next_token,
    .data = {.identity = identity, .open = open_prose},
};
