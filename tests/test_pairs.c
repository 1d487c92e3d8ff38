// test_pairs.c: every pair of slot choices, the fast path against the reference, at lengths around the attention tiles' edges.
//
// The covering array is built from the registry, so a new component is in it from its first day. A combination is run, or it
// is refused with a reason; nothing else is allowed.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "check/conformance.h"
#include "registry/run.h"

enum { FACTORS_MAX = 16, LEVELS_MAX = 24, ROWS_MAX = 400, TRIES = 40, REBUILT_LENGTH = 33 };

static const int64_t lengths[] = {1, 15, 16, 17, 31, 32, 33, 63, 64, 65};

struct factor {
    const char *key;
    const char *levels[LEVELS_MAX];
    int count;
};

struct array {
    struct factor factors[FACTORS_MAX];
    int factor_count;
    bool covered[FACTORS_MAX][FACTORS_MAX][LEVELS_MAX][LEVELS_MAX];
    int left; // pairs not covered yet
};

// What a slot is filled with beyond its components' defaults: small windows, lists, the word for nothing.
static const struct factor extras[] = {
    {"attention",
     {"sliding(window=5)", "sliding(window=3, dilation=2)", "sliding(window=3, dilation=3, dilated_heads=1)",
      "longformer(window=4, globals=2, projections=separate)", "fixed(stride=6, summary=2)", "lsh(chunk=5, rounds=3)",
      "[\"sliding(window=4)\", \"full\"]", "[\"strided(stride=5)\", \"longformer(window=3, globals=1)\"]"},
     8},
    {"position", {"none", "[\"rope\", \"none\"]"}, 2},
    {"heads", {"gqa(kv_heads=2)"}, 1},
    {"qk_norm", {"none"}, 1},
    {"attn_softcap", {"none", "tanh(cap=2)"}, 2},
    {"logit_softcap", {"none"}, 1},
    {"z_loss", {"off"}, 1},
    {"dropout", {"off"}, 1},
    {"ffn", {"[\"swiglu\", \"relu\"]"}, 1},
    {"model.bias", {"true", "false"}, 2},
    {"model.tie_embeddings", {"true", "false"}, 2},
};

static void add_level(struct array *array, const char *key, const char *level)
{
    int i = 0;
    while (i < array->factor_count && strcmp(array->factors[i].key, key) != 0)
        i++;
    if (i == array->factor_count)
        array->factors[array->factor_count++].key = key;
    struct factor *factor = &array->factors[i];
    cr_assert_lt(factor->count, LEVELS_MAX);
    factor->levels[factor->count++] = level;
}

static void fill(struct array *array)
{
    for (const struct component *const *list = registry_list(); *list; list++) {
        enum slot slot = (*list)->slot;
        if (slot != SLOT_DATA && slot != SLOT_OPTIMIZER && slot != SLOT_SCHEDULE && slot != SLOT_PRECISION &&
            slot != SLOT_SOFTMAX && !(slot == SLOT_INIT && (*list)->init.source)) // which draws nothing
            add_level(array, slot_facts[slot].name, (*list)->name);
    }
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        for (int j = 0; j < extras[i].count; j++)
            add_level(array, extras[i].key, extras[i].levels[j]);
    for (int a = 0; a < array->factor_count; a++)
        for (int b = a + 1; b < array->factor_count; b++)
            array->left += array->factors[a].count * array->factors[b].count;
}

static int gain(const struct array *array, const int *row)
{
    int sum = 0;
    for (int a = 0; a < array->factor_count; a++)
        for (int b = a + 1; b < array->factor_count; b++)
            sum += !array->covered[a][b][row[a]][row[b]];
    return sum;
}

static void cover(struct array *array, const int *row)
{
    array->left -= gain(array, row);
    for (int a = 0; a < array->factor_count; a++)
        for (int b = a + 1; b < array->factor_count; b++)
            array->covered[a][b][row[a]][row[b]] = true;
}

// The best of some random rows, each built around one pair that is still missing.
static void next_row(const struct array *array, int number, int *best)
{
    int best_gain = -1;
    for (int try = 0; try < TRIES; try++) {
        int row[FACTORS_MAX];
        uint64_t key = random_key((uint64_t)number, "row", (uint64_t)try);
        for (int i = 0; i < array->factor_count; i++)
            row[i] = (int)random_below(key, (uint64_t)i, 0, (uint64_t)array->factors[i].count);
        int skip = (int)random_below(key, 99, 0, (uint64_t)array->left);
        for (int a = 0; a < array->factor_count && skip >= 0; a++)
            for (int b = a + 1; b < array->factor_count && skip >= 0; b++)
                for (int i = 0; i < array->factors[a].count && skip >= 0; i++)
                    for (int j = 0; j < array->factors[b].count && skip >= 0; j++)
                        if (!array->covered[a][b][i][j] && skip-- == 0) {
                            row[a] = i;
                            row[b] = j;
                        }
        if (gain(array, row) > best_gain) {
            best_gain = gain(array, row);
            memcpy(best, row, sizeof row);
        }
    }
}

// Runs one row at one length; returns whether it was accepted.
static bool try_row(const struct array *array, const int *row, int64_t time, struct arena *arena)
{
    struct run run;
    struct error error = {0};
    struct text said = {0};
    char length[32], where[TENSOR_NAME_SIZE];
    double worst;
    subject_run(&run, NULL, SUBJECT_DEFAULTS, arena);
    for (int i = 0; i < array->factor_count; i++) {
        cr_assert(run_set(&run, array->factors[i].key, array->factors[i].levels[row[i]], arena, &error), "%s", error.text);
        text_add(&said, "%s=%s ", array->factors[i].key, array->factors[i].levels[row[i]]);
    }
    snprintf(length, sizeof length, "model.seq_len=%lld", (long long)time);
    cr_assert(run_set_pair(&run, length, arena, &error), "%s", error.text);
    struct run asked = run;
    bool accepted = run_resolve(&run, &error);
    if (!accepted) {
        cr_expect_gt(error.length, 20, "%s is refused without a reason", said.data);
        // Its other choices are still a pair each: they are tried with heads and queries that every attention takes.
        run = asked;
        error = (struct error){0};
        run_set(&run, "heads", "mha", arena, &error);
        run_set(&run, "qk_norm", "none", arena, &error);
        accepted = run_resolve(&run, &error);
    }
    if (accepted) {
        // A ReLU whose input lies within rounding of zero may take either slope, so a second draw decides: a mistake fails
        // both.
        for (int draw = 0; draw < 2; draw++, run.seed++) {
            cr_assert(conformance_against_reference(&run, 3, time, &worst, where, &error), "%s: %s", said.data, error.text);
            if (worst <= conformance_float_limit)
                break;
        }
        cr_expect_leq(worst, conformance_float_limit, "T = %lld, %s: %s differs by %.2g", (long long)time, said.data, where,
                      worst);
        struct text seen = {0};
        if (time == REBUILT_LENGTH)
            cr_expect(conformance_rebuilt(&run, &seen), "%s: rebuilt, %s", said.data, seen.data);
        text_free(&seen);
    }
    text_free(&said);
    return accepted;
}

Test(pairs, fast_path_equals_reference_for_every_pair_of_choices, .timeout = 300)
{
    static struct array array;
    struct arena arena = {0};
    int rows = 0, accepted = 0, tried = 0;
    fill(&array);
    cr_assert_gt(array.left, 1000, "only %d pairs: the registry is nearly empty", array.left);
    while (array.left > 0) {
        int row[FACTORS_MAX];
        cr_assert_lt(rows, ROWS_MAX);
        next_row(&array, rows, row);
        cover(&array, row);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++, tried++)
            accepted += try_row(&array, row, lengths[i], &arena);
        rows++;
    }
    cr_expect_gt(accepted, tried * 9 / 10, "%d of %d combinations were refused", tried - accepted, tried);
    arena_close(&arena);
}
