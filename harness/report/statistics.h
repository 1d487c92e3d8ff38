// statistics.h: how arms are compared: paired by seed, variances moderated over the arms, intervals simultaneous.
//
// Pure functions on arrays; distributions by GSL. m arms against one baseline, n seeds that are complete in all of them. Values
// are finite: what diverged, failed or is missing is sorted out before (comparison.h) and never filled in here.
#ifndef REPORT_STATISTICS_H
#define REPORT_STATISTICS_H

#include <stdbool.h>

enum verdict {
    VERDICT_NONE, // fewer than two seeds: nothing can be said
    VERDICT_BETTER,
    VERDICT_WORSE,
    VERDICT_EQUIVALENT, // inside the margin declared before the runs
    VERDICT_NOT_DISTINGUISHABLE,
    VERDICT_DIVERGED, // a seed of the arm or of its baseline did: no verdict on the metric
};
extern const char *const verdict_names[]; // "none", "better", ..., NULL-ended

// Level of a family of comparisons that is looked at once.
#define STATISTICS_ALPHA 0.05

struct sample {
    int arms, seeds;      // m >= 1 arms beside the baseline, n >= 0 seeds
    const double *values; // [arms + 1, seeds], the baseline first
    double alpha;         // of the whole family
    double margin;        // of equivalence; NaN: none declared, so nothing is called equivalent
    bool maximize;        // more is better
};

// One arm minus the baseline. With fewer than two seeds all but `delta` is NaN, with none `delta` too.
struct difference {
    double delta;       // d, the mean over seeds of arm - baseline
    double variance;    // V, moderated, of one seed's difference
    double freedom;     // nu
    double error;       // SE = sqrt(V / n)
    double low, high;   // simultaneous interval at 1 - alpha
    double p;           // two-sided, times m, at most 1
    double detectable;  // the smallest difference that had an 80% chance to be shown
    bool pooled;        // V borrows from the other arms
    bool within_margin; // the interval of equivalence lies inside +-margin, whatever the verdict
    enum verdict verdict;
};
extern const struct difference difference_unknown; // NaN throughout, no verdict

// Fills differences[arms].
void statistics_compare(const struct sample *sample, struct difference *differences);

// The fewest seeds with which a true difference of this size would have an 80% chance to be shown, had the variances stayed as
// they are; at most STATISTICS_SEEDS_MAX, which stands for "that many or more". `arms` and `alpha` as in the sample.
enum { STATISTICS_SEEDS_MAX = 1000 };
int statistics_seeds_needed(const struct difference *difference, int arms, double alpha, double size);

// The mean of values and half its t interval at 1 - alpha, of one mean by itself; NaN where there are too few.
struct interval {
    double mean, half_width;
};
struct interval statistics_mean(const double *values, int count, double alpha);

// Standard deviation over seeds of one arm's value, pooled over all arms and the baseline; NaN with fewer than two seeds.
double statistics_seed_deviation(const struct sample *sample);
// The share of a difference's variance that pairing by seed removes: 1 - var(a - b) / (var(a) + var(b)), pooled over the arms;
// negative where pairing hurts. NaN where nothing varies.
double statistics_pairing(const struct sample *sample);

// Fisher's exact test, two-sided: `first` of `first_total` against `second` of `second_total`. Sums all tables of the same
// margins that are at most as likely as the one seen (Fisher 1934).
double statistics_fisher(int first, int first_total, int second, int second_total);

// The level of look 1, 2, ... when extensions were declared with `replicates: {first, max}`: .04, then .01/2^k at extension k,
// so that all looks together stay below .05.
double statistics_look_alpha(int look);

#endif
