// test_store_experiment.c: an experiment is a view over runs: it keeps its versions, shares runs, and counts its looks.
#include "fixture_store.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(store_experiment, .init = store_folder_open, .fini = store_folder_close, .timeout = 30);

static struct experiment_view must_view(struct store *store, const char *name, struct arena *arena)
{
    struct experiment_view view;
    struct error error = {0};
    cr_assert(view_open(store, name, arena, &view, &error), "%s", error.text);
    return view;
}

static void must_save(struct store *store, const char *name, const char *text, int64_t first, int count)
{
    struct error error = {0};
    cr_assert(store_experiment_save(store, small_experiment(name, text, first, count), &error), "%s", error.text);
}

Test(store_experiment, what_is_saved_is_viewed)
{
    struct arena arena = {0};
    struct store *store = must_make();
    struct experiment_view view = must_view(store, "small", &arena);
    cr_expect_str_eq(view.name, "small");
    cr_expect_str_eq(view.file, "experiments/small.yaml");
    cr_expect_str_eq(view.text, "text");
    cr_expect_str_eq(view.metric, "val_loss");
    cr_expect(isnan(view.margin), "a margin of %g was never declared", view.margin);
    cr_expect_str_eq(view.match, "params by ffn.d_ff, at most 3% left");
    cr_assert(view.arm_count == 2 && view.seed_count == 2 && view.baseline == 0);
    cr_expect_str_eq(view.arms[0].name, "(base)");
    cr_expect_str_eq(view.arms[1].differs, "train.lr=2");
    cr_expect(!view.arms[0].is_placebo && view.arms[1].is_placebo);
    cr_expect_str_eq(view.arms[1].runs[1].id, small_id(1, 2));
    cr_expect(view.arms[1].runs[1].state == RUN_PLANNED && view.arms[1].runs[1].seed == 2);
    cr_expect(isnan(view.arms[1].runs[1].floor) && view.arms[1].runs[1].diverged_at == -1);
    // The file is as good a name: `ablate compare experiments/small.yaml`.
    cr_expect_str_eq(must_view(store, "experiments/small.yaml", &arena).name, "small");
    store_close(store);
    arena_close(&arena);
}

// Seeds that the file declared beforehand are looks of a plan; one look beyond it, and the plan was not kept.
Test(store_experiment, a_declared_extension_holds_until_it_is_left)
{
    struct arena arena = {0};
    struct error error = {0};
    struct store *store = must_make();
    for (int look = 0; look < 3; look++) {
        struct store_experiment experiment = *small_experiment("planned", "replicates: {first: 2, max: 4}", 1, 2 + 2 * look);
        experiment.extension_declared = look < 2;
        cr_assert(store_experiment_save(store, &experiment, &error), "%s", error.text);
        struct experiment_view view = must_view(store, "planned", &arena);
        cr_expect_eq(view.extension_declared, look < 2, "look %d", look + 1);
        cr_expect_eq(view.looks, look + 1);
    }
    cr_expect_not(must_view(store, "small", &arena).extension_declared);
    store_close(store);
    arena_close(&arena);
}

// Repeated commands are how a sweep is continued: they are no further look. More seeds are one.
Test(store_experiment, looks_count_extensions)
{
    struct arena arena = {0};
    struct store *store = must_make();
    cr_expect_eq(must_view(store, "small", &arena).looks, 1);
    must_save(store, "small", "text", 1, 2);
    cr_expect_eq(must_view(store, "small", &arena).looks, 1, "a repeated command is no look");
    must_save(store, "small", "text", 1, 4);
    struct experiment_view view = must_view(store, "small", &arena);
    cr_expect(view.looks == 2 && view.seed_count == 4, "looks %d, seeds %d", view.looks, view.seed_count);
    // Fewer seeds than before are already there: they stay, and looking again is no new look.
    must_save(store, "small", "text", 1, 2);
    view = must_view(store, "small", &arena);
    cr_expect(view.looks == 2 && view.seed_count == 4, "looks %d, seeds %d", view.looks, view.seed_count);
    // `replicates: 6` written into the file is the same comparison under another hash.
    must_save(store, "small", "text, replicates", 1, 6);
    view = must_view(store, "small", &arena);
    cr_expect(view.looks == 3 && view.seed_count == 6, "looks %d, seeds %d", view.looks, view.seed_count);
    // Other runs altogether are another comparison.
    must_save(store, "small", "text, other seeds", 100, 3);
    cr_expect_eq(must_view(store, "small", &arena).looks, 1);
    store_close(store);
    arena_close(&arena);
}

// A changed file never changes what was asked before: every version is kept, and the one used last is shown.
Test(store_experiment, versions_are_kept)
{
    struct arena arena = {0};
    struct store *store = must_make();
    must_save(store, "small", "changed", 1, 2);
    cr_expect_str_eq(must_view(store, "small", &arena).text, "changed");
    must_save(store, "small", "text", 1, 2);
    cr_expect_str_eq(must_view(store, "small", &arena).text, "text", "the version used last is not the one that is shown");
    char *versions = sql_text(store_path, "SELECT text, arms, seeds FROM experiments ORDER BY version");
    cr_expect_str_eq(versions, "text|2|2\nchanged|2|2\n");
    free(versions);
    store_close(store);
    arena_close(&arena);
}

static void must_declare(struct store *store, const char *name, const char *text, double margin)
{
    struct error error = {0};
    struct store_experiment declared = *small_experiment(name, text, 1, 2);
    declared.margin = margin;
    cr_assert(store_experiment_save(store, &declared, &error), "%s", error.text);
}

static void expect_declared_after(struct store *store, const char *name, int want, const char *what)
{
    struct arena arena = {0};
    int got = must_view(store, name, &arena).declared_after;
    cr_expect_eq(got, want, "%s: declared after %d runs, not %d", what, got, want);
    arena_close(&arena);
}

// A margin chosen when results are there can be chosen to fit them. One chosen before its runs is none the worse for a file
// that is edited otherwise, goes back to it, or shares runs with another experiment.
Test(store_experiment, a_margin_is_declared_before_its_runs_or_said_not_to_be)
{
    struct error error = {0};
    struct store *store = must_make();
    must_declare(store, "small", "margin", 0.01);
    expect_declared_after(store, "small", 0, "a change before any run");
    // The time that runs take.
    free(sql_text(store_path, "UPDATE experiment SET stored_at = stored_at - 10"));
    for (int i = 0; i < 3; i++)
        cr_assert(store_run_start(store, small_id(i / 2, 1 + i % 2), false, &error) &&
                      store_run_end(store, small_id(i / 2, 1 + i % 2), &(struct store_end){.diverged_at = -1}, &error),
                  "%s", error.text);
    must_declare(store, "small", "margin, comment", 0.01);
    expect_declared_after(store, "small", 0, "the same margin in an edited file");
    must_declare(store, "small", "wider", 0.5);
    expect_declared_after(store, "small", 3, "another margin");
    must_declare(store, "small", "wider, comment", 0.5);
    expect_declared_after(store, "small", 3, "another margin, stored twice");
    must_declare(store, "small", "margin", 0.01);
    expect_declared_after(store, "small", 0, "the first margin again");
    struct store_experiment turned = *small_experiment("small", "turned", 1, 2);
    struct store_arm arms[] = {turned.arms[0], turned.arms[1]};
    arms[0].ids = turned.arms[1].ids;
    arms[1].ids = turned.arms[0].ids;
    turned.arms = arms;
    turned.margin = 0.01;
    cr_assert(store_experiment_save(store, &turned, &error), "%s", error.text);
    expect_declared_after(store, "small", 3, "another baseline");
    must_declare(store, "other", "other", 0.5);
    expect_declared_after(store, "other", 0, "another experiment on the same runs");
    store_close(store);
}

// What status, compare and the pages mean by a name must not become another file's experiment.
Test(store_experiment, a_name_belongs_to_its_file)
{
    struct error error = {0};
    struct store *store = must_open(STORE_WRITE);
    char path[2][128];
    struct store_experiment experiment = *small_experiment("small", "text", 1, 2);
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.yaml", store_folder, i);
        FILE *file = fopen(path[i], "w");
        cr_assert(file && fclose(file) == 0);
    }
    experiment.file = path[0];
    cr_assert(store_experiment_save(store, &experiment, &error), "%s", error.text);
    cr_assert(store_experiment_save(store, &experiment, &error), "its own file was refused: %s", error.text);
    experiment.file = path[1];
    cr_assert_not(store_experiment_save(store, &experiment, &error));
    cr_expect(error.is_request && strstr(error.text, path[0]) && strstr(error.text, "--db"), "%s", error.text);
    // A file that was moved goes on under its name.
    cr_assert_eq(remove(path[0]), 0);
    error = (struct error){0};
    cr_expect(store_experiment_save(store, &experiment, &error), "%s", error.text);
    store_close(store);
}

// `--set` changes runs and not the file: what was compared under the old setting stays what it was.
Test(store_experiment, the_same_file_with_other_runs_is_another_version)
{
    struct error error = {0};
    struct store *store = must_make();
    struct store_experiment changed = *small_experiment("small", "text", 1, 2);
    const char *const ids[] = {small_id(7, 1), small_id(7, 2)};
    struct store_arm arms[] = {changed.arms[0], changed.arms[1]};
    arms[1].ids = ids;
    changed.arms = arms;
    cr_assert(store_experiment_save(store, &changed, &error), "%s", error.text);
    char *versions = sql_text(store_path, "SELECT version, text, seeds FROM experiments ORDER BY version");
    char *runs = sql_text(store_path, "SELECT run FROM arms WHERE arm = 'lr=2' AND seed = 1 ORDER BY version");
    cr_expect_str_eq(versions, "1|text|2\n2|text|2\n");
    cr_expect_str_eq(runs, "0000000200000001\n0000000800000001\n");
    free(versions);
    free(runs);
    store_close(store);
}

// A run costs minutes: two experiments that ask for the same one have one.
Test(store_experiment, experiments_share_runs)
{
    struct arena arena = {0};
    struct error error = {0};
    const char *const *names;
    struct store *store = must_make();
    must_save(store, "other", "other text", 2, 2);
    char *runs = sql_text(store_path, "SELECT count(*) FROM runs");
    char *arms = sql_text(store_path, "SELECT count(*), count(DISTINCT run) FROM arms");
    cr_expect_str_eq(runs, "6\n", "two experiments of 4 runs share 2: %s", runs);
    cr_expect_str_eq(arms, "8|6\n");
    cr_assert(view_experiments(store, &arena, &names, &error), "%s", error.text);
    cr_expect(!strcmp(names[0], "other") && !strcmp(names[1], "small") && !names[2], "newest first");
    free(runs);
    free(arms);
    store_close(store);
    arena_close(&arena);
}

Test(store_experiment, an_unknown_name_says_what_was_meant)
{
    struct arena arena = {0};
    struct error error = {0};
    struct experiment_view view;
    struct store *store = must_make();
    cr_expect(!view_open(store, "smal", &arena, &view, &error));
    cr_expect(strstr(error.text, "did you mean \"small\"") && error.is_request && error.count == 1, "%s", error.text);
    store_close(store);
    arena_close(&arena);
}

Test(store_experiment, an_exclusion_is_seen_and_taken_back)
{
    struct arena arena = {0};
    struct error error = {0};
    struct store *store = must_make();
    cr_assert(store_run_exclude(store, small_id(0, 2), "laptop lid closed", &error), "%s", error.text);
    cr_expect_str_eq(must_view(store, "small", &arena).arms[0].runs[1].exclusion, "laptop lid closed");
    cr_assert(store_run_exclude(store, small_id(0, 2), NULL, &error), "%s", error.text);
    cr_expect_null(must_view(store, "small", &arena).arms[0].runs[1].exclusion);
    store_close(store);
    arena_close(&arena);
}
