// test_safetensors.c: a safetensors file is untrusted: whatever it says, it is read right or refused by name, and never
// crashes.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "model/safetensors.h"

static char path[] = "/tmp/safetensors-XXXXXX";

static void make_path(void)
{
    int file = mkstemp(path);
    cr_assert(file >= 0);
    close(file);
}
static void remove_path(void) { unlink(path); }

TestSuite(safetensors, .init = make_path, .fini = remove_path);

// A file with this header and `data` bytes of zeros; `length` is what its first 8 bytes say.
static void write_file(const char *header, uint64_t length, size_t data)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file);
    for (int i = 0; i < 8; i++)
        fputc((int)(length >> (8 * i) & 255), file);
    fputs(header, file);
    for (size_t i = 0; i < data; i++)
        fputc(0, file);
    fclose(file);
}

// The file is refused, and the reason holds `words` and the file's name.
static void expect_refused(const char *header, size_t data, const char *words)
{
    struct safetensors file;
    struct error error = {0};
    write_file(header, strlen(header), data);
    cr_expect(!safetensors_read(path, &file, &error), "read although it should not: %s", header);
    cr_expect(strstr(error.text, words) && strstr(error.text, path), "expected \"%s\" in: %s", words, error.text);
    cr_expect_eq(error.count, 1, "more than one line: %s", error.text);
    safetensors_close(&file);
}

// What is written is read back: names, types, shapes, values, metadata with quotes in it.
Test(safetensors, reads_back_what_was_written)
{
    const float weights[6] = {1, -2, 3.5F, 0, 1e-30F, 6};
    const int32_t tokens[2] = {-7, 1 << 30};
    const struct safetensors_entry entries[] = {
        {"model.w", SAFETENSORS_F32, 2, {2, 3}, 6, weights},
        {"tokens", SAFETENSORS_I32, 1, {2}, 2, tokens},
        {"nothing", SAFETENSORS_F64, 1, {0}, 0, tokens},
    };
    struct error error = {0};
    struct safetensors file;
    cr_assert(safetensors_write(path, entries, 3, "{\"step\": 3}", &error), "%s", error.text);
    cr_assert(safetensors_read(path, &file, &error), "%s", error.text);
    cr_assert_eq(file.count, 3);
    cr_assert_str_eq(file.metadata, "{\"step\": 3}");
    const struct safetensors_entry *read = safetensors_want(&file, "model.w", SAFETENSORS_F32, 2, (int64_t[]){2, 3}, &error);
    cr_assert(read, "%s", error.text);
    float values[6];
    safetensors_copy(read, values);
    cr_expect_arr_eq(values, weights, sizeof weights);
    read = safetensors_find(&file, "tokens");
    cr_assert(read);
    cr_expect_arr_eq(read->data, tokens, sizeof tokens);
    cr_expect(!safetensors_want(&file, "model.w", SAFETENSORS_F32, 2, (int64_t[]){3, 2}, &error));
    cr_expect(strstr(error.text, "F32 [2, 3]") && strstr(error.text, "F32 [3, 2]"), "%s", error.text);
    safetensors_close(&file);
}

// Bytes as another program writes them: the format, not our own writer, is what must be read. Header padded with spaces.
Test(safetensors, reads_the_format)
{
    const char header[] =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"__metadata__\":{\"format\":\"pt\"}}    ";
    struct error error = {0};
    struct safetensors file;
    write_file(header, strlen(header), 7);
    cr_assert(safetensors_read(path, &file, &error), "%s", error.text);
    cr_expect_eq(file.count, 2);
    cr_expect_null(file.metadata);
    cr_expect_eq(safetensors_find(&file, "a")->count, 3);
    cr_expect_eq(safetensors_find(&file, "b")->count, 1);
    safetensors_close(&file);
}

#define ONE(facts) "{\"w\":{" facts "}}"

Test(safetensors, refuses_lying_headers)
{
    expect_refused("[]", 0, "not a JSON object");
    expect_refused("{", 0, "not JSON");
    expect_refused("this is no JSON", 0, "not JSON");
    expect_refused("{\"w\":3}", 0, "not an object");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}, \"w\":{"), 4, "not JSON"); // a duplicate name
    expect_refused(ONE("\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]"), 4, "dtype");
    expect_refused(ONE("\"shape\":[4],\"data_offsets\":[0,4]"), 4, "dtype");
    expect_refused(ONE("\"dtype\":\"F32\",\"data_offsets\":[0,4]"), 4, "no shape");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]"), 4, "shape");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]"), 4, "shape");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]"), 4, "dimensions");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1]"), 4, "data_offsets");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]"), 4, "data_offsets");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"), 4, "differ in size");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"), 3, "outside the file");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]"), 4, "outside the file");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]"), 4, "outside the file");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"), 5, "belong to none");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]"), 8, "belong to no tensor");
}

// Products of the shape that wrap around to the size of the data would pass a check made in 64 bits without care.
Test(safetensors, refuses_shapes_that_overflow)
{
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]"), 0,
                   "larger than any file");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]"), 4, "differ in size");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[1099511627776],\"data_offsets\":[0,4]"), 4, "differ in size");
    expect_refused(ONE("\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]"), 4, "not JSON");
}

// Two tensors over one another: writing one would change the other.
Test(safetensors, refuses_overlap)
{
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                   8, "overlaps");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                   4, "overlaps");
}

// A name out of a file is printed: it must not steer the terminal.
Test(safetensors, prints_no_control_characters)
{
    struct safetensors file;
    struct error error = {0};
    const char header[] = "{\"\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    write_file(header, strlen(header), 4);
    cr_assert(!safetensors_read(path, &file, &error));
    cr_expect(!strchr(error.text, 27) && strstr(error.text, "?[2J"), "%s", error.text);
}

// Cut off at any byte, or with a header length of any size: refused, never read past the end (the sanitizers watch).
Test(safetensors, refuses_every_cut_and_every_claimed_length)
{
    const float values[4] = {1, 2, 3, 4};
    const struct safetensors_entry entry = {"model.w", SAFETENSORS_F32, 1, {4}, 4, values};
    struct error error = {0};
    struct safetensors file;
    struct bytes whole;
    cr_assert(safetensors_write(path, &entry, 1, NULL, &error) && file_read(path, 1 << 20, &whole, &error));
    for (size_t count = 0; count < whole.count; count++) {
        error = (struct error){0};
        cr_assert(file_replace(path, whole.data, count, &error));
        cr_expect(!safetensors_read(path, &file, &error), "read although cut off at byte %zu", count);
    }
    for (int shift = 0; shift < 64; shift++) {
        error = (struct error){0};
        unsigned char changed[512];
        memcpy(changed, whole.data, whole.count);
        changed[shift / 8] ^= (unsigned char)(1 << shift % 8);
        cr_assert(file_replace(path, changed, whole.count, &error));
        cr_expect(!safetensors_read(path, &file, &error), "read with bit %d of the header's length wrong", shift);
    }
    bytes_free(&whole);
}
