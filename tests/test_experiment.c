// test_experiment.c: experiment files: what they span, and that every mistake is answered with its line, all at once.
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep/draft.h"

enum { PATH_SIZE = 64 };

static void write_file(char path[PATH_SIZE], const void *data, size_t count)
{
    strcpy(path, "/tmp/ablate-test-XXXXXX.yaml");
    int file = mkstemps(path, 5);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, data, count), (ssize_t)count);
    close(file);
}

// Reads `text` as an experiment file; `error` gets the mistakes, with the path cut from the front of each line.
static bool read_experiment(const char *text, const struct experiment_changes *changes, struct experiment *experiment,
                            struct error *error)
{
    char path[PATH_SIZE];
    struct error whole = {0};
    write_file(path, text, strlen(text));
    bool done = experiment_read(path, changes, experiment, &whole);
    unlink(path);
    *error = (struct error){.count = whole.count, .is_request = whole.is_request};
    for (const char *c = whole.text; *c;) {
        size_t length = strcspn(c, "\n") + 1;
        size_t lead = strncmp(c, path, strlen(path)) == 0 ? strlen(path) + 1 : 0;
        memcpy(error->text + error->length, c + lead, length - lead);
        error->length += length - lead;
        c += length;
    }
    return done;
}

static void expect_arms(const char *text, const char *const *names)
{
    struct experiment experiment;
    struct error error;
    cr_assert(read_experiment(text, NULL, &experiment, &error), "%s", error.text);
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
    cr_assert(read_experiment("baseline: {ffn: relu}\nparameters:\n  ffn: {values: [gelu, silu]}\n", NULL, &experiment, &error),
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
    cr_assert(read_experiment(text, NULL, &first, &error), "%s", error.text);
    cr_assert(read_experiment(text, NULL, &second, &error), "%s", error.text);
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
    cr_assert(read_experiment("method: random\nrun_cap: 50\nparameters:\n  ffn: {values: [gelu, relu]}\n", NULL, &experiment,
                              &error),
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
    cr_assert(read_experiment("replicates: 8\nparameters:\n  train.steps: {value: 400}\n  ffn: {values: [gelu, relu]}\n",
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
    cr_assert(read_experiment("replicates: {first: 5, max: 9}\n", NULL, &experiment, &error), "%s", error.text);
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
    cr_assert(read_experiment("match: {params: ffn.d_ff}\nparameters:\n  ffn: {values: [gelu, swiglu, relu]}\n", NULL,
                              &experiment, &error),
              "%s", error.text);
    cr_expect_str_eq(experiment.match, "params by ffn.d_ff");
    cr_expect_str_eq(experiment.arms[1].name, "ffn=swiglu");
    cr_expect_str_eq(experiment.arms[1].differs, "ffn=swiglu(d_ff=341)", "%s", experiment.arms[1].differs);
    cr_expect(fabs(experiment.arms[1].match_left) < 1e-3, "%g", experiment.arms[1].match_left);
    cr_expect_str_eq(experiment.arms[2].differs, "ffn=relu", "an arm that matches already is left alone");
    experiment_close(&experiment);
}

// A made-up cost: 1000 per layer plus 3 per step and layer.
static bool count_made_up(const struct run *run, struct match_cost *cost, struct error *error)
{
    (void)error;
    cost->params = 1000.0 * (double)run->model.n_layer + (double)run->model.d_model;
    cost->flops = 3.0 * (double)(run->train.steps * run->model.n_layer);
    return true;
}

struct solution {
    enum match match;
    const char *option;
    double target;
    const char *value;
};
static const struct solution solutions[] = {
    {MATCH_FLOPS, "train.steps", 12000, "1000"},  // 3 * 4 layers * 1000
    {MATCH_FLOPS, "train.steps", 12007, "1001"},  // 12012 is 5 too many, 12000 7 too few
    {MATCH_PARAMS, "model.n_layer", 7600, "7"},   // 7128 is nearer than 8128
    {MATCH_PARAMS, "model.d_model", 4131, "128"}, // steps of 8: 4128
    {MATCH_PARAMS, "model.n_layer", 10, "1"},     // nothing smaller exists
};

// The nearest value, wherever the target lies.
Test(match, the_nearest_value_is_found)
{
    for (size_t i = 0; i < sizeof solutions / sizeof *solutions; i++) {
        const struct solution *s = &solutions[i];
        struct run run;
        struct arena arena = {0};
        struct error error = {0};
        struct text text = {0};
        double left = NAN;
        run_defaults(&run, &arena);
        cr_assert(match_solve(&run, s->match, s->option, s->target, count_made_up, &arena, &left, &error), "%s", error.text);
        run_print(&run, s->option, &text);
        cr_expect_str_eq(text.data, s->value, "%s for %g: %s", s->option, s->target, text.data);
        struct match_cost cost;
        count_made_up(&run, &cost, &error);
        double got = s->match == MATCH_PARAMS ? cost.params : cost.flops;
        cr_expect(fabs(left - (got - s->target) / s->target) < 1e-12, "left %g", left);
        text_free(&text);
        arena_close(&arena);
    }
}

// Fewer layers than a list over them has entries would leave some of it out.
Test(match, no_layer_of_a_list_is_solved_away)
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    double left = NAN;
    run_defaults(&run, &arena);
    cr_assert(run_set_pair(&run, "attention=[\"full\", \"sliding\", \"strided\"]", &arena, &error), "%s", error.text);
    cr_assert(match_solve(&run, MATCH_PARAMS, "model.n_layer", 1128, count_made_up, &arena, &left, &error), "%s", error.text);
    cr_expect_eq(run.model.n_layer, 3, "%lld layers", (long long)run.model.n_layer);
    arena_close(&arena);
}

// ---- Mistakes ---------------------------------------------------------------------------------------------------------------

struct mistake {
    const char *text, *said;
};
static const struct mistake mistakes[] = {
    {"nmae: x\n", "1: no key \"nmae\", did you mean \"name\"?\n"},
    {"name: a/b\n", "1: name: \"a/b\" is not one word of letters, digits, - and _\n"},
    {"name: [a]\n", "1: name: it takes a single value, not a list\n"},
    {"train.lr: 3\n", "1: no key \"train.lr\" here; what runs are made of stands under `baseline:` or `parameters:`\n"},
    {"init: run(experiment=x)\n", "1: no key \"init\" here; what runs are made of stands under `baseline:` or `parameters:`\n"},
    {"method: gird\n", "1: method: no \"gird\", did you mean \"grid\"?\n"},
    {"method: random\n", "1: method: random needs `run_cap:`, the number of arms to draw\n"},
    {"run_cap: 3\n", "1: run_cap: it belongs to method: random\n"},
    {"metric: {name: val_los}\n", "1: metric: no metric \"val_los\", did you mean \"val_loss\"?\n"},
    {"metric:\n  name: val_loss\n  margin: 0\n", "3: margin: \"0\" is not a number above 0\n"},
    {"replicates: 0\n", "1: replicates: \"0\" is not a whole number, 1 to 1000\n"},
    {"replicates: {first: 5, max: 3}\n", "1: replicates: max 3 is below first 5\n"},
    {"parameters:\n  fnn: {value: relu}\n", "2: no key \"fnn\", did you mean \"ffn\"? See: ablate list\n"},
    {"parameters:\n  ffn: {value: swiglo}\n",
     "2: ffn: no component \"swiglo\", did you mean \"swiglu\"? See: ablate list ffn\n"},
    {"parameters:\n  ffn:\n    values:\n      - gelu\n      - swiglu(ratoi=2)\n",
     "5: ffn: swiglu(ratoi=2): no option \"ratoi\", did you mean \"ratio\"? See: ablate describe ffn/swiglu\n"},
    {"parameters:\n  train.lr: {value: -1}\n", "2: train.lr: \"-1\" is out of range; it takes above 0\n"},
    {"parameters:\n  ffn: relu\n", "2: ffn: write {value: ...}, or {values: [...]} to try several\n"},
    {"parameters:\n  ffn: {vlaue: relu}\n", "2: ffn: no key \"vlaue\", did you mean \"value\"?\n"},
    {"parameters:\n  ffn: {values: relu}\n", "2: ffn: `values:` takes a list, such as [relu, swiglu]\n"},
    {"parameters:\n  ffn: {values: [gelu, relu, gelu(ratio=4)]}\n", "2: this arm: the same run as the baseline\n"},
    {"parameters:\n  ffn: {values: [gelu, relu, relu]}\n", "2: ffn=relu: the same run as ffn=relu\n"},
    {"parameters:\n  train.lr: {min: 1, max: 2}\n", "2: train.lr: a range is for method: random; name `values:` here\n"},
    {"parameters:\n  seed: {values: [1, 2]}\n", "2: seed: seeds are not swept; say how many with `replicates:`\n"},
    {"parameters:\n  ffn: {value: relu}\n\n  ffn: {value: gelu}\n",
     "4: \"ffn\" stands here for the second time; the first is on line 2\n"},
    {"parameters:\n  ffn: {value: swiglu(ratio=2)}\n  ffn.ratio: {value: 3}\n",
     "3: ffn.ratio: 3 here, and again inside swiglu(ratio=2); say it once\n"},
    {"parameters:\n  ffn: {values: [gelu, swiglu(ratio=2, d_ff=64)]}\n",
     "2: YAML cuts swiglu(ratio=2, d_ff=64) at its comma; write \"swiglu(ratio=2, d_ff=64)\"\n"},
    {"arms:\n  - {attention: sliding(window=8, dilation=2), norm: rmsnorm}\n",
     "2: YAML cuts sliding(window=8, dilation=2) at its comma; write \"sliding(window=8, dilation=2)\"\n"},
    {"baseline: {ffn: relu}\nparameters:\n  ffn: {value: gelu}\n", "1: ffn: line 3 gives every arm one value already\n"},
    {"arms:\n  a: {}\n", "2: a: the same run as the baseline\n"},
    {"arms:\n  a: {ffn: relu}\n  b: {ffn: \"relu(ratio=4)\"}\n", "3: b: the same run as a\n"},
    {"arms: swiglu\n", "1: arms: it takes a map of names, as `gated: {ffn: swiglu}`, or a list, as `- {ffn: swiglu}`\n"},
    {"baseline: {train.warmup: 9}\nparameters:\n  train.steps: {value: 8}\narms:\n  a: {ffn: relu}\n  b: {model.n_head: 3}\n",
     "1: (base): train.warmup: 9 steps of warm-up are more than train.steps 8; set it lower\n"
     "6: b: model.n_head: 3 heads do not divide model.d_model 128; set model.head_dim\n"},
    {"arms:\n  a: {model.n_head: 3}\n", "2: a: model.n_head: 3 heads do not divide model.d_model 128; set model.head_dim\n"},
    {"baseline: {attention: [full, sliding, lsh], model.n_layer: 2}\n",
     "1: (base): attention: its list has 3 entries for 2 layers; shorten it, or set model.n_layer to 3 or more\n"},
    {"match: {params: ffn.d_ff}\nparameters:\n  ffn.d_ff: {values: [64, 128]}\n",
     "3: ffn.d_ff: it is swept, and match on line 1 solves it\n"},
    {"match: {params: ffn.d_ff}\narms:\n  - {ffn: swiglu(d_ff=64)}\n",
     "3: swiglu(d_ff=64): match solves ffn.d_ff; leave it out here\n"},
    {"match: {params: train.steps}\n", "1: match: train.steps does not change the number of parameters; match flops by it\n"},
    {"match: {params: train.lr}\n",
     "1: match: \"train.lr\" cannot be solved; ffn.d_ff, model.d_model, model.n_layer and train.steps can\n"},
    {"method: ablation\n", "1: method: ablation needs parameters with `values:` to change one at a time\n"},
    {"claims:\n  - says: x\n    expect: val_loss[(base)] = 1\n",
     "3: expect: \"val_loss[(base)] = 1\" is not of the form val_loss[ARM] < val_loss[ARM], with <, > or ~ (alike within the "
     "margin), arms as tables name them, and perhaps a number on the right\n"},
    {"arms:\n  gated: {ffn: swiglu}\nclaims:\n  - says: x\n    expect: val_loss[gatde] < val_loss[(base)]\n",
     "5: expect: no arm \"gatde\", did you mean \"gated\"?\n"},
    {"claims:\n  - says: x\n    expect: val_losss[(base)] < 1\n",
     "3: expect: no metric \"val_losss\", did you mean \"val_loss\"?\n"},
    {"claims:\n  - says: x\n    expect: val_loss[(base)] < token_per_s[(base)]\n",
     "3: expect: no metric \"token_per_s\", did you mean \"tokens_per_s\"?\n"},
    {"claims:\n  - says: x\n    expect: val_loss@sliding[(base)] < 1\n",
     "3: expect: (base) is not evaluated as sliding; name it under eval_as: [\"sliding\"]\n"},
    {"claims:\n  - says: x\n    expect: tokens_per_s@full[(base)] < 1\n",
     "3: expect: tokens_per_s is told of training, with the run's own attention; val_ and test_ metrics are told of more\n"},
    {"requires: val_acuracy >= 0.99\n", "1: requires: no metric \"val_acuracy\", did you mean \"val_accuracy\"?\n"},
    {"requires: val_accuracy@sliding >= 0.99\n",
     "1: requires: (base) is not evaluated as sliding; name it under eval_as: [\"sliding\"]\n"},
    {"requires: val_accuracy@slidng >= 0.99\n",
     "1: requires: attention: no component \"slidng\", did you mean \"sliding\"? See: ablate list attention\n"},
    {"requires: good\n", "1: requires: \"good\" is not of the form val_accuracy >= 0.99\n"},
    {"claims:\n  - says: x\n", "2: claims: a claim needs `says:` and `expect:`\n"},
    {"a: &x [1]\n", "1: anchors (&x) are not read here; write the value out\n1: no key \"a\"\n"},
    {"name: !!str x\n", "1: tags (tag:yaml.org,2002:str) are not read here; quote the text instead\n"},
    {"name: x\n---\nname: y\n", "2: a second document begins; a file holds one\n"},
    {"- a\n- b\n", "1: an experiment is a map of keys, such as `name:` and `parameters:`\n"},
    {"name: x\n  bad: 1\n", "2: column 6: mapping values are not allowed in this context\n"},
    {"# nothing\n", " the file is empty\n"},
};

// One line for each mistake: where, what is wrong, what was meant.
Test(experiment, mistakes_are_answered_with_their_line)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct experiment experiment;
        struct error error;
        bool done = read_experiment(mistakes[i].text, NULL, &experiment, &error);
        cr_expect_not(done, "accepted: %s", mistakes[i].text);
        cr_expect_str_eq(error.text, mistakes[i].said, "%ssaid: %s", mistakes[i].text, error.text);
        cr_expect(error.is_request);
        if (done)
            experiment_close(&experiment);
    }
}

// Whoever mends a file wants to do it once.
Test(experiment, all_mistakes_are_reported_at_once_in_the_order_of_the_file)
{
    static const char text[] =
        "nmae: x\nreplicates: -1\nparameters:\n  ffn: {values: [gelu, swiglo, relu(ratoi=2)]}\n"
        "  train.lr: {value: fast}\n  norm: rmsnorm\narms:\n  a: {heads: gqa(kv_heads=x)}\n  b: {position: rpoe}\n";
    static const int lines[] = {1, 2, 4, 4, 5, 6, 8, 9};
    struct experiment experiment;
    struct error error;
    cr_assert_not(read_experiment(text, NULL, &experiment, &error));
    const char *c = error.text;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cr_expect_eq(atoi(c), lines[i], "line %d is missing in:\n%s", lines[i], error.text);
        c += strcspn(c, "\n");
        c += *c == '\n';
    }
    cr_expect_eq(*c, '\0', "more than was wrong:\n%s", error.text);
}

Test(experiment, the_command_line_cannot_change_what_is_varied)
{
    static const char *const set[] = {"ffn=relu", NULL};
    struct experiment_changes changes = {.set = set};
    struct experiment experiment;
    struct error error;
    cr_assert_not(read_experiment("parameters:\n  ffn: {values: [gelu, relu]}\n", &changes, &experiment, &error));
    cr_expect(strstr(error.text, "--set ffn: the experiment varies it"), "%s", error.text);
}

// ---- Hostile files ----------------------------------------------------------------------------------------------------------

// Fails with one clear answer, soon and without much memory.
static void expect_refused(const char *data, size_t count, const char *reason)
{
    char path[PATH_SIZE];
    struct experiment experiment;
    struct error error = {0};
    write_file(path, data, count);
    cr_expect_not(experiment_read(path, NULL, &experiment, &error));
    cr_expect(strstr(error.text, reason), "said: %.400s", error.text);
    cr_expect_eq(strncmp(error.text, path, strlen(path)), 0, "the file is not named: %.400s", error.text);
    unlink(path);
}

static char *repeat(const char *piece, int times, struct text *text)
{
    for (int i = 0; i < times; i++)
        text_add(text, "%s", piece);
    return text->data;
}

// "Billion laughs": nine levels of ten aliases each would be 10^9 entries.
Test(hostile, an_alias_bomb_is_not_expanded)
{
    struct text bomb = {0};
    text_add(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++)
        text_add(&bomb, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1);
    expect_refused(bomb.data, bomb.length, "aliases (*a0) are not read here");
    text_free(&bomb);
}

Test(hostile, deep_nesting_and_great_size_are_refused)
{
    struct text deep = {0}, maps = {0}, wide = {0}, big = {0};
    repeat("[", 100000, &deep);
    expect_refused(deep.data, deep.length, "nested more than 16 deep");
    repeat("{a: ", 50000, &maps);
    expect_refused(maps.data, maps.length, "nested more than 16 deep");
    text_add(&wide, "arms:\n");
    repeat("- {}\n", 50000, &wide);
    expect_refused(wide.data, wide.length, "more than 10000 entries");
    repeat("name: x\n", 10 * 1024 * 1024 / 8, &big);
    expect_refused(big.data, big.length, "more than the 1048576 that are read here");
    text_free(&deep);
    text_free(&maps);
    text_free(&wide);
    text_free(&big);
}

Test(hostile, a_grid_of_too_many_arms_is_refused_before_it_is_made)
{
    struct text grid = {0};
    text_add(&grid, "parameters:\n");
    for (int i = 0; i < 8; i++)
        text_add(&grid, "  %s: {values: [1, 2, 3, 4, 5, 6, 7, 8]}\n",
                 (const char *[]){"train.steps", "train.batch", "train.lr", "train.clip", "model.n_layer", "model.seq_len",
                                  "train.eval_every", "train.eval_tokens"}[i]);
    struct experiment experiment;
    struct error error;
    static const char *const set[] = {"train.warmup=0", NULL};
    struct experiment_changes changes = {.set = set};
    cr_assert_not(read_experiment(grid.data, &changes, &experiment, &error));
    cr_expect(strstr(error.text, "the grid has more than 1000 arms"), "%s", error.text);
    text_free(&grid);
}

// Whatever bytes come, there is an answer and no crash: noise, a picture's head, every prefix of a right file.
Test(hostile, no_bytes_crash_the_reader)
{
    static const char right[] =
        "name: x\nmetric: {name: val_loss, margin: 0.01}\nparameters:\n  ffn: {values: [gelu, \"swiglu(ratio=2)\"]}\n"
        "  attention: {value: [\"sliding(window=4)\", full]}\narms:\n  a: {train.lr: 1e-2}\n";
    uint64_t key = random_key(1, "noise", 0);
    for (uint64_t round = 0; round < 300; round++) {
        char bytes[sizeof right], path[PATH_SIZE];
        size_t count = round < sizeof right ? (size_t)round : sizeof right - 1;
        memcpy(bytes, right, sizeof right);
        if (round >= sizeof right || round % 2) // a few bytes turned into others
            for (uint64_t i = 0; i < 4; i++)
                bytes[random_below(key, round, i, sizeof right - 1)] = (char)random_below(key, round, 100 + i, 256);
        struct experiment experiment;
        struct error error = {0};
        write_file(path, bytes, count);
        if (experiment_read(path, NULL, &experiment, &error))
            experiment_close(&experiment);
        else
            cr_expect(error.count > 0 && error.length > 0, "refused without a word");
        unlink(path);
    }
    expect_refused("\x89PNG\r\n\x1a\n\0\0\0", 11, "not a text file");
    expect_refused("name: a\0b\n", 10, ":");
}

Test(hostile, a_folder_or_nothing_is_no_experiment)
{
    struct experiment experiment;
    struct error folder = {0}, missing = {0};
    cr_expect_not(experiment_read("experiments", NULL, &experiment, &folder));
    cr_expect_str_eq(folder.text, "experiments: not a file; check the path\n");
    cr_expect_not(experiment_read("no-such.yaml", NULL, &experiment, &missing));
    cr_expect_str_eq(missing.text, "no-such.yaml: there is no such file or folder; check the path\n");
    cr_expect(folder.is_request && missing.is_request);
}
