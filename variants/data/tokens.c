// tokens.c: files of token numbers, as nanoGPT and llm.c write them.
//
// nanoGPT: little-endian uint16 and nothing else. llm.c: a header of 256 int32 (magic, version, how many tokens), then uint16
// (magic 20240520, version 1) or uint32 (20240801, 7; read when every token fits 16 bits). The second file is cut into a
// validation and a test half. Refused: headers that do not agree with the file's size, other versions, odd sizes.
#include "registry/component.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

enum { HEADER_WORDS = 256, HEADER_BYTES = HEADER_WORDS * 4 };
static const size_t FILE_BYTES_MAX = (size_t)1 << 32;

struct tokens_data {
    const char *train, *val;
};

static const struct option options[] = {
    {"train", OPTION_TEXT, offsetof(struct tokens_data, train), .fallback = "", .help = "file to train on"},
    {"val", OPTION_TEXT, offsetof(struct tokens_data, val), .fallback = "",
     .help = "held-out file: its first half is the validation part, the rest the test part"},
    {0},
};

// llm.c's two headers; nanoGPT's files have none.
static const struct format {
    int32_t magic, version;
    size_t width;
} formats[] = {{20240520, 1, 2}, {20240801, 7, 4}};

static int32_t header_word(const struct bytes *file, int i)
{
    uint32_t word;
    memcpy(&word, file->data + (size_t)i * 4, 4);
    return (int32_t)le32toh(word);
}

// Where the tokens of a file lie.
struct content {
    const unsigned char *first;
    size_t count, width;
};

static bool find_content(const char *name, const struct bytes *file, struct content *content, struct error *error)
{
    if (file->count == 0)
        return error_request(error, "%s: empty; it should hold tokens as nanoGPT or llm.c write them", name);
    for (size_t i = 0; file->count >= 4 && i < sizeof formats / sizeof *formats; i++) {
        const struct format *format = &formats[i];
        if (header_word(file, 0) != format->magic)
            continue;
        if (file->count < HEADER_BYTES)
            return error_request(error, "%s: it ends inside its header of %d bytes; get the file again", name, HEADER_BYTES);
        if (header_word(file, 1) != format->version)
            return error_request(error, "%s: llm.c's header of version %" PRId32 "; version %" PRId32 " is read here", name,
                                 header_word(file, 1), format->version);
        int64_t claimed = header_word(file, 2);
        if (claimed < 0 || (uint64_t)claimed * format->width != file->count - HEADER_BYTES)
            return error_request(error, "%s: its header claims %" PRId64 " tokens, the file has room for %zu; get it again",
                                 name, claimed, (file->count - HEADER_BYTES) / format->width);
        *content = (struct content){file->data + HEADER_BYTES, (size_t)claimed, format->width};
        return true;
    }
    if (file->count % 2)
        return error_request(error,
                             "%s: %zu bytes are no whole number of 16-bit tokens; is it text? Then use data=text(path=%s)",
                             name, file->count, name);
    *content = (struct content){file->data, file->count / 2, 2};
    return true;
}

static bool copy_tokens(const char *name, const struct content *content, uint16_t *tokens, struct error *error)
{
    for (size_t i = 0; i < content->count; i++) {
        if (content->width == 2) {
            memcpy(&tokens[i], content->first + 2 * i, 2);
            tokens[i] = le16toh(tokens[i]);
            continue;
        }
        uint32_t token;
        memcpy(&token, content->first + 4 * i, 4);
        token = le32toh(token);
        if (token > UINT16_MAX)
            return error_request(error,
                                 "%s: token %" PRIu32 " at position %zu does not fit 16 bits; use a tokenizer of at most "
                                 "65536 tokens",
                                 name, token, i);
        tokens[i] = (uint16_t)token;
    }
    return true;
}

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    const struct tokens_data *data = self;
    if (!data->train || !data->train[0] || !data->val || !data->val[0])
        return error_request(error, "data=tokens: name both files: data=tokens(train=FILE, val=FILE)");
    return dataset_accepts_next_token(self, run, error);
}

static bool open_tokens(const void *self, struct dataset *dataset, struct error *error)
{
    const struct tokens_data *data = self;
    struct bytes train = {0}, val = {0};
    struct content train_content = {0}, val_content = {0};
    bool done = false;
    if (!file_read(data->train, FILE_BYTES_MAX, &train, error) || !find_content(data->train, &train, &train_content, error))
        goto cleanup;
    if (!file_read(data->val, FILE_BYTES_MAX, &val, error) || !find_content(data->val, &val, &val_content, error))
        goto cleanup;
    if (!dataset_allocate(dataset, (int64_t)(train_content.count + val_content.count), false, error))
        goto cleanup;
    if (!copy_tokens(data->train, &train_content, dataset->tokens, error) ||
        !copy_tokens(data->val, &val_content, dataset->tokens + train_content.count, error))
        goto cleanup;
    dataset->files[DATA_TRAIN] = data->train;
    dataset->files[DATA_VALIDATION] = dataset->files[DATA_TEST] = data->val;
    dataset_split_at(dataset, (int64_t)train_content.count, (int64_t)(train_content.count + val_content.count));
    done = true;
cleanup:
    bytes_free(&train);
    bytes_free(&val);
    if (!done)
        error->is_request = true;
    return done;
}

const struct component data_tokens = {
    .slot = SLOT_DATA,
    .name = "tokens",
    .version = 1,
    .summary = "token files of nanoGPT or llm.c: one to train on, one halved into validation and test",
    .source = "the file formats of nanoGPT and llm.c",
    .options = options,
    .options_size = sizeof(struct tokens_data),
    .accepts = accepts,
    .data = {.open = open_tokens},
};
