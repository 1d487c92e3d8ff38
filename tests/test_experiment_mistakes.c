// test_experiment_mistakes.c: every mistake of an experiment file is answered with its line, all at once; no bytes do harm.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture_file.h"
#include "sweep/draft.h"

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
    {"parameters:\n  model.d_model: {value: 32}\n  model.n_head: {value: 5}\n",
     "3: (base): model.n_head: 5 heads do not divide model.d_model 32; set model.head_dim\n"},
    {"parameters:\n  data: {value: prose}\n  init: {value: run(x)}\n",
     "3: (base): init: run(x): the id of a run is 16 digits from 0 to f. See: ablate runs\n"},
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
        bool done = file_read_experiment(mistakes[i].text, NULL, &experiment, &error);
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
    cr_assert_not(file_read_experiment(text, NULL, &experiment, &error));
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
    cr_assert_not(file_read_experiment("parameters:\n  ffn: {values: [gelu, relu]}\n", &changes, &experiment, &error));
    cr_expect(strstr(error.text, "--set ffn: the experiment varies it"), "%s", error.text);
}

// ---- Hostile files ----------------------------------------------------------------------------------------------------------

// Fails with one clear answer, soon and without much memory.
static void expect_refused(const char *data, size_t count, const char *reason)
{
    char path[FILE_PATH_SIZE];
    struct experiment experiment;
    struct error error = {0};
    file_write_text(path, data, count);
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
    cr_assert_not(file_read_experiment(grid.data, &changes, &experiment, &error));
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
        char bytes[sizeof right], path[FILE_PATH_SIZE];
        size_t count = round < sizeof right ? (size_t)round : sizeof right - 1;
        memcpy(bytes, right, sizeof right);
        if (round >= sizeof right || round % 2) // a few bytes turned into others
            for (uint64_t i = 0; i < 4; i++)
                bytes[random_below(key, round, i, sizeof right - 1)] = (char)random_below(key, round, 100 + i, 256);
        struct experiment experiment;
        struct error error = {0};
        file_write_text(path, bytes, count);
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
