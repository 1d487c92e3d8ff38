// ratio.h: by how much one program is faster than another, from repetitions of the same benchmark, and whether that can be
// told.
//
// Two plans: paired, where both ran in turn (the sign test on log ratios, its interval from their order statistics), and
// unpaired, two stored sets (Mann and Whitney's test, the interval of Hodges and Lehmann). Neither asks times to be normal: on
// a shared machine they are not. Exact for the numbers of repetitions there are; distributions by GSL where it has them. Called
// by `ablate bench compare`.
#ifndef BENCH_RATIO_H
#define BENCH_RATIO_H

enum ratio_verdict {
    RATIO_FASTER, // B takes less time, and the test says so
    RATIO_SLOWER,
    RATIO_SAME,  // the whole interval lies within the margin around 1
    RATIO_NOISY, // too noisy to tell
};
extern const char *const ratio_verdict_names[]; // "faster", ..., NULL-ended

#define RATIO_ALPHA  0.05
#define RATIO_MARGIN 0.05

struct ratio {
    double value;     // the middle of B's times over A's: below 1, B is faster
    double low, high; // interval of at least 1 - RATIO_ALPHA; NaN where there are too few repetitions for one
    double p;         // two-sided
    enum ratio_verdict verdict;
};
// a[i] and b[i] ran one after the other.
struct ratio ratio_paired(const double *a, const double *b, int count);
struct ratio ratio_unpaired(const double *a, int a_count, const double *b, int b_count);

double ratio_median(const double *values, int count); // NaN of none

#endif
