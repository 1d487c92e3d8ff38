// test_figure_pattern.c: the picture of a pattern shows its pairs, and what the kernel visits around them.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "check/subject.h"
#include "base/random.h"
#include "fixture_attention.h"
#include "fixture_folder.h"
#include "report/figure_pattern.h"

enum { TIME = 40, PANELS_MAX = 5, FOLDER_SIZE = 64 };

struct picture {
    struct arena arena;
    char folder[FOLDER_SIZE];
    const char *name;
    char *data;                             // the text of the .tsv
    char cells[PANELS_MAX][TIME][TIME + 1]; // '0' nothing, '1' visited, '2' seen
};

static void read_cells(struct picture *picture)
{
    int panel = -2; // the block of panels comes first
    for (int i = 0; i < PANELS_MAX * TIME; i++)
        memset(picture->cells[i / TIME][i % TIME], '0', TIME);
    for (char *line = strtok(picture->data, "\n"); line; line = strtok(NULL, "\n")) {
        int kind, first, last, query;
        panel += line[0] == '#' && strstr(line, "seen") != NULL;
        if (panel < 0 || line[0] == '#')
            continue;
        cr_assert_lt(panel, PANELS_MAX);
        cr_assert_eq(sscanf(line, "%d\t%d\t%d\t%d", &kind, &first, &last, &query), 4, "%s", line);
        cr_assert(first >= 0 && first < last && last <= TIME && query >= 0 && query < TIME, "%s", line);
        memset(&picture->cells[panel][query][first], '0' + kind, (size_t)(last - first));
    }
}

static void draw_run(struct picture *picture, const char *attention, int64_t time, bool causal, int64_t seed)
{
    struct run run;
    struct error error = {0};
    struct bytes bytes = {0};
    memset(picture, 0, sizeof *picture);
    folder_make(picture->folder);
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &picture->arena);
    cr_assert(run_set(&run, "attention", attention, &picture->arena, &error), "%s", error.text);
    run.model.seq_len = time;
    run.model.causal = causal;
    run.seed = seed;
    cr_assert(figure_pattern_draw(&run, picture->folder, "svg", &picture->arena, &picture->name, &error), "%s", error.text);
    const char *path = arena_format(&picture->arena, "%s/%s.tsv", picture->folder, picture->name);
    cr_assert(file_read(path, 1 << 20, &bytes, &error), "%s", error.text);
    picture->data = arena_format(&picture->arena, "%.*s", (int)bytes.count, (const char *)bytes.data);
    bytes_free(&bytes);
    path = arena_format(&picture->arena, "%s/%s.svg", picture->folder, picture->name);
    cr_expect_eq(access(path, R_OK), 0, "%s was not drawn", path);
    read_cells(picture);
}

static void draw(struct picture *picture, const char *attention, bool causal) { draw_run(picture, attention, TIME, causal, 1); }

static void discard(struct picture *picture)
{
    folder_remove(picture->folder);
    arena_close(&picture->arena);
}

// A picture that is drawn from another rule than the model's would teach the wrong thing.
Test(figure_pattern, dark_cells_are_the_formula)
{
    struct picture picture;
    draw(&picture, "longformer(window=4, globals=2)", false);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < TIME; j++) {
            bool seen = abs(i - j) < 4 || i < 2 || j < 2;
            cr_assert_eq(picture.cells[0][i][j] == '2', seen, "query %d, key %d", i, j);
        }
    discard(&picture);
}

// A list is drawn layer by layer, and heads that differ each have their square.
Test(figure_pattern, layers_and_kinds_of_heads_have_squares_of_their_own)
{
    struct picture picture;
    draw(&picture, "[\"sliding(window=3, dilation=5, dilated_heads=1)\", \"full\"]", true);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < TIME; j++) {
            int age = i - j;
            cr_assert_eq(picture.cells[0][i][j] == '2', age >= 0 && age % 5 == 0 && age <= 10, "dilated: %d, %d", i, j);
            cr_assert_eq(picture.cells[1][i][j] == '2', age >= 0 && age <= 2, "not dilated: %d, %d", i, j);
            cr_assert_eq(picture.cells[2][i][j] == '2', age >= 0, "full: %d, %d", i, j);
        }
    // Blocks of 8 keys by 16 queries: the future of the same block is visited and masked, that of the next is not visited.
    cr_expect_eq(picture.cells[2][3][7], '1');
    cr_expect_eq(picture.cells[2][15][16], '0');
    discard(&picture);
}

// The lengths that --seq begins with: marks of an axis that is one position long lie one apart.
Test(figure_pattern, one_position_and_two_are_drawn)
{
    struct picture picture;
    for (int time = 1; time <= 2; time++) {
        draw_run(&picture, "full", time, true, 1);
        cr_expect_eq(picture.cells[0][time - 1][0], '2', "%d positions", time);
        discard(&picture);
    }
}

// Two settings that begin alike, beyond what a file's name has room for, are two files; a short one keeps its plain name.
Test(figure_pattern, long_settings_that_differ_at_their_end_have_names_of_their_own)
{
    struct picture picture;
    char first[160];
    draw(&picture, "[sliding(window=4), sliding(window=4), sliding(window=4), sliding(window=4), sliding(window=5)]", true);
    snprintf(first, sizeof first, "%s", picture.name);
    discard(&picture);
    draw(&picture, "[sliding(window=4), sliding(window=4), sliding(window=4), sliding(window=4), sliding(window=6)]", true);
    cr_expect_str_neq(picture.name, first);
    discard(&picture);
    draw(&picture, "sliding(window=4)", true);
    cr_expect_str_eq(picture.name, "sliding-window-4-40");
    discard(&picture);
}

// ---- Hashes -----------------------------------------------------------------------------------------------------------------

enum { CHUNK = 4, ROUNDS = 3, LAYER = 1, SEED = 9 };

// What the picture says it hashes: vectors drawn for the seed, by the rotations of that layer.
static void hash_vectors(const struct run *run, int32_t buckets[TIME * ROUNDS])
{
    int64_t width = run->model.head_dim;
    double *vectors = memory_allocate((size_t)(TIME * width), sizeof *vectors);
    uint64_t key = random_key(SEED, "vectors of a picture", LAYER);
    for (int64_t t = 0; t < TIME; t++)
        for (int64_t d = 0; d < width; d++)
            vectors[t * width + d] = random_normal(key, (uint64_t)t, (uint64_t)d);
    const struct lsh_hash hash = {lsh_of(TIME, CHUNK, ROUNDS), 1, width, SEED, "model.layers.1.self_attn.rotations"};
    lsh_hash_rows(&hash, vectors, TIME, buckets);
    free(vectors);
}

// Which pairs hashes show is decided nowhere in a picture's own code: it must be what the definition says of the same buckets,
// which shares no line with the sort that the kernel and the picture go by. One layer of a list, so that the layer counts too.
Test(figure_pattern, hashed_cells_are_the_definition_of_the_same_buckets)
{
    struct picture picture;
    struct run run;
    int32_t buckets[TIME * ROUNDS];
    int order[TIME], places = 0;
    int64_t scratch[TIME];
    static bool all[TIME * TIME], first[TIME * TIME];
    draw_run(&picture, "[\"full\", \"lsh(chunk=4, rounds=3)\"]", TIME, true, SEED);
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &picture.arena);
    hash_vectors(&run, buckets);
    struct lsh lsh = lsh_of(TIME, CHUNK, ROUNDS), one = lsh_of(TIME, CHUNK, 1);
    lsh_show_by_definition(&lsh, buckets, ROUNDS, TIME, scratch, all);
    lsh_show_by_definition(&one, buckets, ROUNDS, TIME, scratch, first);
    for (int bucket = 0; bucket < lsh_buckets(&lsh); bucket++)
        for (int t = 0; t < TIME; t++)
            if (buckets[t * ROUNDS] == bucket)
                order[places++] = t;
    cr_assert_eq(places, TIME);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < TIME; j++) {
            bool seen = i == j ? all[order[i] * TIME + order[i]] : first[order[i] * TIME + order[j]];
            cr_assert_eq(picture.cells[1][i][j] == '2', all[i * TIME + j], "query %d, key %d", i, j);
            cr_assert_eq(picture.cells[2][i][j] == '2', seen, "by bucket: places %d, %d", i, j);
        }
    cr_expect(strstr(picture.name, "-seed-9"), "%s", picture.name);
    discard(&picture);
}

// One chunk needs no hashes: all earlier keys, and no seed in the name.
Test(figure_pattern, one_chunk_is_drawn_without_hashes)
{
    struct picture picture;
    draw(&picture, "lsh(chunk=40)", true);
    for (int i = 0; i < TIME; i++)
        for (int j = 0; j < TIME; j++)
            cr_assert_eq(picture.cells[0][i][j] == '2', j < i || i + j == 0, "query %d, key %d", i, j);
    cr_expect_null(strstr(picture.name, "seed"));
    discard(&picture);
}
