// test_statistics.c: the comparison procedure against values worked by hand, published tables, and simulation.
#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "report/statistics.h"

static void near(double got, double want, double tolerance, const char *what)
{
    cr_assert(fabs(got - want) <= tolerance, "%s: got %.6g, want %.6g", what, got, want);
}

// Of Student's t with 3 degrees of freedom, in closed form.
static double two_sided_t3(double t)
{
    double x = t / sqrt(3);
    return 1 - 2 / M_PI * (x / (1 + x * x) + atan(x));
}

// Two arms, three seeds: D1 = .1 .2 .3 (v .01), D2 = -.1 .1 .3 (v .04). d0 = 1, so V1 = (.04 + 2 x .01) / 3 = .02,
// V2 = (.01 + 2 x .04) / 3 = .03 with 3 degrees of freedom; t(.9875, 3) = 4.177 in a table, t(.8, 3) = .978.
Test(statistics, two_arms_by_hand)
{
    const double values[] = {1, 2, 3, 1.1, 2.2, 3.3, 0.9, 2.1, 3.3};
    struct sample sample = {.arms = 2, .seeds = 3, .values = values, .alpha = 0.05, .margin = NAN};
    struct difference d[2];
    statistics_compare(&sample, d);
    near(d[0].delta, 0.2, 1e-12, "first delta");
    near(d[1].delta, 0.1, 1e-12, "second delta");
    near(d[0].variance, 0.02, 1e-12, "first variance");
    near(d[1].variance, 0.03, 1e-12, "second variance");
    near(d[0].freedom, 3, 1e-12, "degrees of freedom");
    near(d[0].error, sqrt(0.02 / 3), 1e-12, "standard error");
    near(d[0].high - d[0].delta, 4.177 * sqrt(0.02 / 3), 1e-4, "half-width");
    near(d[0].delta - d[0].low, 4.177 * sqrt(0.02 / 3), 1e-4, "half-width below");
    near(d[0].p, 2 * two_sided_t3(0.2 / sqrt(0.02 / 3)), 1e-9, "first p");
    near(d[1].p, 2 * two_sided_t3(1), 1e-9, "second p");
    near(d[0].detectable, (4.177 + 0.978) * sqrt(0.02 / 3), 2e-4, "detectable");
    cr_assert_eq(d[0].verdict, VERDICT_NOT_DISTINGUISHABLE);
}

// An arm whose variance is more than nine times its neighbours' keeps its own, and so does a lone arm.
Test(statistics, an_outlying_variance_is_not_moderated)
{
    for (int side = 0; side < 2; side++) {
        double spread = side ? sqrt(9.1) : sqrt(8.9);
        const double values[] = {0, 0, 0, -spread, 0, spread, -1, 0, 1};
        struct sample sample = {.arms = 2, .seeds = 3, .values = values, .alpha = 0.05, .margin = NAN};
        struct difference d[2];
        statistics_compare(&sample, d);
        near(d[0].variance, side ? 9.1 : (1 + 2 * 8.9) / 3, 1e-9, side ? "beyond nine times" : "within nine times");
        near(d[0].freedom, side ? 2 : 3, 1e-12, "degrees of freedom");
        near(d[1].variance, side ? (9.1 + 2) / 3 : (8.9 + 2) / 3, 1e-9, "the calmer arm");
    }
}

// Any table of Student's t, two-sided 5%; 12.706 with one degree of freedom.
Test(statistics, intervals_of_one_arm_use_the_published_t)
{
    static const struct {
        int seeds;
        double alpha, t;
    } table[] = {{2, .05, 12.706}, {3, .05, 4.303}, {5, .05, 2.776}, {11, .05, 2.228},
                 {31, .05, 2.042}, {5, .01, 4.604}, {9, .1, 1.860}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        double values[64] = {0};
        int n = table[i].seeds;
        for (int s = 0; s < n; s++)
            values[n + s] = s % 2 + 0.01 * s;
        struct sample sample = {.arms = 1, .seeds = n, .values = values, .alpha = table[i].alpha, .margin = NAN};
        struct difference d;
        statistics_compare(&sample, &d);
        near((d.high - d.delta) / d.error, table[i].t, 6e-4, "t");
    }
}

static void random_sample(uint64_t key, double *values, struct sample *sample)
{
    sample->arms = 1 + (int)random_below(key, 1, 0, 8);
    sample->seeds = 2 + (int)random_below(key, 1, 1, 7);
    sample->values = values;
    sample->margin = random_below(key, 1, 2, 3) ? 0.3 + 6 * random_uniform(key, 1, 3) : NAN;
    sample->maximize = random_below(key, 1, 4, 2);
    sample->alpha = random_below(key, 1, 5, 2) ? 0.05 : 0.01;
    for (int a = 0; a <= sample->arms; a++)
        for (int s = 0; s < sample->seeds; s++)
            values[a * sample->seeds + s] = random_normal(key, 2 + (uint64_t)a, (uint64_t)s) * (a == 1 ? 4 : 1) + 0.5 * a;
}

// A reader must never see an interval that contradicts the word beside it, nor a p that contradicts both.
Test(statistics, verdict_interval_and_p_always_agree)
{
    int seen[VERDICT_DIVERGED + 1] = {0};
    for (uint64_t i = 0; i < 3000; i++) {
        double values[9 * 8];
        struct sample sample;
        struct difference d[8];
        random_sample(random_key(1, "agreement", i), values, &sample);
        statistics_compare(&sample, d);
        for (int a = 0; a < sample.arms; a++) {
            bool excludes = d[a].low > 0 || d[a].high < 0;
            bool is_good = (d[a].delta > 0) == sample.maximize;
            enum verdict verdict = d[a].verdict;
            seen[verdict]++;
            cr_assert_eq(excludes, verdict == VERDICT_BETTER || verdict == VERDICT_WORSE, "%s with [%g, %g]",
                         verdict_names[verdict], d[a].low, d[a].high);
            cr_assert_eq(excludes, d[a].p < sample.alpha, "p %g with [%g, %g]", d[a].p, d[a].low, d[a].high);
            cr_assert(!excludes || is_good == (verdict == VERDICT_BETTER), "%s for a delta of %g", verdict_names[verdict],
                      d[a].delta);
            cr_assert(verdict != VERDICT_EQUIVALENT || fabs(d[a].delta) < sample.margin, "equivalent outside the margin");
            cr_assert(fabs(d[a].delta) < d[a].detectable || excludes, "missed what was sure to be seen");
        }
    }
    for (int v = VERDICT_BETTER; v <= VERDICT_NOT_DISTINGUISHABLE; v++)
        cr_assert(seen[v] > 100, "%s was seen %d times: the test does not test it", verdict_names[v], seen[v]);
}

// D = -.01 .01 .00 (v 1e-4, SE .005774); t(.95, 2) = 2.920, so the interval of equivalence ends at .016859.
Test(statistics, equivalence_needs_the_whole_interval_inside_a_declared_margin)
{
    const double values[] = {1, 1, 1, 0.99, 1.01, 1};
    struct difference d;
    struct sample sample = {.arms = 1, .seeds = 3, .values = values, .alpha = 0.05, .margin = 0.0170};
    statistics_compare(&sample, &d);
    cr_assert_eq(d.verdict, VERDICT_EQUIVALENT, "margin .0170: %s", verdict_names[d.verdict]);
    sample.margin = 0.0168;
    statistics_compare(&sample, &d);
    cr_assert_eq(d.verdict, VERDICT_NOT_DISTINGUISHABLE, "margin .0168: %s", verdict_names[d.verdict]);
    sample.margin = NAN;
    statistics_compare(&sample, &d);
    cr_assert_eq(d.verdict, VERDICT_NOT_DISTINGUISHABLE, "no margin: %s", verdict_names[d.verdict]);
}

// What all arms of a seed share (an easy seed) is not a difference.
Test(statistics, a_shift_of_a_whole_seed_changes_nothing)
{
    double values[] = {1, 2, 3, 4, 1.5, 2.25, 3.5, 4.75, 1, 2.5, 3.5, 4}, shifted[12];
    for (int i = 0; i < 12; i++)
        shifted[i] = values[i] + (i % 4 == 2 ? 64 : 0);
    struct difference plain[2], moved[2];
    struct sample sample = {.arms = 2, .seeds = 4, .values = values, .alpha = 0.05, .margin = NAN};
    statistics_compare(&sample, plain);
    sample.values = shifted;
    statistics_compare(&sample, moved);
    for (int a = 0; a < 2; a++) {
        near(moved[a].low, plain[a].low, 1e-12, "low");
        near(moved[a].high, plain[a].high, 1e-12, "high");
    }
}

// One seed has no spread, no seed not even a difference: nothing is made up.
Test(statistics, fewer_than_two_seeds_give_no_verdict)
{
    const double values[] = {1, 1.5};
    struct difference d;
    struct sample sample = {.arms = 1, .seeds = 1, .values = values, .alpha = 0.05, .margin = 10};
    statistics_compare(&sample, &d);
    near(d.delta, 0.5, 1e-12, "delta");
    cr_assert(isnan(d.low) && isnan(d.high) && isnan(d.p) && d.verdict == VERDICT_NONE, "%s", verdict_names[d.verdict]);
    cr_assert(isnan(statistics_seed_deviation(&sample)) && isnan(statistics_pairing(&sample)));
    sample.seeds = 0;
    statistics_compare(&sample, &d);
    cr_assert(isnan(d.delta) && d.verdict == VERDICT_NONE);
}

// Arms that are the same to the last bit differ by nothing, for certain; a difference that never varies is one.
Test(statistics, constant_differences)
{
    const double values[] = {1, 2, 3, 1, 2, 3, 2, 3, 4};
    struct difference d[2];
    struct sample sample = {.arms = 2, .seeds = 3, .values = values, .alpha = 0.05, .margin = 0.01};
    statistics_compare(&sample, d);
    cr_assert_eq(d[0].verdict, VERDICT_EQUIVALENT, "%s", verdict_names[d[0].verdict]);
    near(d[0].p, 1, 0, "p of no difference");
    cr_assert_eq(d[1].verdict, VERDICT_WORSE, "%s", verdict_names[d[1].verdict]);
    near(d[1].p, 0, 0, "p of a constant difference");
}

// V = 1, one arm: (t(.975, 9) + t(.8, 9)) / sqrt(10) = (2.262 + .883) / 3.162 = .9946; with 11 seeds (2.228 + .879) / 3.317 =
// .937.
Test(statistics, seeds_needed_by_hand)
{
    struct difference d = {.variance = 1, .pooled = false};
    cr_assert_eq(statistics_seeds_needed(&d, 1, 0.05, -1.0), 10);
    cr_assert_eq(statistics_seeds_needed(&d, 1, 0.05, 0.99), 11);
    cr_assert_eq(statistics_seeds_needed(&d, 1, 0.05, 0.94), 11);
    cr_assert_eq(statistics_seeds_needed(&d, 1, 0.05, 1e-9), STATISTICS_SEEDS_MAX);
}

// The tea tasting, the convictions of twins (both Fisher's), and what the reference says of 3 and 5 seeds.
Test(statistics, fisher_against_published_values)
{
    near(statistics_fisher(3, 4, 1, 4), 34.0 / 70, 1e-12, "tea");
    near(statistics_fisher(10, 13, 2, 17), 0.0005367, 5e-8, "twins");
    near(statistics_fisher(3, 3, 0, 3), 0.10, 1e-12, "3 of 3 against 0 of 3");
    near(statistics_fisher(5, 5, 0, 5), 2.0 / 252, 1e-12, "5 of 5 against 0 of 5");
    near(statistics_fisher(0, 5, 5, 5), 2.0 / 252, 1e-12, "the other way round");
    near(statistics_fisher(2, 5, 0, 5), 4.0 / 9, 1e-12, "2 of 5 against 0 of 5");
    near(statistics_fisher(0, 5, 0, 5), 1, 0, "none at all");
    near(statistics_fisher(5, 5, 5, 5), 1, 0, "all of them");
}

// Var(a) = Var(b) = 1: moving together leaves no variance in the difference, moving against each other doubles it.
// 1, 2, 3: mean 2, standard error 1 / sqrt(3), and t of two degrees of freedom is 4.3027.
Test(statistics, interval_of_a_mean_by_hand)
{
    struct interval interval = statistics_mean((const double[]){1, 2, 3}, 3, 0.05);
    cr_expect_float_eq(interval.mean, 2, 1e-12);
    cr_expect_float_eq(interval.half_width, 4.302653 / sqrt(3), 1e-6, "half-width %g", interval.half_width);
    cr_expect(isnan(statistics_mean((const double[]){1}, 1, 0.05).half_width), "one value shows no spread");
}

Test(statistics, seed_deviation_and_pairing_by_hand)
{
    const double together[] = {1, 2, 3, 5, 6, 7}, against[] = {1, 2, 3, 7, 6, 5}, mixed[] = {1, 2, 3, 5, 6, 7, 7, 6, 5};
    struct sample sample = {.arms = 1, .seeds = 3, .values = together};
    near(statistics_seed_deviation(&sample), 1, 1e-12, "seed deviation");
    near(statistics_pairing(&sample), 1, 1e-12, "together");
    sample.values = against;
    near(statistics_pairing(&sample), -1, 1e-12, "against");
    sample = (struct sample){.arms = 2, .seeds = 3, .values = mixed};
    near(statistics_pairing(&sample), 0, 1e-12, "mixed");
}

// .04 at the first look, .01/2^k at extension k: however often one looks, less than .05 is spent.
Test(statistics, looks_never_spend_more_than_alpha)
{
    double sum = 0;
    near(statistics_look_alpha(1), 0.04, 0, "first look");
    near(statistics_look_alpha(2), 0.005, 0, "first extension");
    near(statistics_look_alpha(3), 0.0025, 0, "second extension");
    for (int look = 1; look <= 40; look++)
        sum += statistics_look_alpha(look);
    cr_assert(sum < 0.05 + 1e-12 && sum > 0.0499, "all looks spend %g", sum);
}

// ---- Simulation -------------------------------------------------------------------------------------------------------------

enum { EXPERIMENTS = 8000, PUBLISHED_EXPERIMENTS = 20000, ARMS_MAX = 8, SEEDS_MAX = 5 };

// How the seeds of an experiment scatter: standard deviations of the baseline and of the first arm, the others' being 1.
enum condition { EQUAL, ARM_3X, BASELINE_3X, ARM_10X, T3_TAILS, CONDITIONS };
static const struct {
    const char *name;
    double baseline, first;
    bool has_tails;
} conditions[CONDITIONS] = {
    [EQUAL] = {"equal variances", 1, 1, false},   [ARM_3X] = {"one arm 3x", 1, 3, false},
    [BASELINE_3X] = {"baseline 3x", 3, 1, false}, [ARM_10X] = {"one arm 10x", 1, 10, false},
    [T3_TAILS] = {"t3 tails", 1, 1, true},
};

// The table of the reference that the procedure came with, from simulations of its author's.
static const struct row {
    int arms, seeds;
    double false_verdicts[CONDITIONS];
    double power, power_of_holm;
} table[] = {
    {1, 5, {.050, .047, .053, .050, .041}, .93, .93}, {2, 3, {.034, .037, .048, .044, .023}, .46, .31},
    {4, 3, {.020, .036, .047, .050, .012}, .42, .17}, {4, 4, {.027, .047, .045, .031, .017}, .74, .41},
    {4, 5, {.033, .048, .043, .025, .022}, .90, .66}, {8, 5, {.022, .030, .034, .018, .009}, .82, .48},
};

static double draw(uint64_t key, uint64_t row, uint64_t column, bool has_tails)
{
    double normal = random_normal(key, row, 4 * column), square = 0;
    if (!has_tails)
        return normal;
    for (uint64_t i = 1; i < 4; i++)
        square += pow(random_normal(key, row, 4 * column + i), 2);
    return normal / sqrt(square / 3);
}

static void simulate(uint64_t key, const struct row *row, enum condition condition, double effect, double *values)
{
    for (int a = 0; a <= row->arms; a++) {
        double deviation = a == 0 ? conditions[condition].baseline : a == 1 ? conditions[condition].first : 1;
        for (int s = 0; s < row->seeds; s++)
            values[a * row->seeds + s] =
                deviation * draw(key, (uint64_t)a, (uint64_t)s, conditions[condition].has_tails) + (a == 1 ? effect : 0);
    }
}

// 3.5 standard errors of the difference between two simulations of a rate, and half a unit of the printed figure.
static double tolerance(double rate, double unit)
{
    return 3.5 * sqrt(rate * (1 - rate) * (1.0 / EXPERIMENTS + 1.0 / PUBLISHED_EXPERIMENTS)) + unit / 2;
}

// Without any true difference: how often some arm is called better or worse.
Test(statistics, false_verdicts_as_in_the_reference_table, .timeout = 60)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int c = 0; c < CONDITIONS; c++) {
            int wrong = 0;
            for (uint64_t e = 0; e < EXPERIMENTS; e++) {
                double values[(ARMS_MAX + 1) * SEEDS_MAX];
                struct difference d[ARMS_MAX];
                simulate(random_key(i * CONDITIONS + (uint64_t)c, "false verdicts", e), &table[i], c, 0, values);
                struct sample sample = {table[i].arms, table[i].seeds, values, 0.05, NAN, false};
                statistics_compare(&sample, d);
                bool any = false;
                for (int a = 0; a < table[i].arms; a++)
                    any |= d[a].verdict != VERDICT_NOT_DISTINGUISHABLE;
                wrong += any;
            }
            double want = table[i].false_verdicts[c], got = (double)wrong / EXPERIMENTS;
            cr_expect(fabs(got - want) < tolerance(want, .001), "%d arms, %d seeds, %s: got %.4f, want %.3f +- %.4f",
                      table[i].arms, table[i].seeds, conditions[c].name, got, want, tolerance(want, .001));
        }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Whether Holm's procedure on plain paired t tests rejects the first arm (Holm 1979): the contrast of the table.
static bool holm_finds_first(const struct row *row, const double *values)
{
    double p[ARMS_MAX], sorted[ARMS_MAX];
    for (int a = 0; a < row->arms; a++) {
        const double *arm = values + (a + 1) * row->seeds;
        double mean = 0, square = 0;
        for (int s = 0; s < row->seeds; s++)
            mean += (arm[s] - values[s]) / row->seeds;
        for (int s = 0; s < row->seeds; s++)
            square += pow(arm[s] - values[s] - mean, 2);
        double error = sqrt(square / (row->seeds - 1) / row->seeds);
        p[a] = sorted[a] = 2 * gsl_cdf_tdist_Q(fabs(mean) / error, row->seeds - 1);
    }
    qsort(sorted, (size_t)row->arms, sizeof *sorted, ascending);
    for (int i = 0; i < row->arms && sorted[i] <= 0.05 / (row->arms - i); i++)
        if (sorted[i] == p[0])
            return true;
    return false;
}

// One arm of several is worse by 3 seed-SDs: how often it is found, here and by the usual procedure.
Test(statistics, power_as_in_the_reference_table, .timeout = 60)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int found = 0, found_by_holm = 0;
        for (uint64_t e = 0; e < EXPERIMENTS; e++) {
            double values[(ARMS_MAX + 1) * SEEDS_MAX];
            struct difference d[ARMS_MAX];
            simulate(random_key(i, "power", e), &table[i], EQUAL, 3, values);
            struct sample sample = {table[i].arms, table[i].seeds, values, 0.05, NAN, false};
            statistics_compare(&sample, d);
            found += d[0].verdict == VERDICT_WORSE;
            found_by_holm += holm_finds_first(&table[i], values);
        }
        double got = (double)found / EXPERIMENTS, holm = (double)found_by_holm / EXPERIMENTS;
        cr_expect(fabs(got - table[i].power) < tolerance(table[i].power, .01), "%d arms, %d seeds: got %.3f, want %.2f",
                  table[i].arms, table[i].seeds, got, table[i].power);
        cr_expect(fabs(holm - table[i].power_of_holm) < tolerance(table[i].power_of_holm, .01),
                  "%d arms, %d seeds, Holm: got %.3f, want %.2f", table[i].arms, table[i].seeds, holm, table[i].power_of_holm);
    }
}
