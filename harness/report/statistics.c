// statistics.c: the one procedure behind verdict and interval.
//
// A difference of few seeds has a poorly known variance; its neighbours' variances help, as in moderated t tests (Smyth 2004,
// doi 10.2202/1544-6115.1027), with a fixed weight and a guard against an arm whose seeds scatter far more than the others'.
// Intervals are simultaneous by Bonferroni's inequality. Called by comparison.c, and by claim.c and
// page_claims.c for differences and means that stand by themselves.
#include "report/statistics.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

const char *const verdict_names[] = {
    [VERDICT_NONE] = "none",
    [VERDICT_BETTER] = "better",
    [VERDICT_WORSE] = "worse",
    [VERDICT_EQUIVALENT] = "equivalent",
    [VERDICT_NOT_DISTINGUISHABLE] = "not distinguishable",
    [VERDICT_DIVERGED] = "diverged",
    [VERDICT_DIVERGED + 1] = NULL,
};

// Own variance is kept where it exceeds the neighbours' by more than this.
static const double outlying = 9;
static const double power = 0.8;

// Weight of the neighbours' variances, as degrees of freedom. Differences share the baseline, so their variances are correlated
// and m - 1 of them are worth less than (m-1)(n-1); never more than 4.
static double neighbours_freedom(int arms, int seeds)
{
    if (arms < 2)
        return 0;
    return fmin(4, (arms - 1.0) * (seeds - 1.0) / (2 * (1 + (arms - 2.0) / 4)));
}

static double freedom_of(bool pooled, int arms, int seeds)
{
    return seeds - 1 + (pooled ? neighbours_freedom(arms, seeds) : 0);
}

// Quantiles of t for one number of degrees of freedom.
struct quantiles {
    double freedom; // 0: not computed yet
    double interval, equivalence, power;
};

static void quantiles_fill(struct quantiles *quantiles, double freedom, const struct sample *sample)
{
    if (quantiles->freedom == freedom)
        return;
    *quantiles = (struct quantiles){
        .freedom = freedom,
        .interval = gsl_cdf_tdist_Qinv(sample->alpha / (2 * sample->arms), freedom),
        .equivalence = gsl_cdf_tdist_Qinv(sample->alpha / sample->arms, freedom),
        .power = gsl_cdf_tdist_Pinv(power, freedom),
    };
}

static double mean_of_difference(const double *arm, const double *baseline, int seeds)
{
    double sum = 0;
    for (int s = 0; s < seeds; s++)
        sum += arm[s] - (baseline ? baseline[s] : 0);
    return sum / seeds;
}

// Over seeds, of arm - baseline, or of the arm alone where `baseline` is NULL.
static double variance_of_difference(const double *arm, const double *baseline, int seeds)
{
    double mean = mean_of_difference(arm, baseline, seeds), sum = 0;
    for (int s = 0; s < seeds; s++) {
        double deviation = arm[s] - (baseline ? baseline[s] : 0) - mean;
        sum += deviation * deviation;
    }
    return sum / (seeds - 1);
}

static const double *values_of(const struct sample *sample, int arm)
{
    return sample->values + (size_t)arm * (size_t)sample->seeds;
}

// A difference that never varies is certain, unless it is none.
static double two_sided(double delta, double error, double freedom)
{
    if (delta == 0)
        return 1;
    return error > 0 ? 2 * gsl_cdf_tdist_Q(fabs(delta) / error, freedom) : 0;
}

static enum verdict verdict_of(const struct difference *difference, bool maximize)
{
    if (difference->low > 0 || difference->high < 0)
        return (difference->low > 0) == maximize ? VERDICT_BETTER : VERDICT_WORSE;
    return difference->within_margin ? VERDICT_EQUIVALENT : VERDICT_NOT_DISTINGUISHABLE;
}

// Delta, variance and freedom are known; the rest follows.
static void judge(const struct sample *sample, const struct quantiles *t, struct difference *difference)
{
    double delta = difference->delta, error = sqrt(difference->variance / sample->seeds);
    difference->error = error;
    difference->low = delta - t->interval * error;
    difference->high = delta + t->interval * error;
    difference->p = fmin(1, sample->arms * two_sided(delta, error, difference->freedom));
    difference->detectable = (t->interval + t->power) * error;
    difference->within_margin = fabs(delta) + t->equivalence * error < sample->margin;
    difference->verdict = verdict_of(difference, sample->maximize);
}

const struct difference difference_unknown = {
    .delta = NAN,
    .variance = NAN,
    .freedom = NAN,
    .error = NAN,
    .low = NAN,
    .high = NAN,
    .p = NAN,
    .detectable = NAN,
};

static void compare_without_statistics(const struct sample *sample, struct difference *differences)
{
    for (int a = 0; a < sample->arms; a++) {
        differences[a] = difference_unknown;
        differences[a].delta = mean_of_difference(values_of(sample, a + 1), values_of(sample, 0), sample->seeds);
    }
}

void statistics_compare(const struct sample *sample, struct difference *differences)
{
    int arms = sample->arms, seeds = sample->seeds;
    if (seeds < 2) {
        compare_without_statistics(sample, differences);
        return;
    }
    double sum = 0; // of v
    for (int a = 0; a < arms; a++) {
        const double *arm = values_of(sample, a + 1), *baseline = values_of(sample, 0);
        differences[a] = (struct difference){
            .delta = mean_of_difference(arm, baseline, seeds),
            .variance = variance_of_difference(arm, baseline, seeds),
        };
        sum += differences[a].variance;
    }
    double d0 = neighbours_freedom(arms, seeds);
    struct quantiles quantiles[2] = {0}; // own, pooled
    for (int a = 0; a < arms; a++) {
        struct difference *difference = &differences[a];
        double own = difference->variance, neighbours = arms > 1 ? (sum - own) / (arms - 1) : 0;
        difference->pooled = arms > 1 && own <= outlying * neighbours;
        if (difference->pooled)
            difference->variance = (d0 * neighbours + (seeds - 1) * own) / (d0 + seeds - 1);
        difference->freedom = freedom_of(difference->pooled, arms, seeds);
        quantiles_fill(&quantiles[difference->pooled], difference->freedom, sample);
        judge(sample, &quantiles[difference->pooled], difference);
    }
}

static double detectable_with(const struct difference *difference, int arms, double alpha, int seeds)
{
    double freedom = freedom_of(difference->pooled, arms, seeds);
    return (gsl_cdf_tdist_Qinv(alpha / (2 * arms), freedom) + gsl_cdf_tdist_Pinv(power, freedom)) *
           sqrt(difference->variance / seeds);
}

// What can be shown shrinks with every seed, so halving finds the first number that suffices.
int statistics_seeds_needed(const struct difference *difference, int arms, double alpha, double size)
{
    int few = 1, enough = STATISTICS_SEEDS_MAX;
    while (enough - few > 1) {
        int middle = few + (enough - few) / 2;
        if (detectable_with(difference, arms, alpha, middle) <= fabs(size))
            enough = middle;
        else
            few = middle;
    }
    return enough;
}

struct interval statistics_mean(const double *values, int count, double alpha)
{
    struct interval interval = {NAN, NAN};
    if (count > 0)
        interval.mean = mean_of_difference(values, NULL, count);
    if (count > 1)
        interval.half_width =
            gsl_cdf_tdist_Qinv(alpha / 2, count - 1) * sqrt(variance_of_difference(values, NULL, count) / count);
    return interval;
}

double statistics_seed_deviation(const struct sample *sample)
{
    if (sample->seeds < 2)
        return NAN;
    double sum = 0;
    for (int a = 0; a <= sample->arms; a++)
        sum += variance_of_difference(values_of(sample, a), NULL, sample->seeds);
    return sqrt(sum / (sample->arms + 1));
}

double statistics_pairing(const struct sample *sample)
{
    if (sample->seeds < 2)
        return NAN;
    double paired = 0, unpaired = 0;
    double baseline = variance_of_difference(values_of(sample, 0), NULL, sample->seeds);
    for (int a = 1; a <= sample->arms; a++) {
        paired += variance_of_difference(values_of(sample, a), values_of(sample, 0), sample->seeds);
        unpaired += baseline + variance_of_difference(values_of(sample, a), NULL, sample->seeds);
    }
    return unpaired > 0 ? 1 - paired / unpaired : NAN;
}

double statistics_fisher(int first, int first_total, int second, int second_total)
{
    assert(first >= 0 && first <= first_total && second >= 0 && second <= second_total);
    unsigned a = (unsigned)first_total, b = (unsigned)second_total, both = (unsigned)(first + second);
    // Tables as likely as the one seen may differ from it in the last bits.
    double seen = gsl_ran_hypergeometric_pdf((unsigned)first, a, b, both) * (1 + 1e-7), sum = 0;
    for (unsigned k = both > b ? both - b : 0; k <= a && k <= both; k++) {
        double probability = gsl_ran_hypergeometric_pdf(k, a, b, both);
        if (probability <= seen)
            sum += probability;
    }
    return fmin(1, sum);
}

double statistics_look_alpha(int look) { return look <= 1 ? 0.04 : ldexp(0.01, 1 - look); }
