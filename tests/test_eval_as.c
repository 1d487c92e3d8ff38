// test_eval_as.c: one training evaluated with several attentions, and runs that start from the weights another kept.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture_folder.h"
#include "model/model.h"
#include "train/kept.h"
#include "train/train.h"
#include "train/trainer.h"

enum { TOLD_MAX = 512, NAME_SIZE = 64 };
struct told {
    int64_t step;
    char name[NAME_SIZE];
    double value;
};
struct recording {
    struct told metrics[TOLD_MAX];
    int count;
};

static void begin(void *context, const struct train_facts *facts, int64_t resumed_from_step)
{
    (void)context, (void)facts, (void)resumed_from_step;
}
static void record(void *context, int64_t step, const char *name, double value)
{
    struct recording *recording = context;
    cr_assert(recording->count < TOLD_MAX && strlen(name) < NAME_SIZE);
    struct told *told = &recording->metrics[recording->count++];
    *told = (struct told){.step = step, .value = value};
    strcpy(told->name, name);
}
static void throughput(void *context, int64_t step, double tokens_per_s) { (void)context, (void)step, (void)tokens_per_s; }
static void event(void *context, int64_t step, const char *kind, double value, double threshold, const char *detail)
{
    (void)context, (void)step, (void)kind, (void)value, (void)threshold, (void)detail;
}
static bool commit(void *context, int64_t step, struct error *error)
{
    (void)context, (void)step, (void)error;
    return true;
}

static struct arena arena;
static char folder[FOLDER_PATH_SIZE];
static void make_folder(void) { folder_make(folder); }
static void remove_folder(void)
{
    folder_remove(folder);
    arena_close(&arena);
}
TestSuite(eval_as, .init = make_folder, .fini = remove_folder);
TestSuite(init_run, .init = make_folder, .fini = remove_folder);

// A window of 3 and a rate of 1e-2, so that what a model trained with full attention loses under the window shows.
static struct run small_run(const char *const *keys, struct error *error)
{
    static const char *const small[] = {"model.d_model=16",    "model.n_layer=2", "model.n_head=2",          "model.seq_len=24",
                                        "train.batch=4",       "train.steps=40",  "train.warmup=2",          "train.lr=1e-2",
                                        "train.eval_every=20", "position=rope",   "data=prose(bytes=60000)", NULL};
    struct run run;
    run_defaults(&run, &arena);
    for (const char *const *key = small; *key; key++)
        cr_assert(run_set_pair(&run, *key, &arena, error), "%s", error->text);
    for (; *keys; keys++)
        cr_assert(run_set_pair(&run, *keys, &arena, error), "%s", error->text);
    run_resolve(&run, error);
    return run;
}
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

// The id of the run, or NULL with the reason in `error`.
static const char *train(const char *const *keys, struct recording *recording, struct error *error)
{
    const struct run run = small_run(keys, error);
    const struct train_sink sink = {recording, begin, record, throughput, event, commit, NULL};
    const struct train_options options = {.threads = 2, .weights = folder};
    struct train_result result;
    recording->count = 0;
    if (error->count || !train_run(&run, &options, &sink, &result, error))
        return NULL;
    return arena_copy_text(&arena, result.run);
}

static const char *train_well(const char *const *keys, struct recording *recording)
{
    struct error error = {0};
    const char *id = train(keys, recording, &error);
    cr_assert(id, "%s", error.text);
    return id;
}

static double told(const struct recording *recording, const char *name, int64_t step)
{
    for (int i = 0; i < recording->count; i++)
        if (recording->metrics[i].step == step && !strcmp(recording->metrics[i].name, name))
            return recording->metrics[i].value;
    cr_assert_fail("%s at step %lld was not told", name, (long long)step);
    return 0;
}

static const char *init_from(const char *id) { return arena_format(&arena, "init=run(%s)", id); }

// The weights are the same and nothing was drawn anew, so it is the same number to the bit; and "as a window" means what a run
// whose attention is that window would say of them.
Test(init_run, begins_with_exactly_the_last_evaluation_of_its_source)
{
    struct recording source, same, window;
    const char *id = train_well(KEYS("train.keep_weights=true", "eval_as=sliding(window=3)"), &source);
    train_well(KEYS(init_from(id), "train.lr=1e-4"), &same);
    train_well(KEYS(init_from(id), "train.lr=1e-4", "attention=sliding(window=3)"), &window);
    double last = told(&source, "val_loss", 40), as_window = told(&source, "val_loss@sliding(window=3)", 40);
    cr_expect_eq(told(&same, "val_loss", 0), last, "%.17g is not %.17g", told(&same, "val_loss", 0), last);
    cr_expect_eq(told(&window, "val_loss", 0), as_window, "%.17g is not %.17g", told(&window, "val_loss", 0), as_window);
    cr_expect_neq(last, as_window, "the window changes nothing: it was not used");
    cr_expect_neq(told(&window, "val_loss", 40), as_window, "the weights that were read do not train");
}

// Evaluating is looking: the training must not notice, and each evaluation tells of every attention.
Test(eval_as, changes_no_bit_of_the_training)
{
    struct recording plain, with;
    train_well(KEYS("train.steps=40"), &plain);
    train_well(KEYS("eval_as=[\"full\", \"sliding(window=3)\"]"), &with);
    for (int i = 0; i < plain.count; i++)
        cr_expect_eq(told(&with, plain.metrics[i].name, plain.metrics[i].step), plain.metrics[i].value, "%s at step %lld",
                     plain.metrics[i].name, (long long)plain.metrics[i].step);
    for (int64_t step = 20; step <= 40; step += 20)
        cr_expect_eq(told(&with, "val_loss@full", step), told(&plain, "val_loss", step));
    cr_expect_eq(told(&with, "test_loss@full", 40), told(&plain, "test_loss", 40));
    cr_expect_eq(told(&with, "test_standard_error@full", 40), told(&plain, "test_standard_error", 40));
    told(&with, "val_loss@sliding(window=3)", 20);
}

static size_t planned(const char *eval_as)
{
    struct error error = {0};
    const struct run run = small_run(KEYS(arena_format(&arena, "eval_as=%s", eval_as)), &error);
    struct trainer trainer;
    cr_assert(trainer_open(&trainer, &run, &(struct trainer_options){.threads = 2, .evaluates = true}, &error), "%s",
              error.text);
    size_t bytes = trainer_bytes(&trainer);
    trainer_close(&trainer);
    return bytes;
}

// They evaluate in turn: the plan has room for the largest, not for all.
Test(eval_as, plans_the_memory_of_one_at_a_time)
{
    size_t none = planned("none"), window = planned("sliding(window=3)"), full = planned("full");
    size_t both = planned("[\"full\", \"sliding(window=3)\"]");
    cr_expect_gt(full, none);
    cr_expect_eq(both, full > window ? full : window, "%zu bytes for both, %zu and %zu for each", both, full, window);
}

static void expect_identity(const char *a, const char *b, bool same)
{
    struct error error = {0};
    char ids[2][RUN_ID_SIZE];
    const struct run first = small_run(KEYS(a), &error), second = small_run(KEYS(b), &error);
    cr_assert_eq(error.count, 0, "%s", error.text);
    run_identity(&first, "data", "products", ids[0]);
    run_identity(&second, "data", "products", ids[1]);
    cr_expect_eq(!strcmp(ids[0], ids[1]), same, "%s and %s: %s and %s", a, b, ids[0], ids[1]);
}

// Part of what a run is, when it is set: it tells more. A run that does not name it is the one it always was.
Test(eval_as, is_part_of_the_identity_only_when_set)
{
    struct error error = {0};
    struct text text = {0};
    const struct run run = small_run(KEYS("eval_as=none"), &error);
    run_identity_text(&run, "data", "products", &text);
    cr_expect_null(strstr(text.data, "eval_as"), "%s", text.data);
    text_free(&text);
    expect_identity("eval_as=full", "eval_as=none", false);
    expect_identity("eval_as=[\"full\", \"sliding(window=3)\"]", "eval_as=[full, sliding( dilation=1, window = 3 )]", true);
    expect_identity("train.keep_weights=true", "train.keep_weights=false", true);
    expect_identity("init=run(0123456789abcdef)", "init=run(0123456789abcde0)", false);
    expect_identity("init=run(0123456789abcdef)", "init=run(id=0123456789abcdef)", true);
}

// What was printed into the database must be read back as the same run.
Test(eval_as, reads_back_as_it_is_printed)
{
    static const char *const values[] = {"none", "full", "[\"full\", \"sliding(window=3)\"]"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct error error = {0};
        struct text text = {0};
        const struct run run = small_run(KEYS(arena_format(&arena, "eval_as=%s", values[i])), &error);
        cr_assert(run_print(&run, "eval_as", &text));
        cr_expect_str_eq(text.data, values[i]);
        text_free(&text);
    }
}

static void expect_refused(const struct error *error, const char *part)
{
    cr_expect_gt(error->count, 0, "not refused: %s was expected", part);
    cr_expect_not_null(strstr(error->text, part), "no \"%s\" in: %s", part, error->text);
}

Test(eval_as, refuses_an_attention_twice_and_one_that_cannot_serve)
{
    struct error twice = {0}, unknown = {0};
    struct run run = small_run(KEYS("eval_as=[\"full\", \"sliding\", \"full\"]"), &twice);
    expect_refused(&twice, "eval_as: full: it stands there twice");
    cr_expect_not(run_set(&run, "eval_as", "[\"full\", \"slidin\"]", &arena, &unknown));
    expect_refused(&unknown, "eval_as: attention: no component \"slidin\", did you mean \"sliding\"?");
}

// An attention with a tensor of its own beside the usual ones.
static struct tensor *build_gained(const struct block *block, const void *options, struct tensor *x)
{
    struct error unread = {0};
    block_gain(block, "extra", block->model->d_model);
    return block_standard_attention(block, registry_find(SLOT_ATTENTION, "full", &unread), options, x);
}
static const struct component gained = {
    .slot = SLOT_ATTENTION, .name = "gained", .version = 1, .summary = "for tests", .attention = {.build = build_gained}};

// The same weights mean nothing to a model that has others: which tensor it is must be said, from either side.
Test(eval_as, refuses_another_set_of_parameters_by_tensor)
{
    struct error error = {0}, left_over = {0}, missing = {0};
    const struct choice extra = {.component = &gained};
    struct run run = small_run(KEYS("eval_as=full"), &error);
    const struct choice full = run.eval_as.choices[0];
    run.eval_as.choices[0] = extra;
    cr_expect_not(model_eval_as_fits(&run, &left_over));
    expect_refused(&left_over,
                   "eval_as: gained: it needs the tensor \"model.layers.0.extra.weight\", which the run does not train");
    run.eval_as.choices[0] = full;
    run.slots[SLOT_ATTENTION].choices[0] = extra;
    cr_expect_not(model_eval_as_fits(&run, &missing));
    expect_refused(&missing,
                   "eval_as: full: it has no use for the tensor \"model.layers.0.extra.weight\", which the run trains");
    run.eval_as.choices[0] = extra;
    error = (struct error){0};
    cr_expect(model_eval_as_fits(&run, &error), "%s", error.text);
}

// A file of weights is read before it is believed.
Test(init_run, refuses_what_is_not_the_weights_it_asks_for)
{
    static const char other[] = "0123456789abcdef";
    struct recording recording;
    const char *id = train_well(KEYS("train.keep_weights=true"), &recording);
    char *path = kept_path(folder, id), *renamed = kept_path(folder, other);
    struct error absent = {0}, shapes = {0}, foreign = {0}, damaged = {0}, open = {0}, short_id = {0};
    cr_expect_null(train(KEYS(init_from(other)), &recording, &absent));
    expect_refused(&absent, "; run it again with train.keep_weights=true\n");
    cr_expect_null(train(KEYS(init_from(id), "ffn=swiglu"), &recording, &shapes));
    expect_refused(&shapes, "tensor \"model.layers.0.mlp.gate_proj.weight\" is missing");
    cr_expect_null(train(KEYS("init=run(experiment=demo)"), &recording, &open));
    expect_refused(&open, "name a run here: run(ID)");
    cr_expect_null(train(KEYS("init=run(12)"), &recording, &short_id));
    expect_refused(&short_id, "the id of a run is 16 digits");

    FILE *file = fopen(path, "r+b");
    cr_assert(file && fseek(file, -1, SEEK_END) == 0);
    int last = fgetc(file);
    cr_assert(fseek(file, -1, SEEK_END) == 0 && fputc(last ^ 1, file) != EOF && fclose(file) == 0);
    cr_expect_null(train(KEYS(init_from(id)), &recording, &damaged));
    expect_refused(&damaged, "its numbers are not those that were written");
    cr_assert_eq(rename(path, renamed), 0);
    cr_expect_null(train(KEYS(init_from(other)), &recording, &foreign));
    expect_refused(&foreign, "the weights of another run");
    free(path);
    free(renamed);
}
