// test_experiment.c: experiment files: the arms they span, and which of two values wins.
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixture_file.h"
#include "sweep/draft.h"

static void expect_arms(const char *text, const char *const *names)
{
    struct experiment experiment;
    struct error error;
    cr_assert(file_read_experiment(text, NULL, &experiment, &error), "%s", error.text);
    int count = 0;
    for (; names[count]; count++) {
        cr_assert_lt(count, experiment.arm_count, "only %d arms", experiment.arm_count);
        cr_expect_str_eq(experiment.arms[count].name, names[count], "arm %d is %s", count, experiment.arms[count].name);
    }
    cr_expect_eq(experiment.arm_count, count);
    experiment_close(&experiment);
}

// ---- The files that come with the program -----------------------------------------------------------------------------------

// A file that a newcomer runs first must be right.
Test(experiment, every_file_that_comes_along_reads)
{
    glob_t files;
    cr_assert_eq(glob("experiments/*.yaml", 0, NULL, &files), 0);
    cr_assert_eq(glob("experiments/*/*.yaml", GLOB_APPEND, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct experiment experiment;
        struct error error = {0};
        bool done = experiment_read(files.gl_pathv[i], NULL, &experiment, &error);
        cr_expect(done, "%s", error.text);
        if (!done)
            continue;
        const char *slash = strrchr(files.gl_pathv[i], '/');
        cr_expect_eq(strncmp(slash + 1, experiment.name, strlen(experiment.name)), 0, "%s calls itself %s", files.gl_pathv[i],
                     experiment.name);
        cr_expect(experiment.description[0], "%s: no question", files.gl_pathv[i]);
        experiment_close(&experiment);
    }
    globfree(&files);
}

// The setting that others have published, as issue and paper give it.
Test(experiment, the_reference_is_what_was_published)
{
    static const char *const values[][2] = {
        {"model.n_layer", "4"},
        {"model.n_head", "4"},
        {"model.d_model", "128"},
        {"model.seq_len", "64"},
        {"train.batch", "12"},
        {"train.steps", "2000"},
        {"train.lr", "0.001"},
        {"train.warmup", "100"},
        {"train.clip", "1"},
        {"norm", "layernorm"},
        {"ffn", "gelu"},
        {"position", "learned"},
        {"model.bias", "false"},
        {"optimizer.beta1", "0.9"},
        {"optimizer.beta2", "0.99"},
        {"optimizer.weight_decay", "0.1"},
        {"schedule", "cosine"},
        {"schedule.floor", "0.1"},
        {"model.tie_embeddings", "true"},
        {"dropout", "off"},
    };
    struct experiment experiment;
    struct error error = {0};
    cr_assert(experiment_read("experiments/reference/nanogpt-cpu.yaml", NULL, &experiment, &error), "%s", error.text);
    cr_expect_eq(experiment.arm_count, 1);
    cr_expect_eq(experiment.replicates, 3);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct text text = {0};
        cr_expect(run_print(&experiment.arms[0].run, values[i][0], &text));
        cr_expect_str_eq(text.data, values[i][1], "%s is %s", values[i][0], text.data);
        text_free(&text);
    }
    experiment_close(&experiment);
}

// ---- Methods ----------------------------------------------------------------------------------------------------------------

Test(experiment, grid_is_every_combination_the_last_turning_fastest)
{
    static const char *const names[] = {"(base)", "norm=rmsnorm", "ffn=relu", "ffn=relu, norm=rmsnorm", NULL};
    expect_arms("parameters:\n  ffn: {values: [gelu, relu]}\n  norm: {values: [layernorm, rmsnorm]}\n", names);
}

Test(experiment, ablation_changes_one_thing_at_a_time)
{
    static const char *const names[] = {"(base)", "ffn=relu", "ffn=silu", "norm=rmsnorm", NULL};
    expect_arms("method: ablation\nparameters:\n  ffn: {values: [gelu, relu, silu]}\n  norm: {values: [layernorm, rmsnorm]}\n",
                names);
}

Test(experiment, ablation_can_leave_one_change_out)
{
    static const char *const names[] = {
        "(base)", "all changes", "all but ffn=relu", "all but norm=rmsnorm", "all but heads=mqa", NULL};
    expect_arms("method: ablation\nablation: remove\nparameters:\n  ffn: {values: [gelu, relu]}\n"
                "  norm: {values: [layernorm, rmsnorm]}\n  heads: {values: [mha, mqa]}\n",
                names);
}

Test(experiment, arms_by_hand_have_their_names_or_what_differs)
{
    static const char *const named[] = {"(base)", "gated", "bold", NULL};
    static const char *const listed[] = {"(base)", "ffn=swiglu(ratio=2)", "ffn.ratio=2", "train.lr=0.01", NULL};
    expect_arms("arms:\n  gated: {ffn: swiglu, norm: rmsnorm}\n  bold: {train.lr: 1e-2}\n", named);
    expect_arms("arms:\n  - {ffn: swiglu(ratio=2)}\n  - {ffn.ratio: 2}\n  - {train.lr: 0.01}\n", listed);
}

Test(experiment, a_list_is_a_pattern_over_the_layers)
{
    static const char *const names[] = {"(base)", "ffn=[\"relu\", \"swiglu(ratio=2)\"]", NULL};
    expect_arms("arms:\n  - {ffn: [relu, swiglu(ratio=2)]}\n", names);
    expect_arms("parameters:\n  ffn: {values: [gelu, [relu, swiglu(ratio=2)]]}\n", names);
}

// The baseline is the first of several values unless it is named; one that no arm has becomes an arm, and that is said.
Test(experiment, the_baseline_is_named_or_first)
{
    static const char *const named[] = {"(base)", "ffn=gelu", "ffn=silu", NULL};
    struct experiment experiment;
    struct error error;
    expect_arms("baseline: {ffn: relu}\nparameters:\n  ffn: {values: [gelu, relu, silu]}\n", named);
    cr_assert(file_read_experiment("baseline: {ffn: relu}\nparameters:\n  ffn: {values: [gelu, silu]}\n", NULL, &experiment,
                                   &error),
              "%s", error.text);
    cr_expect_eq(experiment.arm_count, 3);
    cr_expect(strstr(experiment.notes, "the baseline is none of the grid's arms"), "%s", experiment.notes);
    experiment_close(&experiment);
}

// Drawn arms lie in their ranges, differ, and are the same on every reading.
Test(experiment, random_draws_are_in_range_and_repeatable)
{
    static const char text[] = "method: random\nrun_cap: 20\nseed: 7\nparameters:\n"
                               "  train.lr: {min: 1e-4, max: 1e-1, distribution: log_uniform}\n"
                               "  train.batch: {min: 4, max: 6, distribution: int_uniform}\n"
                               "  train.clip: {min: 0.5, max: 2}\n  ffn: {values: [gelu, relu]}\n";
    struct experiment first, second;
    struct error error;
    cr_assert(file_read_experiment(text, NULL, &first, &error), "%s", error.text);
    cr_assert(file_read_experiment(text, NULL, &second, &error), "%s", error.text);
    cr_expect_eq(first.arm_count, 21);
    int small = 0;
    bool batches[7] = {false};
    for (int i = 1; i < first.arm_count; i++) {
        const struct train_scalars *train = &first.arms[i].run.train;
        cr_expect(train->lr >= 1e-4 && train->lr <= 1e-1 && train->clip >= 0.5 && train->clip <= 2);
        cr_assert(train->batch >= 4 && train->batch <= 6, "batch %lld", (long long)train->batch);
        batches[train->batch] = true;
        small += train->lr < sqrt(1e-5);
        cr_expect_str_eq(first.arms[i].name, second.arms[i].name);
    }
    cr_expect(batches[4] && batches[5] && batches[6], "a bound is never drawn");
    // Of 20 draws on a logarithmic scale half lie below the geometric mean, on a linear one 3%: 4 to 16 is 4 sigma.
    cr_expect(small >= 4 && small <= 16, "%d of 20 below the geometric mean", small);
    experiment_close(&first);
    experiment_close(&second);
}

Test(experiment, repeated_draws_are_left_out_and_said)
{
    struct experiment experiment;
    struct error error;
    cr_assert(file_read_experiment("method: random\nrun_cap: 50\nparameters:\n  ffn: {values: [gelu, relu]}\n", NULL,
                                   &experiment, &error),
              "%s", error.text);
    cr_expect_eq(experiment.arm_count, 2);
    cr_expect(strstr(experiment.notes, "49 of 50 draws repeated another arm"), "%s", experiment.notes);
    experiment_close(&experiment);
}

// ---- What is said later wins ------------------------------------------------------------------------------------------------

Test(experiment, the_command_line_speaks_last)
{
    static const char *const set[] = {"train.steps=60", "seed=11", NULL};
    struct experiment_changes changes = {.replicates = 3, .set = set};
    struct experiment experiment;
    struct error error;
    cr_assert(file_read_experiment("replicates: 8\nparameters:\n  train.steps: {value: 400}\n  ffn: {values: [gelu, relu]}\n",
                                   &changes, &experiment, &error),
              "%s", error.text);
    cr_expect_eq(experiment.replicates, 3);
    cr_expect_eq(experiment.first_seed, 11);
    for (int i = 0; i < experiment.arm_count; i++)
        cr_expect_eq(experiment.arms[i].run.train.steps, 60);
    experiment_close(&experiment);
}

// An arm's own parentheses win over an option that is set for all; an arm's option wins over the baseline's parentheses.
Test(experiment, an_arm_wins_over_what_is_set_for_all)
{
    static const char *const first[] = {"(base)", "ffn=swiglu(ratio=3)", NULL};
    static const char *const second[] = {"(base)", "ffn.ratio=3", NULL};
    expect_arms("parameters:\n  ffn.ratio: {value: 2}\narms:\n  - {ffn: swiglu(ratio=3)}\n", first);
    expect_arms("baseline: {ffn: gelu(ratio=2)}\narms:\n  - {ffn.ratio: 3}\n", second);
}

Test(experiment, replicates_may_plan_a_second_look)
{
    struct experiment experiment;
    struct error error;
    cr_assert(file_read_experiment("replicates: {first: 5, max: 9}\n", NULL, &experiment, &error), "%s", error.text);
    cr_expect_eq(experiment.replicates, 5);
    cr_expect_eq(experiment.replicates_max, 9);
    cr_expect(experiment.extension_declared);
    cr_expect(strstr(experiment.notes, "nothing to compare it with"), "%s", experiment.notes);
    experiment_close(&experiment);
}

// ---- match ------------------------------------------------------------------------------------------------------------------

// Parameters of a GELU layer are 2 d_model d_ff, of a gated one 3 d_model d_ff: 2 * 512 / 3 = 341.3.
Test(experiment, match_solves_the_width_of_gated_layers)
{
    struct experiment experiment;
    struct error error;
    cr_assert(file_read_experiment("match: {params: ffn.d_ff}\nparameters:\n  ffn: {values: [gelu, swiglu, relu]}\n", NULL,
                                   &experiment, &error),
              "%s", error.text);
    cr_expect_str_eq(experiment.match, "params by ffn.d_ff");
    cr_expect_str_eq(experiment.arms[1].name, "ffn=swiglu");
    cr_expect_str_eq(experiment.arms[1].differs, "ffn=swiglu(d_ff=341)", "%s", experiment.arms[1].differs);
    cr_expect(fabs(experiment.arms[1].match_left) < 1e-3, "%g", experiment.arms[1].match_left);
    cr_expect_str_eq(experiment.arms[2].differs, "ffn=relu", "an arm that matches already is left alone");
    experiment_close(&experiment);
}
