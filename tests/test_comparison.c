// test_comparison.c: which runs count, what is said of those that do not, and what a reader sees.
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/comparison.h"
#include "report/layout.h"
#include "report/screen.h"

enum { ARMS = 5, SEEDS = 4, RUNS = ARMS * SEEDS };

// An experiment by hand: every test changes what it is about, then compares.
static struct made {
    struct run_view runs[ARMS][SEEDS];
    struct arm_view arms[ARMS];
    int64_t seeds[SEEDS];
    struct experiment_view view;
    double metric[RUNS], excess[RUNS], block_error[RUNS];
    const char *data[ARMS], *steps[ARMS], *rates[ARMS], *attentions[ARMS], *lengths[ARMS];
    struct comparison_values values;
    struct arena arena;
    struct comparison comparison;
} made;

static const char *const names[ARMS] = {"(base)", "position=rope", "norm=rmsnorm", "ffn=swiglu", "train.nudge=1e-06"};

// Losses of 1.4, seeds .01 apart for every arm; rope is .04 better, the others differ by a pattern of thousandths.
static void make(void)
{
    static const double own[ARMS][SEEDS] = {{0, 0, 0, 0},
                                            {-.040, -.041, -.042, -.041},
                                            {.002, -.001, .001, -.002},
                                            {-.003, -.001, .001, -.001},
                                            {0, .001, -.001, 0}};
    made.view = (struct experiment_view){
        .name = "made",
        .file = "experiments/made.yaml",
        .metric = "val_loss",
        .margin = NAN,
        .arm_count = ARMS,
        .seed_count = SEEDS,
        .seeds = made.seeds,
        .arms = made.arms,
        .looks = 1,
    };
    for (int a = 0; a < ARMS; a++) {
        made.arms[a] =
            (struct arm_view){.name = names[a], .differs = a ? names[a] : "", .is_placebo = a == 4, .runs = made.runs[a]};
        made.data[a] = "prose", made.steps[a] = "500", made.rates[a] = "0.001";
        made.attentions[a] = "full", made.lengths[a] = "128";
        for (int s = 0; s < SEEDS; s++) {
            int i = a * SEEDS + s;
            made.seeds[s] = s + 1;
            made.runs[a][s] = (struct run_view){
                .id = "0123456789abcdef",
                .state = RUN_FINISHED,
                .seed = s + 1,
                .diverged_at = -1,
                .parameters = 1100000,
                .flops = 1e12,
                .peak_bytes = 1e8,
                .seconds = 6,
                .tokens_per_s = 80000,
                .floor = NAN,
            };
            made.metric[i] = 1.4 + 0.01 * s + own[a][s];
            made.excess[i] = made.block_error[i] = NAN;
        }
    }
    made.values = (struct comparison_values){.metric = made.metric,
                                             .excess = made.excess,
                                             .block_error = made.block_error,
                                             .data = made.data,
                                             .steps = made.steps,
                                             .learning_rate = made.rates,
                                             .attention = made.attentions,
                                             .length = made.lengths};
}

static const struct comparison_arm *compare(int arm)
{
    comparison_make(&made.view, &made.values, &made.arena, &made.comparison);
    return &made.comparison.arms[arm];
}

static void clean(void) { arena_close(&made.arena); }

TestSuite(comparison, .init = make, .fini = clean);

static void is_verdict(int arm, enum verdict want)
{
    enum verdict got = made.comparison.arms[arm].difference.verdict;
    cr_assert_eq(got, want, "%s: %s, want %s", names[arm], verdict_names[got], verdict_names[want]);
}

static void near(double got, double want, const char *what)
{
    cr_assert(fabs(got - want) < 1e-9, "%s: got %.12g, want %.12g", what, got, want);
}

// The caller frees.
static char *printed(const struct screen_options *options)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    screen_print(&made.comparison, options, file);
    fclose(file);
    return text;
}

static void shows(const struct screen_options *options, const char *want)
{
    char *text = printed(options);
    cr_assert(strstr(text, want), "no \"%s\" in:\n%s", want, text);
    free(text);
}

static void hides(const struct screen_options *options, const char *unwanted)
{
    char *text = printed(options);
    cr_assert_not(strstr(text, unwanted), "\"%s\" in:\n%s", unwanted, text);
    free(text);
}

static const struct screen_options wide = {.width = 140}, narrow = {.width = 80};

// ---- Which runs count -------------------------------------------------------------------------------------------------------

Test(comparison, all_runs_complete)
{
    const struct comparison_arm *rope = compare(1);
    cr_assert_eq(made.comparison.shared_count, 4);
    cr_assert_eq(made.comparison.compared, 4);
    near(made.comparison.arms[0].value, 1.415, "mean of the baseline");
    near(rope->difference.delta, -0.041, "delta is arm - baseline");
    is_verdict(1, VERDICT_BETTER);
    is_verdict(2, VERDICT_NOT_DISTINGUISHABLE);
    cr_assert(made.comparison.arms[2].seeds_needed > 4, "%d seeds needed", made.comparison.arms[2].seeds_needed);
    cr_assert_eq(rope->seeds_needed, 0);
}

// Survivors are a selection: an arm that lost a seed to divergence has no mean and no verdict, and takes no seed from the
// others.
Test(comparison, a_diverged_seed_gives_no_verdict_on_the_loss)
{
    made.runs[1][2].state = RUN_DIVERGED;
    made.runs[1][2].diverged_at = 120;
    const struct comparison_arm *rope = compare(1);
    is_verdict(1, VERDICT_DIVERGED);
    cr_assert(isnan(rope->value) && isnan(rope->difference.delta) && isnan(rope->difference.p), "the survivors were averaged");
    near(rope->divergence_p, 1, "1 of 4 against 0 of 4, Fisher");
    cr_assert_eq(made.comparison.compared, 3, "it stays among the m arms");
    cr_assert_eq(made.comparison.shared_count, 4, "it takes a seed from the others");
    cr_assert_eq(made.comparison.gap_count, 1);
    cr_assert_eq(made.comparison.gaps[0].diverged_at, 120);
    is_verdict(2, VERDICT_NOT_DISTINGUISHABLE);
    shows(&wide, "position=rope      3/4");
    shows(&wide, "diverged 1 of 4");
}

// 4 of 4 against 0 of 4: 2 / C(8, 4) = 2/70.
Test(comparison, divergences_are_compared_by_fishers_test)
{
    for (int s = 0; s < SEEDS; s++)
        made.runs[3][s].state = RUN_DIVERGED;
    near(compare(3)->divergence_p, 2.0 / 70, "p");
    cr_assert(isnan(made.comparison.arms[1].divergence_p), "an arm without divergence has a p");
    shows(&wide, "against 0 of 4 at the baseline (Fisher's exact test): ffn=swiglu 4 of 4, p = .029.");
}

// Against survivors of the baseline nothing can be judged either.
Test(comparison, a_diverged_baseline_gives_no_verdict_to_any_arm)
{
    made.runs[0][0].state = RUN_DIVERGED;
    compare(0);
    for (int a = 1; a < ARMS; a++)
        is_verdict(a, VERDICT_DIVERGED);
    cr_assert_eq(made.comparison.compared, 0);
    shows(&wide, "The baseline diverged");
    hides(&wide, "better");
}

// Pairs are complete or not used: a missing run takes its seed from every arm, and nothing stands in for it.
Test(comparison, a_missing_run_takes_its_seed_from_every_arm)
{
    made.runs[2][1] = (struct run_view){.state = RUN_PLANNED, .seed = 2, .diverged_at = -1};
    made.metric[2 * SEEDS + 1] = 7; // whatever lies there must not be read
    const struct comparison_arm *arm = compare(2);
    cr_assert_eq(made.comparison.shared_count, 3);
    near(made.comparison.arms[0].value, 1.4 + 0.05 / 3, "mean of the baseline over the seeds left");
    cr_assert(isnan(arm->values[1]), "a value was filled in");
    cr_assert_eq(arm->pending, 1);
    shows(&wide, "1 of 20 runs to come");
    shows(&wide, "Over the 3 seeds that are complete in every arm");
    shows(&wide, "ablate run experiments/made.yaml");
}

// An arm that can never have two seeds would leave the others without an answer for nothing.
Test(comparison, an_arm_whose_runs_failed_is_left_out)
{
    for (int s = 0; s < 3; s++)
        made.runs[3][s].state = RUN_FAILED;
    compare(3);
    is_verdict(3, VERDICT_NONE);
    is_verdict(1, VERDICT_BETTER);
    cr_assert_eq(made.comparison.compared, 3);
    cr_assert_eq(made.comparison.shared_count, 4);
    shows(&wide, "too few runs");
    shows(&wide, "left out: 3 seeds of ffn=swiglu (failed).");
}

Test(comparison, an_excluded_run_does_not_count_and_is_listed_with_its_reason)
{
    made.runs[1][0].exclusion = "the disk was full";
    cr_assert_eq(compare(1)->excluded, 1);
    cr_assert_eq(made.comparison.shared_count, 3);
    shows(&wide, "left out: seed 1 of position=rope (excluded: the disk was full).");
}

// A run that finished without the metric has nothing to compare; it must not read as zero.
Test(comparison, a_finished_run_without_the_metric_is_listed)
{
    made.metric[1 * SEEDS + 3] = NAN;
    cr_assert_eq(compare(1)->failed, 1);
    cr_assert_eq(made.comparison.shared_count, 3);
    shows(&wide, "seed 4 of position=rope (no value of val_loss)");
}

// ---- What is said of those that count ---------------------------------------------------------------------------------------

Test(comparison, maximising_turns_the_verdict_and_not_the_sign)
{
    made.view.maximize = true;
    near(compare(1)->difference.delta, -0.041, "delta");
    is_verdict(1, VERDICT_WORSE);
    shows(&wide, "more is better");
}

// The margin is declared before the runs, or nothing is equivalent.
Test(comparison, equivalence_needs_a_margin)
{
    compare(4);
    is_verdict(4, VERDICT_NOT_DISTINGUISHABLE);
    hides(&wide, "equivalent");
    made.view.margin = 0.015;
    compare(4);
    is_verdict(4, VERDICT_EQUIVALENT);
    shows(&wide, "equivalent (±.015)");
}

// Speeds multiply: twice as fast on every seed is log 2 with a geometric mean, not an arithmetic one.
Test(comparison, throughput_is_compared_on_its_logarithm)
{
    static const double speeds[SEEDS] = {1000, 2000, 4000, 8000};
    for (int s = 0; s < SEEDS; s++) {
        made.runs[0][s].tokens_per_s = speeds[s];
        for (int a = 2; a < ARMS; a++)
            made.runs[a][s].tokens_per_s = speeds[s];
        made.runs[1][s].tokens_per_s = 2 * speeds[s];
    }
    const struct comparison_arm *rope = compare(1);
    near(made.comparison.arms[0].tokens_per_s, sqrt(1000.0 * 8000), "geometric mean");
    near(rope->speed.delta, log(2), "log of the ratio");
    cr_assert_eq(rope->speed.verdict, VERDICT_BETTER);
    cr_assert(isnan(made.comparison.arms[0].speed.delta));
}

// Two orders of magnitude either way are no answer, and their percentages would be read as one.
Test(comparison, an_interval_of_speed_that_says_nothing_is_not_shown)
{
    static const struct screen_options timed = {.width = 140, .time = true};
    compare(0);
    hides(&timed, "[unknown]");
    made.runs[1][0].tokens_per_s /= 100;
    made.runs[1][1].tokens_per_s *= 100;
    compare(0);
    shows(&timed, "+0.0% [unknown]");
}

// The part of the data is said above the table; what is of no part keeps its name.
Test(comparison, the_heading_is_the_metric_without_its_part)
{
    static const char *const headings[][2] = {{"val_loss@full", " loss  "},
                                              {"test_accuracy", " accuracy  "},
                                              {"tokens_per_s", " tokens_per_s  "},
                                              {"gradient_norm", " gradient_norm  "}};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        made.view.metric = headings[i][0];
        compare(0);
        shows(&wide, headings[i][1]);
    }
}

Test(comparison, loss_is_shown_above_a_floor_that_all_share)
{
    for (int i = 0; i < RUNS; i++)
        made.excess[i] = made.metric[i] - 0.912;
    near(compare(0)->excess, 1.415 - 0.912, "excess");
    near(made.comparison.floor, 0.912, "floor");
    shows(&wide, "validation loss above the floor (nats per byte; floor 0.912");
    for (int s = 0; s < SEEDS; s++)
        made.excess[3 * SEEDS + s] = made.metric[3 * SEEDS + s] - 0.8;
    cr_assert(isnan(compare(0)->excess), "excesses over two floors were put into one column");
    hides(&wide, "floor");
}

// Adding seeds until something shows makes false verdicts: declared extensions spend alpha, others are marked.
Test(comparison, later_looks_spend_alpha_or_are_exploratory)
{
    made.view.looks = 2;
    compare(0);
    cr_assert(made.comparison.exploratory);
    near(made.comparison.alpha, 0.05, "undeclared");
    shows(&wide, "exploratory");
    made.view.extension_declared = true;
    compare(0);
    cr_assert_not(made.comparison.exploratory);
    near(made.comparison.alpha, 0.005, "first extension");
    shows(&wide, "99.5% simultaneous");
}

// A margin that was chosen when the results were there can be chosen to fit them.
Test(comparison, a_margin_declared_after_runs_is_exploratory)
{
    compare(0);
    cr_assert_not(made.comparison.exploratory);
    hides(&wide, "exploratory");
    made.view.margin = 0.01;
    made.view.declared_after = 6;
    compare(0);
    cr_assert(made.comparison.exploratory);
    shows(&wide, "exploratory: the margin was declared after 6 of the runs had finished.");
    hides(&wide, "seeds were added");
}

Test(comparison, a_placebo_that_differs_is_an_alarm)
{
    made.view.margin = 0.015;
    compare(4);
    shows(&wide, "control: the placebo train.nudge=1e-06 does not differ, as it must.");
    for (int s = 0; s < SEEDS; s++)
        made.metric[4 * SEEDS + s] += 0.05;
    compare(4);
    shows(&wide, "control failed");
}

// With an interval as wide as what matters, a control that holds is no control.
Test(comparison, a_placebo_that_could_differ_unseen_is_none)
{
    compare(4);
    double reach = fmax(-made.comparison.arms[4].difference.low, made.comparison.arms[4].difference.high);
    char want[64];
    cr_assert(reach > 0.001 && reach < 0.01, "%g", reach);
    snprintf(want, sizeof want, "shows no difference, where one of up to .%04.0f would not", 1e4 * reach);
    shows(&wide, want);
    made.view.margin = 0.0005;
    compare(4);
    shows(&wide, "control: whether the placebo train.nudge=1e-06 differs cannot be told");
    hides(&wide, "as it must");
}

Test(comparison, one_seed_gives_no_statistics)
{
    made.view.seed_count = 1;
    made.values.metric = (double[]){1.4, 1.36, 1.41, 1.39, 1.4};
    for (int a = 0; a < ARMS; a++)
        made.arms[a].runs = &made.runs[a][0];
    near(compare(1)->difference.delta, -0.04, "delta");
    is_verdict(1, VERDICT_NONE);
    shows(&wide, "One seed shows no spread");
    hides(&wide, "better");
    hides(&wide, "seed SD");
}

// ---- The screen -------------------------------------------------------------------------------------------------------------

// The sentence about limits follows from what the arms share.
Test(comparison, limits_are_generated_from_the_configuration)
{
    compare(0);
    shows(&wide, "Holds for this size, data and 500 steps, one learning rate for all arms.");
    made.rates[2] = "0.003";
    made.steps[3] = "700";
    made.data[3] = "text(path=a)";
    made.runs[3][0].parameters = 2200000;
    compare(0);
    shows(&wide, "Holds for these sizes, these data and these numbers of steps, learning rates not tuned per arm.");
}

// Figures follow the typical half-width; but an interval that just excludes 0 must not read as if it held it.
Test(comparison, printed_digits_agree_with_the_verdict)
{
    double half_width = compare(2)->difference.high - made.comparison.arms[2].difference.delta;
    double shift = half_width - made.comparison.arms[2].difference.delta + 0.00002;
    // V = (3 x 2.222e-6 + 3 x .667e-6) / 6, nu 6, t(1 - .05/8, 6) = 3.521: -.041 +- .0021.
    shows(&wide, "-.0410  [-.0431, -.0389]");
    for (int s = 0; s < SEEDS; s++)
        made.metric[2 * SEEDS + s] += shift;
    near(compare(2)->difference.low, 0.00002, "the lower end");
    is_verdict(2, VERDICT_WORSE);
    shows(&wide, "[+.00002, ");
    hides(&wide, "[.0000");
}

// What is printed at 80 and 140 columns fits, line by line, at any length of names; nothing trails.
Test(comparison, lines_fit_and_line_up)
{
    static const struct screen_options all[] = {
        {.width = 80},
        {.width = 140},
        {.width = 80, .memory = true, .parameters = true, .flops = true, .time = true},
        {.width = 140, .memory = true, .parameters = true, .flops = true, .time = true}};
    made.arms[2].name = "attention=[\"sliding(window=64)\", \"full\"], position=rope";
    made.view.margin = 0.01;
    made.runs[3][0].state = RUN_DIVERGED;
    compare(0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *text = printed(&all[i]), *rest = text;
        size_t verdict = 0;
        for (char *line; (line = strsep(&rest, "\n"));) {
            cr_assert(layout_width(line) <= all[i].width, "%d columns at width %d: %s", layout_width(line), all[i].width, line);
            cr_assert(!*line || line[strlen(line) - 1] != ' ', "trailing space: \"%s\"", line);
            char *word = strstr(line, "verdict") ? strstr(line, "verdict") : strstr(line, "better");
            if (word && verdict)
                cr_assert_eq((size_t)(word - line), verdict, "the column moves at width %d: %s", all[i].width, line);
            else if (word)
                verdict = (size_t)(word - line);
        }
        free(text);
    }
}

// A name out of a database may hold anything; colours are for terminals that asked.
Test(comparison, no_escapes_unless_asked)
{
    made.arms[1].name = "position=\033[31mrope\nx";
    compare(1);
    hides(&narrow, "\033");
    shows(&narrow, "position=?[31mrope?x");
    shows(&(struct screen_options){.width = 80, .colour = true}, "\033[32mbetter\033[0m");
}
