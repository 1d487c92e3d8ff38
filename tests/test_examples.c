// test_examples.c: data of whole examples: recall follows Zoology's rules, duplicate Reformer's, and accuracy counts what it
// should.
#include <criterion/criterion.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "registry/run.h"
#include "train/batch.h"
#include "train/evaluate.h"

enum { LENGTH_MAX = 256, VOCABULARY_MAX = 512 };

static struct arena arena;

static void close_arena(void) { arena_close(&arena); }
TestSuite(examples, .fini = close_arena);

// A run with full attention in one direction; `keys` may say otherwise. False with the reason where it is refused.
static bool make_run(struct run *run, const char *const *keys, struct error *error)
{
    run_defaults(run, &arena);
    for (; *keys; keys++)
        cr_assert(run_set_pair(run, *keys, &arena, error), "%s", error->text);
    return run_resolve(run, error);
}

static struct run run_of(const char *const *keys)
{
    struct run run;
    struct error error = {0};
    cr_assert(make_run(&run, keys, &error), "%s", error.text);
    return run;
}

// Both layouts of recall are checked on the generator itself: whether the model may look ahead is the attention's business.
static struct run backward_run_of(const char *const *keys)
{
    struct run run;
    struct error unread = {0};
    make_run(&run, keys, &unread);
    return run;
}

struct example {
    int32_t tokens[LENGTH_MAX], targets[LENGTH_MAX];
};

static struct dataset opened(const struct run *run)
{
    struct dataset dataset;
    struct error error = {0};
    cr_assert(dataset_open(&dataset, run, &error), "%s", error.text);
    return dataset;
}

static struct example example_of(const struct run *run, enum data_part part, int64_t index)
{
    struct example example;
    struct dataset dataset = opened(run);
    dataset_example(&dataset, part, index, example.tokens, example.targets);
    return example;
}

// ---- recall -----------------------------------------------------------------------------------------------------------------

struct setting_of_recall {
    int64_t length, vocabulary, pairs, gap;
    bool at_start;
    const char *keys[4];
};
static const struct setting_of_recall settings[] = {
    {64, 256, 4, 0, false, {"data=recall", "model.seq_len=64", "model.vocab=256"}},
    {16, 10, 4, 0, false, {"data=recall", "model.seq_len=16", "model.vocab=10"}}, // as tight as it may be
    {75, 19, 5, 12, false, {"data=recall(pairs=5, gap=12, power=1)", "model.seq_len=75", "model.vocab=19"}},
    {200, 512, 8, 100, true, {"data=recall(pairs=8, gap=100, power=1, query=start)", "model.seq_len=200", "model.vocab=512"}},
    {15, 10, 4, 3, true, {"data=recall(query=start, gap=3)", "model.seq_len=15", "model.vocab=10"}},
};

// Zoology's rules, restated from what an example shows: where tokens are other than 0, which of them are pairs, what is asked.
static void expect_recall(const struct setting_of_recall *setting, const struct example *example)
{
    int64_t value_of[VOCABULARY_MAX] = {0}, asked[VOCABULARY_MAX] = {0}, half = setting->vocabulary / 2;
    int64_t first = setting->at_start ? setting->pairs : 2 * setting->pairs, slots = first + setting->gap, pairs = 0,
            queries = 0;
    for (int64_t t = 0; t + 1 < setting->length; t++) {
        int32_t key = example->tokens[t], value = example->tokens[t + 1];
        bool in_place = setting->at_start ? t >= slots && (t - slots) % 2 == 0 : t < first && t % 2 == 0;
        if (!in_place || key == 0)
            continue;
        cr_assert(key >= 1 && key < half, "key %d at %" PRId64, key, t);
        cr_assert(value >= half && value < setting->vocabulary, "value %d at %" PRId64, value, t + 1);
        cr_assert(value_of[key] == 0, "key %d has two values", key);
        for (int64_t other = 1; other < half; other++)
            cr_assert(value_of[other] != value, "value %d has two keys", value);
        value_of[key] = value;
        pairs++;
    }
    cr_assert_eq(pairs, setting->pairs, "%" PRId64 " pairs", pairs);
    for (int64_t t = 0; t < setting->length; t++) {
        if (example->targets[t] < 0)
            continue;
        bool in_place = setting->at_start ? t < first : t >= slots && (t - slots) % 2 == 0;
        int32_t key = example->tokens[t];
        cr_assert(in_place, "a query at %" PRId64, t);
        cr_assert(key >= 1 && key < half && asked[key]++ == 0, "key %d at %" PRId64 " is no key, or asked for again", key, t);
        cr_assert_eq(example->targets[t], value_of[key], "key %d: the target is %d, its value %" PRId64, key,
                     example->targets[t], value_of[key]);
        queries++;
    }
    cr_assert_eq(queries, setting->pairs, "%" PRId64 " queries", queries);
    int64_t filled = 0;
    for (int64_t t = 0; t < setting->length; t++)
        filled += example->tokens[t] != 0;
    cr_assert_eq(filled, 3 * setting->pairs, "%" PRId64 " positions are no filler: an answer was fed back", filled);
}

Test(examples, recall_keeps_the_rules_of_zoology)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct run run = backward_run_of(settings[i].keys);
        struct dataset dataset = opened(&run);
        for (int64_t index = 0; index < 300; index++) {
            struct example example;
            memset(&example, 0x55, sizeof example); // what a batch held before must not shine through
            dataset_example(&dataset, (enum data_part)(index % DATA_PARTS), index, example.tokens, example.targets);
            expect_recall(&settings[i], &example);
        }
    }
}

// The slot of the first pair's query has p proportional to j^(power - 1); the second's is drawn likewise among the others:
// P(j) = p_j sum over i != j of p_i / (1 - p_i). Chi-square over 30 slots, 29 degrees of freedom: 66.2 is exceeded in 1 of
// 10^4. So many examples, because the area that a draw starts from is but 2% more than it should be where it is worst.
static void expect_slots(const char *data, double power)
{
    enum { SLOTS = 30, EXAMPLES = 1000000 };
    const char *const keys[] = {data, "model.seq_len=64", NULL};
    struct run run = run_of(keys);
    struct dataset dataset = opened(&run);
    double p[SLOTS], sum = 0, seen[2][SLOTS] = {0}, chi_square[2] = {0};
    for (int64_t index = 0; index < EXAMPLES; index++) {
        struct example example;
        dataset_example(&dataset, DATA_TRAIN, index, example.tokens, example.targets);
        for (int pair = 0; pair < 2; pair++)
            for (int slot = 0; slot < SLOTS; slot++)
                seen[pair][slot] += example.tokens[4 + 2 * slot] == example.tokens[2 * pair];
    }
    for (int j = 0; j < SLOTS; j++)
        sum += p[j] = pow(j + 1, power - 1);
    for (int j = 0; j < SLOTS; j++)
        p[j] /= sum;
    for (int j = 0; j < SLOTS; j++) {
        double others = 0;
        for (int i = 0; i < SLOTS; i++)
            others += i == j ? 0 : p[i] / (1 - p[i]);
        const double expected[] = {EXAMPLES * p[j], EXAMPLES * p[j] * others};
        for (int pair = 0; pair < 2; pair++)
            chi_square[pair] += (seen[pair][j] - expected[pair]) * (seen[pair][j] - expected[pair]) / expected[pair];
    }
    cr_expect(chi_square[0] < 66.2 && chi_square[1] < 66.2, "%s: chi-square %.1f for the first pair, %.1f for the second", data,
              chi_square[0], chi_square[1]);
}

Test(examples, recall_draws_slots_by_their_power_law)
{
    expect_slots("data=recall(pairs=2)", 0.01);
    expect_slots("data=recall(pairs=2, power=0.5)", 0.5);
    expect_slots("data=recall(pairs=2, power=1)", 1);
}

// Every key and every value is as likely as any other: 127 and 128 of them, 4 an example.
Test(examples, recall_draws_keys_and_values_evenly)
{
    enum { EXAMPLES = 8000, VOCABULARY = 256 };
    const char *const keys[] = {"data=recall", "model.seq_len=64", NULL};
    struct run run = run_of(keys);
    double seen[VOCABULARY] = {0}, chi_square[2] = {0};
    for (int64_t index = 0; index < EXAMPLES; index++) {
        struct example example = example_of(&run, DATA_TEST, index);
        for (int i = 0; i < 8; i++)
            seen[example.tokens[i]]++;
    }
    for (int token = 1; token < VOCABULARY; token++) {
        bool is_value = token >= VOCABULARY / 2;
        double expected = 4.0 * EXAMPLES / (is_value ? 128 : 127);
        chi_square[is_value] += (seen[token] - expected) * (seen[token] - expected) / expected;
    }
    // 126 and 127 degrees of freedom, one of 10^4; drawing without replacement lies a little closer.
    cr_expect(chi_square[0] < 191 && chi_square[1] < 192, "chi-square %.1f for keys, %.1f for values", chi_square[0],
              chi_square[1]);
}

// ---- duplicate --------------------------------------------------------------------------------------------------------------

// 0w0w: the halves are equal, symbols are 1 .. vocab-1, and what counts is the second word alone, each target the next token.
Test(examples, duplicate_says_a_word_twice)
{
    const char *const keys[] = {"data=duplicate", "model.seq_len=64", "model.vocab=128", NULL};
    struct run run = run_of(keys);
    int highest = 0;
    for (int64_t index = 0; index < 200; index++) {
        struct example example = example_of(&run, DATA_VALIDATION, index);
        cr_assert_arr_eq(example.tokens, example.tokens + 32, 32 * sizeof(int32_t), "the halves differ");
        for (int t = 0; t < 64; t++) {
            bool counts = t >= 32 && t < 63;
            cr_assert_eq(example.tokens[t] == 0, t % 32 == 0, "token %d at %d", example.tokens[t], t);
            cr_assert_eq(example.targets[t], counts ? example.tokens[t + 1] : -1, "target %d at %d", example.targets[t], t);
            highest = example.tokens[t] > highest ? example.tokens[t] : highest;
        }
    }
    cr_expect_eq(highest, 127, "the highest symbol in 200 words is %d", highest);
}

// ---- What both share --------------------------------------------------------------------------------------------------------

// A part is a set: its examples are the same whatever the seed and the batch, and steps draw from as many as the option says.
Test(examples, steps_draw_from_a_set)
{
    const char *const keys[] = {"data=recall(examples=5)", "model.seq_len=64", NULL};
    struct run run = run_of(keys);
    struct dataset dataset = opened(&run);
    struct batch_room room;
    struct error error = {0};
    int seen[5] = {0};
    cr_assert(batch_open(&room, 60, 64, &error), "%s", error.text);
    struct batch batch = batch_draw(&room, &dataset, 3, 7);
    for (int64_t row = 0; row < 60; row++) {
        int found = 0;
        for (int64_t index = 0; index < 5; index++) {
            struct example example = example_of(&run, DATA_TRAIN, index);
            bool same = !memcmp(batch.tokens + row * 64, example.tokens, 64 * sizeof(int32_t)) &&
                        !memcmp(batch.targets + row * 64, example.targets, 64 * sizeof(int32_t));
            found += same;
            seen[index] += same;
        }
        cr_assert_eq(found, 1, "row %" PRId64 " is %d of the 5 examples", row, found);
    }
    for (int i = 0; i < 5; i++)
        cr_expect(seen[i] > 0, "example %d was not drawn in 60", i); // (4/5)^60 is 2e-6
    cr_expect_eq(batch_sequences(&dataset, DATA_TEST, 64), 3000);
    batch_close(&room);
}

// Paired by construction, and the same after a kill: a row depends on (seed, step, row) alone.
Test(examples, batches_depend_on_seed_step_and_row_alone)
{
    const char *const keys[] = {"data=duplicate", "model.seq_len=64", NULL};
    struct run run = run_of(keys);
    struct dataset dataset = opened(&run);
    struct batch_room few, many;
    struct error error = {0};
    cr_assert(batch_open(&few, 3, 64, &error) && batch_open(&many, 5, 64, &error), "%s", error.text);
    batch_draw(&few, &dataset, 4, 11);
    batch_draw(&many, &dataset, 4, 11);
    cr_expect_arr_eq(few.tokens, many.tokens, 192 * sizeof(int32_t));
    cr_expect_arr_eq(few.targets, many.targets, 192 * sizeof(int32_t));
    batch_draw(&many, &dataset, 4, 12);
    cr_expect_arr_neq(few.tokens, many.tokens, 192 * sizeof(int32_t), "another step, the same examples");
    batch_draw(&many, &dataset, 5, 11);
    cr_expect_arr_neq(few.tokens, many.tokens, 192 * sizeof(int32_t), "another seed, the same examples");
    batch_close(&few);
    batch_close(&many);
}

// Other options are other data; a component's version is part of what it makes.
Test(examples, identity_follows_the_options)
{
    static const char *const values[] = {"data=recall", "data=recall(pairs=4)", "data=recall(gap=2)", "data=duplicate"};
    char hashes[4][HASH_TEXT_SIZE];
    for (int i = 0; i < 4; i++) {
        const char *const keys[] = {values[i], NULL};
        struct run run = run_of(keys);
        struct error error = {0};
        cr_assert(dataset_identity(&run, hashes[i], &error), "%s", error.text);
        cr_expect_str_eq(opened(&run).hash, hashes[i]);
    }
    cr_expect_str_eq(hashes[0], hashes[1], "a default that is written out makes other data");
    cr_expect_str_neq(hashes[0], hashes[2]);
    cr_expect_str_neq(hashes[0], hashes[3]);
}

Test(examples, what_does_not_fit_is_refused)
{
    static const struct {
        const char *keys[5], *words;
    } cases[] = {
        {{"data=recall", "model.vocab=8", NULL}, "set model.vocab to 10 or more"},
        {{"data=recall(pairs=5, gap=3)", "model.seq_len=22", NULL}, "takes 23 positions, model.seq_len is 22"},
        {{"data=recall(query=start)", NULL}, "set model.causal: false, or query=end"},
        {{"data=duplicate", "model.seq_len=33", NULL}, "set it to an even number"},
        {{"data=duplicate", "model.causal=false", NULL}, "would let the model see the next token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run run;
        struct error error = {0};
        cr_expect_not(make_run(&run, cases[i].keys, &error), "%s: not refused", cases[i].keys[0]);
        cr_expect(strstr(error.text, cases[i].words), "%s: %s", cases[i].keys[0], error.text);
        cr_expect(error.is_request);
    }
}

// ---- Accuracy ---------------------------------------------------------------------------------------------------------------

enum { SYMBOLS = 16, TIME = 6, HELD_OUT = 50 };

// Targets count at every third position, where they are the token there plus 3.
static void plus_three(const void *options, const struct model_scalars *model, uint64_t key, int32_t *tokens, int32_t *targets)
{
    (void)options;
    for (int64_t t = 0; t < model->seq_len; t++) {
        tokens[t] = (int32_t)random_below(key, 0, (uint64_t)t, SYMBOLS);
        targets[t] = t % 3 == 2 ? (tokens[t] + 3) % SYMBOLS : -1;
    }
}
static int64_t held_out(const void *options, enum data_part part)
{
    (void)options, (void)part;
    return HELD_OUT;
}
static const struct component plus_three_data = {.slot = SLOT_DATA,
                                                 .name = "plus_three",
                                                 .version = 1,
                                                 .summary = "each third token plus 3",
                                                 .data = {.examples = held_out, .example = plus_three}};

// A dataset is a stream or examples: half of a kind, or both, would be found out only in training.
Test(examples, data_is_of_one_kind)
{
    static const struct component half = {
        .slot = SLOT_DATA, .name = "half", .version = 1, .summary = "no examples", .data = {.examples = held_out}};
    struct error error = {0};
    cr_expect(component_check(&plus_three_data, &error), "%s", error.text);
    cr_expect_not(component_check(&half, &error));
    cr_expect_str_eq(error.text, "data/half: it needs the call `open`, or `examples` and `example` and no other\n");
}

// A model made by hand: the logits are a table's row for the token, `right` at token + 3 where the token is below `known`.
static struct evaluation evaluate_table(const struct dataset *dataset, int known, float right)
{
    struct parameters parameters = {0};
    struct graph graph;
    struct team *team;
    struct executor *executor;
    struct evaluation_room room;
    struct evaluation evaluation;
    struct error error = {0};
    graph_open(&graph, GRAPH_EVAL, REAL_FLOAT, 4, TIME, &parameters, &error);
    graph.tokens = graph_input(&graph, "tokens");
    graph.targets = graph_input(&graph, "targets");
    graph.positions = graph_input(&graph, "positions");
    struct tensor *table = graph_parameter(&graph, "table", ROLE_EMBEDDING, 2, (const int64_t[]){SYMBOLS, SYMBOLS});
    graph.logits = op_embedding(&graph, graph.tokens, table);
    graph.row_loss = op_cross_entropy(&graph, graph.logits, graph.targets, 0, &graph.row_log_z);
    graph.row_correct = op_correct(&graph, graph.logits, graph.targets);
    cr_assert(graph_plan(&graph, &error) && parameters_allocate(&parameters, &error) && team_open(&team, 2, &error) &&
                  executor_open(&executor, &graph, team, &(struct executor_options){.lanes = 2, .sequences = 7, .poison = true},
                                &error) &&
                  evaluation_open(&room, 7, TIME, &error),
              "%s", error.text);
    float *values = (float *)parameters.values + table->offset;
    for (int token = 0; token < known; token++)
        values[token * SYMBOLS + (token + 3) % SYMBOLS] = right;
    evaluate(executor, &room, dataset, DATA_TEST, 0, &evaluation);
    evaluation_close(&room);
    executor_close(executor);
    team_close(team);
    parameters_free(&parameters);
    graph_close(&graph);
    return evaluation;
}

// A perfect predictor has accuracy 1 and the loss of its logits, log(1 + 15 e^-10), although it is wrong wherever no target
// counts; one that knows some tokens has their share; one that ties all tokens, or says each but the right one, has 0.
Test(examples, accuracy_is_the_share_of_counted_targets_that_are_right)
{
    struct run run;
    run_defaults(&run, &arena);
    run.model.seq_len = TIME;
    run.model.vocab = SYMBOLS;
    run.slots[SLOT_DATA] = (struct setting){.count = 1, .choices = {{.component = &plus_three_data}}};
    struct dataset dataset = opened(&run);
    int known = 0;
    for (int64_t index = 0; index < HELD_OUT; index++) {
        struct example example;
        dataset_example(&dataset, DATA_TEST, index, example.tokens, example.targets);
        known += (example.tokens[2] < 5) + (example.tokens[5] < 5);
    }
    struct evaluation perfect = evaluate_table(&dataset, SYMBOLS, 10), some = evaluate_table(&dataset, 5, 10);
    struct evaluation silent = evaluate_table(&dataset, 0, 0), wrong = evaluate_table(&dataset, SYMBOLS, -10);
    cr_expect_eq(perfect.sequences, HELD_OUT);
    cr_expect(perfect.accuracy == 1, "a perfect predictor: %g", perfect.accuracy);
    cr_expect(fabs(perfect.loss - log(1 + 15 * exp(-10))) < 1e-6, "its loss: %g", perfect.loss);
    cr_expect(perfect.floor == 0, "the floor: %g", perfect.floor);
    cr_expect(fabs(some.accuracy - known / (2.0 * HELD_OUT)) < 1e-12, "%d known of %d: %g", known, 2 * HELD_OUT, some.accuracy);
    cr_expect(silent.accuracy == 0 && fabs(silent.loss - log(SYMBOLS)) < 1e-6, "all alike: %g", silent.accuracy);
    cr_expect(wrong.accuracy == 0, "all but the right one: %g", wrong.accuracy);
}
