// test_training.c: a run gives the same bits however it is carried out, learns, and says when it diverged.
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "fixture_folder.h"
#include "model/safetensors.h"
#include "train/batch.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/train.h"
#include "train/trainer.h"

enum { VOCABULARY = 16, TOKENS = 6000 };

// ---- Data and a sink for tests ----------------------------------------------------------------------------------------------

// Each token is mostly the one before plus 3: learnable, with noise. Every surprise is said to be 0.25.
static bool open_data(const void *options, struct dataset *dataset, struct error *error)
{
    (void)options;
    if (!dataset_allocate(dataset, TOKENS, true, error))
        return false;
    uint64_t key = random_key(5, "test", 0);
    for (int64_t i = 0; i < TOKENS; i++) {
        bool noise = i == 0 || random_below(key, (uint64_t)i, 0, 8) == 0;
        dataset->tokens[i] = noise ? (uint16_t)random_below(key, (uint64_t)i, 1, VOCABULARY)
                                   : (uint16_t)((dataset->tokens[i - 1] + 3) % VOCABULARY);
        dataset->surprise[i] = 0.25F;
    }
    dataset->tokens_are_bytes = true;
    dataset_split(dataset, TOKENS);
    return true;
}

static const struct component test_data = {
    .slot = SLOT_DATA, .name = "test", .version = 1, .summary = "tokens for tests", .data = {.open = open_data}};

enum { TOLD_MAX = 4096, NAME_SIZE = 32 };
struct told {
    int64_t step;
    char name[NAME_SIZE];
    double value;
};
struct recording {
    struct told metrics[TOLD_MAX], events[8];
    int metric_count, event_count;
    int64_t resumed_from, fail_commit_at; // fail_commit_at: the machine dies there; 0: never
    size_t planned_bytes;
};

static void record_begin(void *context, const struct train_facts *facts, int64_t resumed_from_step)
{
    struct recording *recording = context;
    recording->resumed_from = resumed_from_step;
    recording->planned_bytes = facts->planned_bytes;
}
static void record_metric(void *context, int64_t step, const char *name, double value)
{
    struct recording *recording = context;
    cr_assert(recording->metric_count < TOLD_MAX && strlen(name) < NAME_SIZE);
    struct told *told = &recording->metrics[recording->metric_count++];
    told->step = step;
    told->value = value;
    strcpy(told->name, name);
}
static void record_throughput(void *context, int64_t step, double tokens_per_s)
{
    (void)context, (void)step, (void)tokens_per_s;
}
static void record_event(void *context, int64_t step, const char *kind, double value, double threshold, const char *detail)
{
    (void)threshold, (void)detail;
    struct recording *recording = context;
    cr_assert(recording->event_count < 8);
    struct told *told = &recording->events[recording->event_count++];
    told->step = step;
    told->value = value;
    strcpy(told->name, kind);
}
static bool record_commit(void *context, int64_t step, struct error *error)
{
    const struct recording *recording = context;
    return step != recording->fail_commit_at || error_add(error, "the store is gone");
}

static struct arena arena;

static struct run small_run(const char *const *keys)
{
    static const char *const small[] = {"model.d_model=32",
                                        "model.n_layer=2",
                                        "model.n_head=2",
                                        "model.seq_len=16",
                                        "model.vocab=16",
                                        "train.steps=12",
                                        "train.batch=5",
                                        "train.warmup=3",
                                        "train.lr=3e-3",
                                        "train.eval_every=4",
                                        "train.checkpoint_every=4",
                                        "dropout=on(rate=0.1)",
                                        NULL};
    struct run run;
    struct error error = {0};
    run_defaults(&run, &arena);
    for (const char *const *key = small; *key; key++)
        cr_assert(run_set_pair(&run, *key, &arena, &error), "%s", error.text);
    for (; keys && *keys; keys++)
        cr_assert(run_set_pair(&run, *keys, &arena, &error), "%s", error.text);
    run.slots[SLOT_DATA] = (struct setting){.count = 1, .choices = {{.component = &test_data}}};
    cr_assert(run_resolve(&run, &error), "%s", error.text);
    return run;
}

static bool train(const struct run *run, const struct train_options *options, struct recording *recording,
                  struct train_result *result, struct error *error)
{
    const struct train_sink sink = {recording,    record_begin,  record_metric, record_throughput,
                                    record_event, record_commit, NULL};
    recording->metric_count = recording->event_count = 0;
    return train_run(run, options, &sink, result, error);
}

static struct recording *train_well(const struct run *run, const struct train_options *options, struct train_result *result)
{
    struct error error = {0};
    struct recording *recording = arena_allocate(&arena, 1, sizeof *recording);
    cr_assert(train(run, options, recording, result, &error), "%s", error.text);
    return recording;
}

// From step `from` on: name by name and bit by bit.
static void expect_same_metrics(const struct recording *got, const struct recording *want, int64_t from)
{
    int i = 0, compared = 0;
    for (int j = 0; j < want->metric_count; j++) {
        if (want->metrics[j].step < from || (want->metrics[j].step == from && strncmp(want->metrics[j].name, "val", 3) == 0))
            continue;
        cr_assert(i < got->metric_count, "%s at step %lld is missing", want->metrics[j].name, (long long)want->metrics[j].step);
        cr_assert_str_eq(got->metrics[i].name, want->metrics[j].name);
        cr_assert_eq(got->metrics[i].step, want->metrics[j].step);
        cr_expect(memcmp(&got->metrics[i].value, &want->metrics[j].value, sizeof(double)) == 0,
                  "%s at step %lld: %.17g is not %.17g", want->metrics[j].name, (long long)want->metrics[j].step,
                  got->metrics[i].value, want->metrics[j].value);
        i++;
        compared++;
    }
    cr_assert(compared > 0 && i == got->metric_count, "%d metrics, %d were told", compared, got->metric_count);
}

static const struct told *find(const struct recording *recording, const char *name, int64_t step)
{
    for (int i = 0; i < recording->metric_count; i++) {
        if (recording->metrics[i].step == step && strcmp(recording->metrics[i].name, name) == 0)
            return &recording->metrics[i];
    }
    cr_assert_fail("%s at step %lld was not told", name, (long long)step);
    return NULL;
}

static char path[FOLDER_PATH_SIZE];
static void make_folder(void) { folder_make(path); }
static void remove_folder(void)
{
    folder_remove(path);
    arena_close(&arena);
}
TestSuite(training, .init = make_folder, .fini = remove_folder);

// ---- The same bits ----------------------------------------------------------------------------------------------------------

// Bits depend on the run alone: not on the threads that carry its lanes, nor on what memory held before.
Test(training, same_bits_for_any_threads_and_with_poisoned_memory)
{
    static const char *const measuring[] = {"optimizer=stable_adamw", NULL};
    static const char *const *const changes[] = {NULL, measuring};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const struct run run = small_run(changes[i]);
        struct train_result result;
        const struct recording *one = train_well(&run, &(struct train_options){.threads = 1}, &result);
        expect_same_metrics(train_well(&run, &(struct train_options){.threads = 2}, &result), one, 0);
        expect_same_metrics(train_well(&run, &(struct train_options){.threads = 2, .poison = true}, &result), one, 0);
    }
}

// Killed between two checkpoints and started again, a run goes on from the last one to the very same numbers.
Test(training, continues_to_the_same_bits)
{
    const struct run run = small_run(NULL);
    struct train_result result;
    struct error error = {0};
    struct recording killed = {.fail_commit_at = 8};
    const struct train_options options = {.threads = 2, .checkpoint = arena_format(&arena, "%s/c.safetensors", path)};
    const struct recording *whole = train_well(&run, &(struct train_options){.threads = 2}, &result);
    cr_assert(!train(&run, &options, &killed, &result, &error));
    cr_assert_str_eq(error.text, "the store is gone\n");
    const struct recording *rest = train_well(&run, &options, &result);
    cr_expect_eq(rest->resumed_from, 4, "resumed from step %lld", (long long)rest->resumed_from);
    expect_same_metrics(rest, whole, 4);
}

static void expect_refused(const struct run *run, const struct train_options *options, const char *words)
{
    struct train_result result;
    struct error error = {0};
    struct recording recording = {0};
    cr_expect(!train(run, options, &recording, &result, &error), "trained on, although: %s", words);
    cr_expect(strstr(error.text, words) && strstr(error.text, options->checkpoint) && strstr(error.text, "remove it"), "%s",
              error.text);
}

// A checkpoint that is not this run's, or not whole, would silently give other numbers.
Test(training, refuses_a_foreign_or_damaged_checkpoint)
{
    static const char *const other_seed[] = {"seed=2", NULL};
    const struct run run = small_run(NULL), other = small_run(other_seed);
    const struct train_options options = {.threads = 2,
                                          .checkpoint = arena_format(&arena, "%s/c.safetensors", path),
                                          .keeps = true};
    struct train_result result;
    struct bytes bytes;
    struct error error = {0};
    train_well(&run, &options, &result);
    cr_assert_eq(train_well(&run, &options, &result)->resumed_from, 12); // the last step's: nothing but the evaluations is left
    expect_refused(&other, &options, "another run");
    cr_assert(file_read(options.checkpoint, 1 << 24, &bytes, &error), "%s", error.text);
    bytes.data[bytes.count - 1000] ^= 4;
    cr_assert(file_replace(options.checkpoint, bytes.data, bytes.count, &error));
    expect_refused(&run, &options, "not those that were written");
    cr_assert(file_replace(options.checkpoint, bytes.data, bytes.count / 2, &error));
    expect_refused(&run, &options, "outside the file");
    cr_assert(file_replace(options.checkpoint, "{}", 2, &error));
    expect_refused(&run, &options, "not a safetensors file");
    bytes_free(&bytes);
}

// ---- What is told -----------------------------------------------------------------------------------------------------------

// Seven of eight tokens follow from the one before: the loss falls from a uniform guess, ln 16 = 2.77, towards the source's
// entropy: the following token has p = 7/8 + 1/128, the 15 others 1/128 each: 0.68 nats.
Test(training, learns)
{
    static const char *const longer[] = {"train.steps=150", "train.lr=1e-2", "dropout=off", "train.batch=8", NULL};
    const struct run run = small_run(longer);
    struct train_result result;
    const struct recording *recording = train_well(&run, &(struct train_options){.threads = 2}, &result);
    double first = find(recording, "train_loss", 0)->value, last = find(recording, "val_loss", 150)->value;
    cr_expect(fabs(first - 2.77) < 0.1, "the loss starts at %g, a uniform guess is 2.77", first);
    cr_expect(last > 0.55 && last < 1.0, "the loss ends at %g", last);
    cr_expect_eq(result.state, TRAIN_FINISHED);
    double bits = find(recording, "val_bits_per_byte", 150)->value, perplexity = find(recording, "val_perplexity", 150)->value;
    cr_expect(fabs(bits - last / 0.6931471805599453) < 1e-12 && fabs(perplexity - exp(last)) < 1e-12);
    cr_expect(fabs(find(recording, "floor", 150)->value - 0.25) < 1e-9 &&
              fabs(find(recording, "val_excess", 150)->value - (last - 0.25)) < 1e-9);
    double test_error = find(recording, "test_standard_error", 150)->value;
    cr_expect(test_error > 0.005 && test_error < 0.5, "standard error %g", test_error);
}

// Not finite, or worse than untrained 20 steps in a row: a result with its step, not a failure; what was told is kept.
Test(training, says_that_it_diverged)
{
    static const char *const overflowing[] = {"train.eval_every=0", "train.lr=30",     "optimizer=sgd(momentum=0.9)",
                                              "train.clip=0",       "train.steps=200", NULL};
    static const char *const worse[] = {"train.eval_every=0", "train.lr=1", "schedule=constant", "train.steps=200", NULL};
    static const char *const *const changes[] = {overflowing, worse};
    for (int i = 0; i < 2; i++) {
        const struct run run = small_run(changes[i]);
        struct train_result result;
        const struct recording *recording = train_well(&run, &(struct train_options){.threads = 2}, &result);
        cr_assert_eq(result.state, TRAIN_DIVERGED);
        cr_assert_eq(recording->event_count, i == 0 ? 2 : 1);
        const struct told *event = &recording->events[recording->event_count - 1];
        cr_expect_str_eq(recording->events[0].name, i == 0 ? "non_finite" : "diverged");
        cr_expect_str_eq(event->name, "diverged");
        cr_expect(isfinite(event->value) == (i == 1));
        cr_expect_eq(event->step, result.diverged_at);
        double first = find(recording, "train_loss", 0)->value;
        for (int64_t step = result.diverged_at - 19; i == 1 && step <= result.diverged_at; step++)
            cr_expect(find(recording, "train_loss", step)->value > 1.1 * first, "step %lld was not above", (long long)step);
        cr_expect_eq(find(recording, "train_loss", result.diverged_at)->step, result.diverged_at);
        for (int j = 0; j < recording->metric_count; j++)
            cr_expect(strncmp(recording->metrics[j].name, "test", 4) != 0, "the test part was read for a diverged run");
    }
}

// ---- Data and updates -------------------------------------------------------------------------------------------------------

// The whole part in windows that share no target: each token is one once, but for the first and a short rest. The part's 300
// tokens are 50 times 6, of which only 49 windows have a last target.
Test(training, evaluation_reads_every_window_once)
{
    struct dataset dataset = {0};
    struct error error = {0};
    struct batch_room room;
    int seen[TOKENS] = {0};
    cr_assert(open_data(NULL, &dataset, &error) && batch_open(&room, 4, 6, &error), "%s", error.text);
    const struct span part = dataset.parts[DATA_VALIDATION];
    int64_t windows = batch_sequences(&dataset, DATA_VALIDATION, 6), count = part.end - part.begin;
    cr_assert_eq(windows, (count - 1) / 6);
    for (int64_t first = 0; first < windows; first += 4) {
        int64_t left = windows - first < 4 ? windows - first : 4;
        struct batch batch = batch_read(&room, &dataset, DATA_VALIDATION, first, left);
        for (int64_t i = 0; i < left * 6; i++) {
            int64_t place = first * 6 + i;
            cr_assert(batch.tokens[i] == dataset.tokens[part.begin + place] &&
                      batch.targets[i] == dataset.tokens[part.begin + place + 1]);
            cr_assert_eq(batch.positions[i], i % 6);
            seen[place + 1]++;
        }
    }
    for (int64_t i = 0; i < count; i++)
        cr_assert_eq(seen[i], i >= 1 && i <= windows * 6, "token %lld was a target %d times", (long long)i, seen[i]);
    batch_close(&room);
    dataset_close(&dataset);
}

// Paired by construction: a window depends on (seed, step, row) alone, so arms of other batch sizes share the rows they have.
Test(training, batches_depend_on_seed_step_and_row_alone)
{
    struct dataset dataset = {0};
    struct error error = {0};
    struct batch_room few, many;
    cr_assert(open_data(NULL, &dataset, &error) && batch_open(&few, 3, 9, &error) && batch_open(&many, 5, 9, &error), "%s",
              error.text);
    batch_draw(&few, &dataset, 4, 11);
    batch_draw(&many, &dataset, 4, 11);
    cr_expect_arr_eq(few.tokens, many.tokens, 27 * sizeof(int32_t));
    batch_draw(&many, &dataset, 4, 12);
    cr_expect_arr_neq(few.tokens, many.tokens, 27 * sizeof(int32_t), "another step, the same windows");
    batch_draw(&many, &dataset, 5, 11);
    cr_expect_arr_neq(few.tokens, many.tokens, 27 * sizeof(int32_t), "another seed, the same windows");
    batch_close(&few);
    batch_close(&many);
    dataset_close(&dataset);
}

// A step and an evaluation of different batch sizes read the same windows: the mean over them is one number.
Test(training, evaluation_does_not_depend_on_its_batch)
{
    const struct run run = small_run(NULL);
    const struct trainer_options options = {.threads = 2, .evaluates = true};
    struct trainer trainer;
    struct dataset dataset = {0};
    struct error error = {0};
    double losses[2], errors[2];
    cr_assert(open_data(NULL, &dataset, &error) && trainer_open(&trainer, &run, &options, &error), "%s", error.text);
    for (int i = 0; i < 2; i++) {
        struct evaluation_room room;
        struct evaluation evaluation;
        cr_assert(evaluation_open(&room, i ? 5 : 3, run.model.seq_len, &error), "%s", error.text);
        evaluate(trainer.eval_executor, &room, &dataset, DATA_TEST, 0, &evaluation);
        losses[i] = evaluation.loss;
        errors[i] = evaluation.standard_error;
        cr_expect_eq(evaluation.sequences, (TOKENS / 20 - 1) / 16);
        evaluate(trainer.eval_executor, &room, &dataset, DATA_TEST, 40, &evaluation);
        cr_expect_eq(evaluation.sequences, 2, "40 tokens are 2 windows of 16, not %lld", (long long)evaluation.sequences);
        evaluation_close(&room);
    }
    cr_expect(fabs(losses[0] - losses[1]) < 1e-6 && fabs(errors[0] - errors[1]) < 1e-6, "%.9g and %.9g", losses[0], losses[1]);
    trainer_close(&trainer);
    dataset_close(&dataset);
}

// What `ablate plot` sets against the length: of one sequence, so neither the threads nor, but for what a
// thread needs once, the batch change it; and told once.
Test(training, activation_bytes_are_those_of_a_sequence)
{
    static const struct {
        const char *length, *batch;
        int threads;
    } runs[] = {{"model.seq_len=64", "train.batch=2", 1},
                {"model.seq_len=64", "train.batch=4", 2},
                {"model.seq_len=128", "train.batch=2", 2}};
    double bytes[3];
    for (size_t i = 0; i < 3; i++) {
        const char *const set[] = {runs[i].length,   runs[i].batch,        "train.steps=1",
                                   "train.warmup=0", "train.eval_every=0", NULL};
        const struct run run = small_run(set);
        struct train_result result;
        const struct recording *recording = train_well(&run, &(struct train_options){.threads = runs[i].threads}, &result);
        int count = 0;
        for (int j = 0; j < recording->metric_count; j++)
            if (!strcmp(recording->metrics[j].name, "activation_bytes")) {
                bytes[i] = recording->metrics[j].value;
                count += 1 + (recording->metrics[j].step != 0);
            }
        cr_assert_eq(count, 1, "told %d times, or not at step 0", count);
    }
    cr_expect(fabs(bytes[1] / bytes[0] - 1) < 0.1, "%.0f bytes, and %.0f in a larger batch", bytes[0], bytes[1]);
    cr_expect(bytes[2] > 1.8 * bytes[0] && bytes[2] < 2.1 * bytes[0], "%.2f times for twice the length", bytes[2] / bytes[0]);
}

// The plan is what a user decides by: it must be near what the process then holds. A sanitizer holds several times as much.
#ifndef __SANITIZE_ADDRESS__
Test(training, plans_the_memory_it_takes)
{
    static const char *const larger[] = {"model.d_model=256", "model.n_head=8", "model.n_layer=4",    "model.seq_len=128",
                                         "train.steps=3",     "train.batch=8",  "train.eval_every=0", NULL};
    const struct run run = small_run(larger);
    struct train_result result;
    const struct recording *recording = train_well(&run, &(struct train_options){.threads = 2}, &result);
    double share = (double)result.peak_rss_bytes / (double)recording->planned_bytes;
    cr_expect(fabs(share - 1) < 0.1, "planned %.1f MiB, held %.1f", (double)recording->planned_bytes / 1048576,
              (double)result.peak_rss_bytes / 1048576);
}
#endif
