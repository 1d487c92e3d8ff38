// test_compare.c: `ablate compare` over a stored experiment: how it is found, and what a program reads of it.
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"
#include "fixture_experiment.h"
#include "report/comparison.h"

static char database[] = "/tmp/test_compare_XXXXXX";

static void write_database(void)
{
    struct error error = {0};
    int file = mkstemp(database);
    cr_assert(file >= 0);
    close(file);
    unlink(database);
    cr_assert(fixture_write(&fixture_demo, database, &error), "%s", error.text);
}

static void remove_database(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s%s", database, ends[i]);
        unlink(path);
    }
}

TestSuite(compare, .init = write_database, .fini = remove_database);

extern const struct verb verb_compare;

static bool run_verb(const char *word, enum output_format format, struct error *error)
{
    static const double options[8]; // of the verb: none is set
    struct arena arena = {0};
    const char *const words[] = {word, NULL};
    struct request request = {
        .words = words, .word_count = 1, .database = database, .format = format, .options = options, .arena = &arena};
    bool done = verb_compare.run(&request, error);
    fflush(stdout);
    arena_close(&arena);
    return done;
}

// The made-up experiment holds an answer of every kind; a program must be able to read each, and see null where there is none.
Test(compare, json_has_a_row_an_arm)
{
    static const struct {
        const char *arm, *verdict;
    } want[] = {{"(base)", "baseline"},          {"position=rope", "better"}, {"norm=rmsnorm", "equivalent"},
                {"ffn=swiglu(ratio=8/3)", NULL}, {"init=fan_in", "worse"},    {"train.nudge=1e-06", "equivalent"},
                {"train.lr=0.03", "diverged"}};
    struct error error = {0};
    char line[8192];
    cr_redirect_stdout();
    cr_assert(run_verb("demo", OUTPUT_JSON, &error), "%s", error.text);
    FILE *output = cr_get_redirected_stdout();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        json_error_t trouble;
        cr_assert(fgets(line, sizeof line, output), "%zu rows", i);
        json_t *row = json_loads(line, 0, &trouble);
        cr_assert(row, "%s in %s", trouble.text, line);
        cr_assert_str_eq(json_string_value(json_object_get(row, "arm")), want[i].arm);
        const char *verdict = json_string_value(json_object_get(row, "verdict"));
        cr_assert(!want[i].verdict || !strcmp(verdict, want[i].verdict), "%s: %s", want[i].arm, verdict);
        bool has_delta = i > 0 && i < 6;
        cr_assert_eq(json_is_number(json_object_get(row, "delta")), has_delta, "%s", line);
        cr_assert_eq(json_is_null(json_object_get(row, "delta")), !has_delta, "%s", line);
        json_decref(row);
    }
}

// FILE or NAME: both find the stored experiment; what was never run is said to be so, and the request was wrong.
Test(compare, an_experiment_is_found_by_its_name_and_by_its_file)
{
    static const char *const words[] = {"demo", "experiments/demo.yaml", "./experiments/demo.yaml", "demo.yaml"};
    struct error error = {0};
    struct store *store;
    cr_assert(store_open(&store, database, STORE_READ, &error), "%s", error.text);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct arena arena = {0};
        struct comparison comparison;
        cr_assert(comparison_open(store, words[i], &arena, &comparison, &error), "%s: %s", words[i], error.text);
        cr_assert_eq(comparison.arm_count, 7);
        cr_assert_eq(comparison.shared_count, 5);
        cr_assert(fabs(comparison.floor - fixture_floor) < 1e-6, "floor %g", comparison.floor);
        cr_assert_str_eq(comparison.arms[0].steps, "500");
        arena_close(&arena);
    }
    store_close(store);
    cr_assert_not(run_verb("emo.yaml", OUTPUT_TEXT, &error));
    cr_assert(error.is_request && strstr(error.text, "emo.yaml: no experiment"), "%s", error.text);
    cr_assert_not(run_verb("dmo", OUTPUT_TEXT, &error));
    cr_assert(strstr(error.text, "did you mean \"demo\""), "%s", error.text);
}
