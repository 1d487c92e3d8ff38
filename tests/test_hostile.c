// test_hostile.c: files that were damaged on their way, and strings typed by a cat, change nothing and crash nothing.
//
// Each reader gets some thousand mutations of valid input: bits turned, numbers overwritten, pieces cut out, doubled or taken
// from another valid input. It may accept or refuse what it gets; a refusal names the file and is text that a terminal can
// show. The seed is fixed, so that a failure is found again; HOSTILE_SEED=2 tries others. Under the sanitizers the same test
// watches every access.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "check/case.h"
#include "fixture_experiment.h"
#include "fixture_folder.h"
#include "model/safetensors.h"
#include "registry/registry.h"
#include "report/comparison.h"
#include "report/screen.h"
#include "sweep/experiment.h"

static char folder[FOLDER_PATH_SIZE], file[64];

static void open_folder(void) { folder_make(folder); }

static void close_folder(void) { folder_remove(folder); }

static const char *in_folder(const char *name)
{
    snprintf(file, sizeof file, "%s/%s", folder, name);
    return file;
}

// ---- Mutations --------------------------------------------------------------------------------------------------------------

// Draws of one test: the same at every run.
struct draws {
    uint64_t key, count;
};
static struct draws draws_open(const char *name)
{
    const char *seed = getenv("HOSTILE_SEED");
    return (struct draws){.key = random_key(seed ? strtoull(seed, NULL, 10) : 1, name, 0)};
}

static size_t draw(struct draws *draws, size_t bound) { return random_below(draws->key, draws->count++, 0, bound ? bound : 1); }

static void flip(struct draws *draws, struct bytes *bytes)
{
    for (size_t i = 0, flips = 1 + draw(draws, 4); bytes->count && i < flips; i++)
        bytes->data[draw(draws, bytes->count)] ^= (unsigned char)(1u << draw(draws, 8));
}

// Sizes and counts at which arithmetic goes wrong, in the width of the fields of files.
static void overwrite(struct draws *draws, struct bytes *bytes)
{
    static const uint64_t numbers[] = {0,         1,          0x7f,      0xff,       0x7fff,    0xffff,
                                       INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, 1ull << 40};
    size_t width = (size_t)1 << draw(draws, 4);
    uint64_t number = numbers[draw(draws, sizeof numbers / sizeof *numbers)];
    if (bytes->count >= width)
        memcpy(bytes->data + draw(draws, bytes->count - width + 1), &number, width);
}

static void cut(struct draws *draws, struct bytes *bytes)
{
    size_t from = draw(draws, bytes->count + 1), length = draw(draws, bytes->count - from + 1);
    if (draw(draws, 2))
        length = bytes->count - from; // the end, as a broken transfer leaves it
    memmove(bytes->data + from, bytes->data + from + length, bytes->count - from - length);
    bytes->count -= length;
}

// A piece of `other`, put in at any place.
static void graft(struct draws *draws, struct bytes *bytes, const struct bytes *other)
{
    enum { PIECE_MAX = 4096 };
    size_t from = draw(draws, other->count), length = draw(draws, other->count - from + 1), at = draw(draws, bytes->count + 1);
    length = length < PIECE_MAX ? length : PIECE_MAX;
    bytes->data = memory_resize(bytes->data, bytes->count + length + 1, 1);
    memmove(bytes->data + at + length, bytes->data + at, bytes->count - at);
    memcpy(bytes->data + at, other->data + from, length);
    bytes->count += length;
}

static struct bytes mutate(struct draws *draws, const struct bytes *inputs, size_t input_count)
{
    const struct bytes *input = &inputs[draw(draws, input_count)];
    struct bytes bytes = {memory_allocate(input->count + 1, 1), input->count};
    memcpy(bytes.data, input->data, input->count);
    for (size_t i = 0, times = 1 + draw(draws, 3); i < times; i++) {
        switch (draw(draws, 5)) {
        case 0:
        case 1:
            flip(draws, &bytes);
            break;
        case 2:
            overwrite(draws, &bytes);
            break;
        case 3:
            cut(draws, &bytes);
            break;
        default:
            graft(draws, &bytes, &inputs[draw(draws, input_count)]);
        }
    }
    bytes.data[bytes.count] = '\0';
    return bytes;
}

static void write_bytes(const char *path, const struct bytes *bytes)
{
    FILE *stream = fopen(path, "wb");
    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(bytes->data, 1, bytes->count, stream), bytes->count);
    fclose(stream);
}

static struct bytes read_bytes(const char *path)
{
    struct bytes bytes;
    struct error error = {0};
    cr_assert(file_read(path, 1 << 24, &bytes, &error), "%s", error.text);
    return bytes;
}

static void expect_answer(bool done, const struct error *error, const char *name, int mutation)
{
    cr_assert_eq(done, error->count == 0, "mutation %d: %s with %d mistakes: %s", mutation, done ? "done" : "refused",
                 error->count, error->text);
    cr_assert(done || !name || strstr(error->text, name), "mutation %d: the file is not named: %s", mutation, error->text);
    for (const char *c = error->text; *c; c++)
        cr_assert(*c == '\n' || ((unsigned char)*c >= ' ' && *c != 0x7f), "mutation %d: control character %d in: %s", mutation,
                  *c, error->text);
}

// What reads one input: true, or false with an error. `path` holds the mutated bytes.
typedef bool (*reader)(const char *path, struct error *error);

static void feed(reader read, const char *name, const char *const *inputs, int mutations)
{
    struct bytes valid[8];
    size_t count = 0;
    struct draws draws = draws_open(name);
    for (; inputs[count]; count++)
        valid[count] = read_bytes(inputs[count]);
    const char *path = in_folder(name);
    for (int i = 0; i < mutations; i++) {
        struct error error = {0};
        struct bytes bytes = mutate(&draws, valid, count);
        write_bytes(path, &bytes);
        bool done = read(path, &error);
        expect_answer(done, &error, name, i);
        bytes_free(&bytes);
    }
    for (size_t i = 0; i < count; i++)
        bytes_free(&valid[i]);
}

TestSuite(mutations, .init = open_folder, .fini = close_folder, .timeout = 300);

// ---- Readers ----------------------------------------------------------------------------------------------------------------

static bool read_experiment(const char *path, struct error *error)
{
    struct experiment experiment;
    if (!experiment_read(path, NULL, &experiment, error))
        return false;
    experiment_close(&experiment);
    return true;
}

Test(mutations, of_experiments)
{
    feed(read_experiment, "x.yaml",
         (const char *const[]){"experiments/demo.yaml", "experiments/glu-variants.yaml", "experiments/schedules.yaml",
                               "experiments/windows.yaml", "experiments/qk-norm.yaml", NULL},
         3000);
}

static bool read_case(const char *path, struct error *error)
{
    (void)path;
    struct arena arena = {0};
    struct run run;
    const char *absent;
    bool done = case_read(folder, &run, &absent, &arena, error);
    arena_close(&arena);
    return done;
}

Test(mutations, of_cases)
{
    feed(read_case, "case.yaml",
         (const char *const[]){"tests/oracle/llama-gqa/case.yaml", "tests/oracle/sliding-dilated/case.yaml",
                               "tests/oracle/train-adamw-cosine/case.yaml", NULL},
         3000);
}

static bool read_tensors(const char *path, struct error *error)
{
    struct safetensors tensors;
    if (!safetensors_read(path, &tensors, error))
        return false;
    for (int i = 0; i < tensors.count; i++) {
        const struct safetensors_entry *entry = &tensors.entries[i];
        float *values = memory_allocate((size_t)entry->count, sizeof *values);
        if (entry->type == SAFETENSORS_F32 || entry->type == SAFETENSORS_F64)
            safetensors_copy(entry, values);
        free(values);
    }
    safetensors_close(&tensors);
    return true;
}

// Small files, so that a mutation hits the header as often as the numbers.
Test(mutations, of_tensors)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    const struct safetensors_entry entries[] = {
        {.name = "model.norm.weight", .type = SAFETENSORS_F32, .rank = 1, .shape = {6}, .count = 6, .data = values},
        {.name = "lm_head.weight", .type = SAFETENSORS_F32, .rank = 2, .shape = {3, 2}, .count = 6, .data = values},
        {.name = "step.loss", .type = SAFETENSORS_F64, .rank = 0, .count = 1, .data = values},
    };
    struct error error = {0};
    char one[64], two[64];
    snprintf(one, sizeof one, "%s/one", folder);
    snprintf(two, sizeof two, "%s/two", folder);
    cr_assert(safetensors_write(one, entries, 3, "{\"step\": 3}", &error), "%s", error.text);
    cr_assert(safetensors_write(two, entries, 1, NULL, &error), "%s", error.text);
    feed(read_tensors, "x.safetensors", (const char *const[]){one, two, NULL}, 5000);
}

static bool read_tokens(const char *path, struct error *error)
{
    struct arena arena = {0};
    struct run run;
    struct dataset dataset = {0};
    char value[192];
    run_defaults(&run, &arena);
    snprintf(value, sizeof value, "tokens(train=%s, val=%s)", path, path);
    bool done = run_set(&run, "data", value, &arena, error);
    const struct choice *choice = run_choice(&run, SLOT_DATA, 0);
    done = done && choice->component->data.open(choice->options.bytes, &dataset, error) &&
           dataset_check(&dataset, 65536, 8, error);
    dataset_close(&dataset);
    arena_close(&arena);
    return done;
}

Test(mutations, of_token_files)
{
    enum { TOKENS = 60 };
    int32_t header[256] = {20240520, 1, TOKENS};
    uint16_t narrow[TOKENS];
    uint32_t wide[TOKENS];
    char paths[3][64];
    for (int i = 0; i < TOKENS; i++)
        narrow[i] = (uint16_t)(wide[i] = (uint32_t)(i * 7));
    struct text parts[3] = {0};
    text_add_bytes(&parts[0], (const char *)narrow, sizeof narrow);
    text_add_bytes(&parts[1], (const char *)header, sizeof header);
    text_add_bytes(&parts[1], (const char *)narrow, sizeof narrow);
    header[0] = 20240801;
    header[1] = 7;
    text_add_bytes(&parts[2], (const char *)header, sizeof header);
    text_add_bytes(&parts[2], (const char *)wide, sizeof wide);
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/valid%d", folder, i);
        write_bytes(paths[i], &(struct bytes){(unsigned char *)parts[i].data, parts[i].length});
        text_free(&parts[i]);
    }
    feed(read_tokens, "x.bin", (const char *const[]){paths[0], paths[1], paths[2], NULL}, 5000);
}

// Everything that `runs`, `compare` and `report` read, and the screen itself.
static bool read_database(const char *path, struct error *error)
{
    struct arena arena = {0};
    struct store *store;
    struct comparison comparison;
    const struct run_row *rows;
    const char *const *names;
    int count;
    if (!store_open(&store, path, STORE_READ, error))
        return false;
    bool done = view_runs(store, NULL, &arena, &count, &rows, error) && view_experiments(store, &arena, &names, error);
    for (; done && *names; names++) {
        FILE *nowhere = fopen("/dev/null", "w");
        done = comparison_open(store, *names, &arena, &comparison, error);
        if (done)
            screen_print(&comparison, &(struct screen_options){.width = 80}, nowhere);
        fclose(nowhere);
    }
    for (int i = 0; done && i < count; i++) {
        struct series series;
        const struct fact *facts;
        const struct event_view *events;
        int event_count;
        done = view_series(store, rows[i].run.id, "val_loss", &arena, &series, error) &&
               view_provenance(store, rows[i].run.id, &arena, &facts, error) &&
               view_events(store, rows[i].run.id, &arena, &event_count, &events, error);
    }
    store_close(store);
    arena_close(&arena);
    return done;
}

Test(mutations, of_databases)
{
    struct error error = {0};
    char valid[64];
    snprintf(valid, sizeof valid, "%s/valid.db", folder);
    cr_assert(fixture_write(&fixture_demo, valid, &error), "%s", error.text);
    feed(read_database, "x.db", (const char *const[]){valid, NULL}, 400);
}

// ---- What is typed ----------------------------------------------------------------------------------------------------------

Test(mutations, of_options)
{
    static const char *const typed[] = {
        "ffn=swiglu(ratio=8/3)",
        "attention=[\"sliding(window=64, dilation=2)\", \"full\"]",
        "data=text(path=\"a, (b) \\\"c\\\".txt\", bytes=1000)",
        "train.lr=1e-3",
        "attention.1.window=17",
        "optimizer=adamw(beta1=0.9, beta2=0.95, decay=independent)",
        "schedule=sgdr(t0=10, t_mult=2, floor=0.1)",
        "model.head_dim=3",
    };
    enum { TYPED = sizeof typed / sizeof *typed };
    struct bytes inputs[TYPED];
    struct draws draws = draws_open("typed");
    for (int i = 0; i < TYPED; i++)
        inputs[i] = (struct bytes){(unsigned char *)typed[i], strlen(typed[i])};
    for (int i = 0; i < 20000; i++) {
        struct arena arena = {0};
        struct run run;
        struct error error = {0};
        struct bytes bytes = mutate(&draws, inputs, TYPED);
        run_defaults(&run, &arena);
        bool done = run_set_pair(&run, (const char *)bytes.data, &arena, &error) && run_resolve(&run, &error);
        expect_answer(done, &error, NULL, i);
        cr_assert(done || error.is_request, "mutation %d: %s", i, error.text);
        arena_close(&arena);
        bytes_free(&bytes);
    }
}

// ---- Plug-ins ---------------------------------------------------------------------------------------------------------------

// A file that was cut off is refused before the loader maps what is not there. What is whole is believed: it is a program.
Test(mutations, a_cut_plug_in_is_refused)
{
    struct bytes whole = read_bytes(PLUGINS "/softplus.so");
    const char *path = in_folder("softplus.so");
    size_t count = whole.count;
    for (size_t i = 0; i < 64; i++) {
        struct error error = {0};
        whole.count = i < 8 ? i * 16 : i < 60 ? count * i / 60 : count - (64 - i);
        write_bytes(path, &whole);
        cr_assert_not(registry_load_plugin(path, &error), "%zu of %zu bytes were loaded", whole.count, count);
        expect_answer(false, &error, "softplus.so", (int)i);
    }
    bytes_free(&whole);
}
