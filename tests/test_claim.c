// test_claim.c: what a file expects of its arms: its grammar, the verdict on a claim, and what an arm must reach to count.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixture_store.h"
#include "registry/expectation.h"
#include "report/claim.h"

static struct arena arena;

static void close_all(void)
{
    arena_close(&arena);
    store_folder_close();
}
TestSuite(claim, .init = store_folder_open, .fini = close_all);

// ---- Grammar ----------------------------------------------------------------------------------------------------------------

// Metrics and arms hold parentheses, brackets and signs of their own.
Test(claim, sides_are_told_apart)
{
    static const struct {
        const char *text, *left_metric, *left_arm, *right_arm;
        enum relation relation;
    } cases[] = {
        {"val_loss[ffn=swiglu] < val_loss[(base)]", "val_loss", "ffn=swiglu", "(base)", RELATION_BELOW},
        {" val_loss[a > b]>val_loss[(base)] ", "val_loss", "a > b", "(base)", RELATION_ABOVE},
        {"val_accuracy@lsh(chunk=8, rounds=1)[attention=[\"sliding(window=8)\", \"full\"]] ~ val_accuracy[x]",
         "val_accuracy@lsh(chunk=8, rounds=1)", "attention=[\"sliding(window=8)\", \"full\"]", "x", RELATION_ALIKE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expectation got;
        struct error error = {0};
        cr_assert(expectation_parse(cases[i].text, &arena, &got, &error), "%s", error.text);
        cr_expect_str_eq(got.left.metric, cases[i].left_metric);
        cr_expect_str_eq(got.left.arm, cases[i].left_arm);
        cr_expect_str_eq(got.right.arm, cases[i].right_arm);
        cr_expect_eq(got.relation, cases[i].relation, "%s: relation %d", cases[i].text, got.relation);
    }
}

// Runs tell a metric under the shortest name of its attention; a file may write its defaults out.
Test(claim, a_metric_is_named_as_runs_tell_it)
{
    struct expectation got;
    struct requirement required;
    struct error error = {0};
    cr_assert(expectation_parse("val_loss@lsh(chunk=64)[a] < val_loss@lsh(rounds=2, chunk=64)[b]", &arena, &got, &error), "%s",
              error.text);
    cr_expect_str_eq(got.left.metric, "val_loss@lsh");
    cr_expect_str_eq(got.right.metric, "val_loss@lsh(rounds=2)");
    cr_assert(requirement_parse("val_accuracy@lsh(chunk=64) >= 0.99", &arena, &required, &error), "%s", error.text);
    cr_expect_str_eq(required.metric, "val_accuracy@lsh");
    cr_expect_not(requirement_parse("val_accuracy@lhs >= 0.99", &arena, &required, &error));
    cr_expect(strstr(error.text, "did you mean \"lsh\"?"), "%s", error.text);
}

Test(claim, an_arm_may_be_held_against_a_number)
{
    struct expectation got;
    struct error error = {0};
    cr_assert(expectation_parse("val_loss[(base)] < 1.89", &arena, &got, &error), "%s", error.text);
    cr_expect_null(got.right.metric);
    cr_expect_float_eq(got.right.number, 1.89, 1e-12);
}

Test(claim, other_texts_are_refused)
{
    static const char *const wrong[] = {"",
                                        "val_loss",
                                        "val_loss[a]",
                                        "val_loss[a] <",
                                        "val_loss[a] = val_loss[b]",
                                        "[a] < val_loss[b]",
                                        "val_loss[] < val_loss[b]",
                                        "val_loss[a] < val_loss[b] x",
                                        "val_loss[a < val_loss[b]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct expectation unread;
        struct error error = {0};
        cr_expect_not(expectation_parse(wrong[i], &arena, &unread, &error), "taken: %s", wrong[i]);
    }
    static const char *const not_required[] = {"",     "val_accuracy",         "val_accuracy >=",
                                               ">= 1", "val_accuracy >= much", "val_accuracy > 0.9"};
    for (size_t i = 0; i < sizeof not_required / sizeof *not_required; i++) {
        struct requirement unread;
        struct error error = {0};
        cr_expect_not(requirement_parse(not_required[i], &arena, &unread, &error), "taken: %s", not_required[i]);
    }
}

// ---- Verdicts ---------------------------------------------------------------------------------------------------------------

static const char file_text[] = "requires: val_accuracy >= 0.9\n"
                                "claims:\n"
                                "  - says: lower\n"
                                "    expect: val_loss[lr=2] < val_loss[(base)]\n"
                                "    published: {base: 2, lr: 1, unit: nats}\n"
                                "  - says: higher\n"
                                "    expect: val_loss[(base)] < val_loss[lr=2]\n"
                                "  - says: alike\n"
                                "    expect: val_accuracy[lr=2] ~ val_accuracy[(base)]\n"
                                "  - says: bound\n"
                                "    expect: val_loss@lsh(chunk=64)[(base)] < 3\n"
                                "  - says: unknown\n"
                                "    expect: val_loss[lr=3] < val_loss[(base)]\n"
                                "  - says: near\n"
                                "    expect: val_loss[lr=2] ~ val_loss[(base)]\n"
                                "  - says: faster\n"
                                "    expect: tokens_per_s[lr=2] > tokens_per_s[(base)]\n";

static const double margin = 0.05; // of val_loss

static double speed_of(int arm, int64_t seed) { return 1000 * (1 + arm) + (double)(seed % 2); }

// Two arms over three seeds; the second loses `better` nats and has `accuracy` at its last seed.
static struct comparison compared(struct store *store, double better, double accuracy)
{
    static const struct fact facts[] = {{"commit", "1a2b3c"}, {NULL, NULL}};
    struct error error = {0};
    struct comparison comparison;
    struct store_experiment experiment = *small_experiment("small", file_text, 1, 3);
    experiment.margin = margin;
    cr_assert(store_experiment_save(store, &experiment, &error), "%s", error.text);
    for (int arm = 0; arm < 2; arm++)
        for (int64_t seed = 1; seed <= 3; seed++) {
            const struct store_metric metrics[] = {
                {.step = 9, .name = "val_loss", .value = 2 + 0.1 * (double)seed - arm * (better + 0.001 * (double)(seed % 2))},
                {.step = 9, .name = "val_accuracy", .value = arm && seed == 3 ? accuracy : 0.99}};
            // As a run names it: what is the default is left out.
            const struct store_metric under_lsh = {.step = 9, .name = "val_loss@lsh", .value = metrics[0].value};
            const char *id = small_id(arm, seed);
            cr_assert(store_run_start(store, id, false, &error) &&
                          store_run_begin(store, id, &(struct store_begin){.facts = facts}, &error) &&
                          store_rows(store, id, &(struct store_batch){.metric_count = 2, .metrics = metrics}, &error) &&
                          store_rows(store, id, &(struct store_batch){.metric_count = 1, .metrics = &under_lsh}, &error) &&
                          store_run_end(store, id, &(struct store_end){.diverged_at = -1, .tokens_per_s = speed_of(arm, seed)},
                                        &error),
                      "%s", error.text);
        }
    cr_assert(comparison_open(store, "small", &arena, &comparison, &error), "%s", error.text);
    return comparison;
}

static struct claim *judged(struct store *store, const struct comparison *comparison)
{
    struct claim *claims;
    struct error error = {0};
    int count;
    cr_assert(claims_read(store, comparison, &arena, &count, &claims, &error), "%s", error.text);
    cr_assert_eq(count, 7);
    return claims;
}

static void is_outcome(const struct claim *claim, enum outcome want)
{
    cr_expect_eq(claim->outcome, want, "%s: %s (%s), want %s", claim->says, outcome_names[claim->outcome], claim->why,
                 outcome_names[want]);
}

Test(claim, the_sign_of_a_difference_decides)
{
    struct store *store = must_open(STORE_WRITE);
    struct comparison comparison = compared(store, 0.5, 0.99);
    struct claim *claims = judged(store, &comparison);
    is_outcome(&claims[0], OUTCOME_REPRODUCED);
    is_outcome(&claims[1], OUTCOME_CONTRADICTED);
    cr_expect_str_eq(claims[0].published, "base: 2; lr: 1; nats");
    cr_expect_float_eq(claims[0].left - claims[0].right, claims[0].difference.delta, 1e-12);
    cr_expect_float_eq(claims[1].difference.low, -claims[0].difference.high, 1e-12, "the same difference, turned round");
    is_outcome(&claims[2], OUTCOME_NOT_DISTINGUISHABLE); // no margin is declared for accuracy, so nothing is alike
    is_outcome(&claims[3], OUTCOME_REPRODUCED);
    cr_expect_float_eq(claims[3].difference.delta, 2.2 - 3, 1e-12, "against a number: %g", claims[3].difference.delta);
    is_outcome(&claims[4], OUTCOME_OPEN);
    store_close(store);
}

// Speed is no metric that training tells step by step, yet what an experiment on cost is about.
Test(claim, speed_can_be_claimed)
{
    struct store *store = must_open(STORE_WRITE);
    struct comparison comparison = compared(store, 0.5, 0.99);
    const struct claim *claim = &judged(store, &comparison)[6];
    is_outcome(claim, OUTCOME_REPRODUCED);
    cr_expect_float_eq(claim->left, (2001 + 2000 + 2001) / 3.0, 1e-9, "the mean of the runs: %g", claim->left);
    store_close(store);
}

// A difference that is sure but may be smaller than what matters contradicts nothing.
Test(claim, alike_is_decided_by_the_margin_not_by_zero)
{
    static const struct {
        double better;
        enum outcome outcome;
    } cases[] = {
        {0.5 * margin, OUTCOME_REPRODUCED},
        {margin, OUTCOME_NOT_DISTINGUISHABLE},
        {2 * margin, OUTCOME_CONTRADICTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct store *store = must_open(STORE_WRITE);
        struct comparison comparison = compared(store, cases[i].better, 0.99);
        is_outcome(&judged(store, &comparison)[5], cases[i].outcome);
        store_close(store);
        store_folder_close();
        store_folder_open();
    }
}

// An arm that did not learn the task says nothing about it, however its loss compares.
Test(claim, an_arm_that_misses_what_is_required_does_not_count)
{
    struct store *store = must_open(STORE_WRITE);
    struct comparison comparison = compared(store, 0.5, 0.89);
    cr_expect_float_eq(comparison.arms[1].missed, 0.89, 1e-12);
    cr_expect(isnan(comparison.arms[0].missed), "the baseline reaches it");
    cr_expect_not(comparison.arms[1].counted);
    cr_expect_eq(comparison.arms[1].difference.verdict, VERDICT_NONE);
    struct claim *claims = judged(store, &comparison);
    is_outcome(&claims[0], OUTCOME_OPEN);
    cr_expect(strstr(claims[0].why, "misses what is required"), "%s", claims[0].why);
    store_close(store);
}
