// test_data.c: text and token files become the parts that they should, and what is wrong with a file is said by its name.
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture_folder.h"
#include "registry/registry.h"
#include "registry/run.h"

// A folder of its own for each test, gone afterwards.
struct place {
    char folder[FOLDER_PATH_SIZE];
    struct arena arena;
    struct error error;
    struct dataset dataset;
};

static void place_open(struct place *place)
{
    *place = (struct place){0};
    folder_make(place->folder);
}

static void place_close(struct place *place)
{
    dataset_close(&place->dataset);
    arena_close(&place->arena);
    folder_remove(place->folder);
}

static const char *path_of(struct place *place, const char *name)
{
    return arena_format(&place->arena, "%s/%s", place->folder, name);
}

static const char *file_of(struct place *place, const char *name, const void *data, size_t count)
{
    const char *path = path_of(place, name);
    FILE *file = fopen(path, "wb");
    cr_assert(file);
    cr_assert(fwrite(data, 1, count, file) == count);
    fclose(file);
    return path;
}

// Opens a data component as a run would.
static bool open_data(struct place *place, const char *value)
{
    struct choice choice;
    dataset_close(&place->dataset);
    place->error = (struct error){0};
    cr_assert(choice_parse(SLOT_DATA, value, &choice, &place->arena, &place->error), "%s", place->error.text);
    return choice.component->data.open(choice.options.bytes, &place->dataset, &place->error);
}

static void expect_part(const struct place *place, enum data_part part, int64_t begin, int64_t end)
{
    struct span span = place->dataset.parts[part];
    cr_expect(span.begin == begin && span.end == end, "part %d is [%" PRId64 ", %" PRId64 "), not [%" PRId64 ", %" PRId64 ")",
              part, span.begin, span.end, begin, end);
}

// nanoGPT trains on the first 90% of this file, 1003854 bytes; the published losses are for that split. Its checksum is public.
Test(data, tinyshakespeare_is_the_file_and_split_of_the_published_losses)
{
    struct place place;
    struct bytes bytes;
    char hash[HASH_TEXT_SIZE];
    place_open(&place);
    cr_assert(file_read("experiments/data/tinyshakespeare.txt", 1 << 24, &bytes, &place.error), "%s", place.error.text);
    hash_bytes(bytes.data, bytes.count, hash);
    cr_expect_str_eq(hash, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed");
    cr_assert(open_data(&place, "text"), "%s", place.error.text);
    expect_part(&place, DATA_TRAIN, 0, 1003854);
    expect_part(&place, DATA_VALIDATION, 1003854, 1059624);
    expect_part(&place, DATA_TEST, 1059624, 1115394);
    cr_expect(place.dataset.tokens_are_bytes && place.dataset.vocab <= 256);
    for (size_t i = 0; i < bytes.count; i++)
        cr_assert(place.dataset.tokens[i] == bytes.data[i], "byte %zu", i);
    bytes_free(&bytes);
    place_close(&place);
}

// A folder must give the same text on every machine: by name, whatever order the disk has, without editors' hidden files.
Test(data, a_folder_is_read_in_the_order_of_names)
{
    struct place place;
    place_open(&place);
    cr_assert(mkdir(path_of(&place, "c"), 0777) == 0);
    file_of(&place, "b", "second ", 7);
    file_of(&place, "a", "first ", 6);
    file_of(&place, ".f", "hidden", 6);
    file_of(&place, "c/.e", "hidden", 6);
    file_of(&place, "c/d", "third!!", 7);
    static const struct {
        const char *bytes, *want;
    } cases[] = {{"0", "first second third!!"}, {"10", "first seco"}, {"6", "first "}, {"99", "first second third!!"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[32] = "";
        cr_assert(open_data(&place, arena_format(&place.arena, "text(path=%s, bytes=%s)", place.folder, cases[i].bytes)), "%s",
                  place.error.text);
        for (int64_t j = 0; j < place.dataset.parts[DATA_TEST].end && j < 31; j++)
            got[j] = (char)place.dataset.tokens[j];
        cr_expect_str_eq(got, cases[i].want);
    }
    place_close(&place);
}

// One line that names the file, and the exit status of a wrong request.
static void expect_refusal(struct place *place, const char *value, const char *file, const char *reason)
{
    cr_expect(!open_data(place, value), "%s was read", value);
    cr_expect(place->error.count == 1 && place->error.is_request, "%s: %d lines", value, place->error.count);
    cr_expect(strncmp(place->error.text, file, strlen(file)) == 0 && strstr(place->error.text, reason), "%s: %s", value,
              place->error.text);
}

Test(data, what_cannot_be_read_is_said_by_its_name)
{
    struct place place;
    place_open(&place);
    const char *missing = path_of(&place, "a"), *pipe = path_of(&place, "p"), *folder = path_of(&place, "c");
    expect_refusal(&place, arena_format(&place.arena, "text(path=%s)", missing), missing, "there is no such file");
    expect_refusal(&place, "text(path=/dev/null)", "/dev/null", "neither a file nor a folder");
    cr_assert(mkfifo(pipe, 0600) == 0);
    expect_refusal(&place, arena_format(&place.arena, "text(path=%s)", pipe), pipe, "neither a file nor a folder");
    // Nobody writes into it: to wait for that would be a hang.
    expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", pipe, pipe), pipe, "not a file");
    cr_assert(mkdir(folder, 0777) == 0);
    expect_refusal(&place, arena_format(&place.arena, "text(path=%s)", folder), folder, "no files in this folder");
    const char *empty = file_of(&place, "b", "", 0);
    expect_refusal(&place, arena_format(&place.arena, "text(path=%s)", empty), empty, "empty");
    expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", empty, empty), empty, "empty");
    expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", missing, empty), missing,
                   "there is no such file");
    // A file that claims a terabyte must not be believed.
    cr_assert(truncate(empty, (off_t)1 << 40) == 0);
    expect_refusal(&place, arena_format(&place.arena, "text(path=%s)", empty), empty, "say how many");
    expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", empty, empty), empty, "are more than");
    place_close(&place);
}

// A file as llm.c writes it: 256 int32, then `count` tokens of `width` bytes, 7 13 19 ...
static size_t llmc_file(unsigned char *file, int32_t magic, int32_t version, int32_t claimed, int count, size_t width)
{
    int32_t header[256] = {magic, version, claimed};
    memcpy(file, header, sizeof header);
    for (int i = 0; i < count; i++) {
        uint32_t token = 7 + 6 * (uint32_t)i;
        memcpy(file + sizeof header + (size_t)i * width, &token, width);
    }
    return sizeof header + (size_t)count * width;
}

Test(data, token_files_of_nanogpt_and_llmc_are_read)
{
    struct place place;
    unsigned char file[4096];
    place_open(&place);
    uint16_t plain[] = {300, 0, 65535, 4};
    const char *val = file_of(&place, "b", plain, sizeof plain);
    static const struct {
        int32_t magic, version;
        size_t width;
    } formats[] = {{20240520, 1, 2}, {20240801, 7, 4}};
    for (int i = 0; i < 2; i++) {
        const char *train =
            file_of(&place, "a", file, llmc_file(file, formats[i].magic, formats[i].version, 100, 100, formats[i].width));
        cr_assert(open_data(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", train, val)), "%s",
                  place.error.text);
        expect_part(&place, DATA_TRAIN, 0, 100);
        expect_part(&place, DATA_VALIDATION, 100, 102);
        expect_part(&place, DATA_TEST, 102, 104);
        cr_expect(place.dataset.tokens[0] == 7 && place.dataset.tokens[99] == 601 && place.dataset.tokens[102] == 65535);
        cr_expect(place.dataset.vocab == 65536 && !place.dataset.tokens_are_bytes);
    }
    place_close(&place);
}

// The header's count must be that of the file: one that lies would have us read beyond it, or leave tokens out in silence.
Test(data, token_files_that_lie_are_refused)
{
    struct place place;
    unsigned char file[4096];
    place_open(&place);
    const char *val = file_of(&place, "b", "abcd", 4);
    static const struct {
        int32_t magic, version, claimed;
        size_t width, size; // 0: as it should be
        const char *reason;
    } cases[] = {
        {20240520, 1, 101, 2, 0, "claims 101 tokens"},    {20240520, 1, 99, 2, 0, "claims 99 tokens"},
        {20240520, 1, -1, 2, 0, "claims -1 tokens"},      {20240520, 1, INT32_MAX, 2, 0, "claims 2147483647 tokens"},
        {20240520, 1, 100, 2, 1000, "inside its header"}, {20240520, 2, 100, 2, 0, "version 1 is read here"},
        {20240801, 7, 100, 2, 0, "claims 100 tokens"},    {20240801, 1, 100, 4, 0, "version 7 is read here"},
        {1, 1, 100, 2, 1223, "no whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = llmc_file(file, cases[i].magic, cases[i].version, cases[i].claimed, 100, cases[i].width);
        const char *train = file_of(&place, "a", file, cases[i].size ? cases[i].size : size);
        expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", train, val), train, cases[i].reason);
    }
    llmc_file(file, 20240801, 7, 100, 100, 4);
    file[1024 + 4 * 42 + 2] = 1;
    const char *train = file_of(&place, "a", file, 1424);
    expect_refusal(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", train, val), train, "position 42");
    place_close(&place);
}

// No bytes may crash the reader, least of all those that begin like a header.
Test(data, random_token_files_do_no_harm)
{
    struct place place;
    unsigned char file[2048];
    place_open(&place);
    const int32_t magics[] = {0, 20240520, 20240801};
    for (uint64_t i = 0; i < 300; i++) {
        size_t size = (size_t)random_below(1, i, 0, sizeof file);
        for (size_t j = 0; j < size; j++)
            file[j] = (unsigned char)random_bits(2, i, j);
        const int32_t header[] = {magics[i % 3], i % 2 ? 7 : 1, (int32_t)size / 4 - 256};
        if (i % 3 && size >= sizeof header)
            memcpy(file, header, sizeof header);
        const char *name = file_of(&place, "a", file, size);
        bool done = open_data(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", name, name));
        cr_expect(done || place.error.count == 1, "%s", place.error.text);
    }
    place_close(&place);
}

// Where the mistake is, in the file that the user has: the test part begins in the middle of it.
Test(data, tokens_beyond_the_vocabulary_are_refused_with_file_and_position)
{
    struct place place;
    uint16_t train[100] = {0}, val[40] = {0};
    place_open(&place);
    train[5] = 255;
    val[30] = 256;
    const char *train_path = file_of(&place, "a", train, sizeof train), *val_path = file_of(&place, "b", val, sizeof val);
    cr_assert(open_data(&place, arena_format(&place.arena, "tokens(train=%s, val=%s)", train_path, val_path)));
    cr_expect(dataset_check(&place.dataset, 257, 19, &place.error), "%s", place.error.text);
    cr_expect(!dataset_check(&place.dataset, 256, 19, &place.error));
    cr_expect_str_eq(place.error.text,
                     arena_format(&place.arena,
                                  "%s: token 256 at position 30 is not below model.vocab = 256; set model.vocab to "
                                  "257 or more\n",
                                  val_path));
    place.error = (struct error){0};
    cr_expect(!dataset_check(&place.dataset, 200, 19, &place.error));
    cr_expect(strstr(place.error.text, train_path) && strstr(place.error.text, "position 5 "), "%s", place.error.text);
    // 20 tokens of each half make windows of 19 + 1, no longer ones.
    place.error = (struct error){0};
    cr_expect(!dataset_check(&place.dataset, 257, 20, &place.error));
    cr_expect(strstr(place.error.text, val_path) && strstr(place.error.text, "validation part has 20 tokens"), "%s",
              place.error.text);
    place_close(&place);
}

// A model that looks ahead would read its targets off its inputs and show a loss of nothing.
Test(data, next_token_data_refuses_a_model_that_looks_ahead)
{
    static const char *const values[] = {"text", "prose", "tokens(train=a, val=b)"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct choice choice;
        struct run run = {.model = {.causal = true}};
        cr_assert(choice_parse(SLOT_DATA, values[i], &choice, &arena, &error), "%s", error.text);
        cr_expect(choice.component->accepts(choice.options.bytes, &run, &error), "%s", error.text);
        run.model.causal = false;
        cr_expect(!choice.component->accepts(choice.options.bytes, &run, &error), "%s", values[i]);
        cr_expect(strstr(error.text, "model.causal"), "%s", error.text);
        arena_close(&arena);
    }
}

// A run is identified by its data: by what a generator is told, without generating.
Test(data, prose_is_identified_by_its_options)
{
    static const char *const values[] = {"prose(bytes=4000)", "prose(bytes=4001)", "prose(bytes=4000, seed=2)"};
    char hashes[3][HASH_TEXT_SIZE];
    struct place place;
    place_open(&place);
    for (int i = 0; i < 3; i++) {
        struct choice choice;
        cr_assert(choice_parse(SLOT_DATA, values[i], &choice, &place.arena, &place.error), "%s", place.error.text);
        choice.component->data.identity(choice.options.bytes, hashes[i]);
        cr_assert(open_data(&place, values[i]), "%s", place.error.text);
        cr_expect_str_eq(place.dataset.hash, hashes[i]);
        cr_expect(place.dataset.surprise && place.dataset.tokens_are_bytes);
        for (int j = 0; j < i; j++)
            cr_expect(strcmp(hashes[i], hashes[j]) != 0, "%s and %s", values[i], values[j]);
    }
    expect_part(&place, DATA_TRAIN, 0, 3600);
    expect_part(&place, DATA_TEST, 3800, 4000);
    place_close(&place);
}
