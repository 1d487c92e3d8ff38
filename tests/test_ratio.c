// test_ratio.c: which of two builds is faster, against values worked out by counting all outcomes.
#include "bench/ratio.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/random.h"

static bool near(double a, double b) { return fabs(a - b) <= 1e-12; }

// Six rounds, all faster: 2 of the 64 equally likely outcomes of signs are as extreme.
Test(ratio, six_of_six_pairs_decide)
{
    const double a[] = {10, 20, 30, 40, 50, 60}, b[] = {8, 17, 24, 30, 45, 42};
    struct ratio ratio = ratio_paired(a, b, 6);
    cr_expect(near(ratio.p, 2.0 / 64), "p = %g", ratio.p);
    cr_expect(near(ratio.value, 0.8), "the middle of .7 .75 .8 .8 .85 .9 is .8, not %g", ratio.value);
    cr_expect(ratio.low == 42.0 / 60 && ratio.high == 0.9, "[%g, %g]", ratio.low, ratio.high);
    cr_expect_eq(ratio.verdict, RATIO_FASTER);
    cr_expect_eq(ratio_paired(b, a, 6).verdict, RATIO_SLOWER);
}

// With five rounds no outcome is rarer than 2 in 32: nothing may be called faster, however large the difference.
Test(ratio, five_pairs_cannot_decide)
{
    const double a[] = {10, 10, 10, 10, 10}, b[] = {1, 1, 1, 1, 1};
    struct ratio ratio = ratio_paired(a, b, 5);
    cr_expect(near(ratio.p, 2.0 / 32), "p = %g", ratio.p);
    cr_expect(isnan(ratio.low) && ratio.verdict == RATIO_NOISY);
}

// Two sets: of the 462 ways to deal 11 times to sets of 5 and 6, 29 give U <= 6 (counted one by one), so p = 58 / 462; the
// bounds are the 4th smallest and largest of the 30 ratios, since 7 of 462 ways give U <= 3 and 12 give U <= 4.
Test(ratio, sets_as_counted_by_hand)
{
    const double a[] = {10, 12, 13, 15, 16}, b[] = {11, 14, 17, 18, 19, 20};
    struct ratio ratio = ratio_unpaired(a, 5, b, 6);
    cr_expect(near(ratio.p, 58.0 / 462), "p = %g", ratio.p);
    cr_expect(near(ratio.value, (1.25 + 19.0 / 15) / 2), "the middle ratio is %g", ratio.value);
    cr_expect(near(ratio.low, 0.875) && near(ratio.high, 1.7), "[%g, %g]", ratio.low, ratio.high);
    cr_expect_eq(ratio.verdict, RATIO_NOISY);
}

// Five and five that do not overlap: 2 of the 252 ways.
Test(ratio, sets_apart)
{
    const double a[] = {1.00, 1.01, 1.02, 1.03, 1.04}, b[] = {1.10, 1.11, 1.12, 1.13, 1.14};
    struct ratio ratio = ratio_unpaired(a, 5, b, 5);
    cr_expect(near(ratio.p, 2.0 / 252), "p = %g", ratio.p);
    cr_expect_eq(ratio.verdict, RATIO_SLOWER);
    cr_expect_eq(ratio_unpaired(b, 5, a, 5).verdict, RATIO_FASTER);
}

// Times that repeat to 1% and do not differ are the same; the test finds no difference where there is none more often than it
// may.
Test(ratio, equal_builds_are_rarely_told_apart)
{
    enum { TRIALS = 2000, COUNT = 8 };
    int told = 0, same = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[COUNT], b[COUNT];
        for (uint64_t i = 0; i < COUNT; i++) {
            a[i] = exp(0.01 * random_normal(17, (uint64_t)trial, 2 * i));
            b[i] = exp(0.01 * random_normal(17, (uint64_t)trial, 2 * i + 1));
        }
        enum ratio_verdict paired = ratio_paired(a, b, COUNT).verdict, sets = ratio_unpaired(a, COUNT, b, COUNT).verdict;
        told += (paired == RATIO_FASTER || paired == RATIO_SLOWER) + (sets == RATIO_FASTER || sets == RATIO_SLOWER);
        same += (paired == RATIO_SAME) + (sets == RATIO_SAME);
    }
    cr_expect(told <= 0.06 * 2 * TRIALS, "%d of %d equal pairs were told apart", told, 2 * TRIALS);
    cr_expect(same > 0.9 * 2 * TRIALS, "only %d of %d were called the same", same, 2 * TRIALS);
}

// Beyond 400 pairs the normal distribution stands in: it agrees with what is exact just below.
Test(ratio, many_repetitions_go_on_smoothly)
{
    double a[21], b[21];
    for (int i = 0; i < 21; i++) {
        a[i] = 100 + 2 * i;
        b[i] = 107 + 2 * i;
    }
    double exact = ratio_unpaired(a, 20, b, 20).p, normal = ratio_unpaired(a, 21, b, 21).p;
    cr_expect(fabs(log(exact / normal)) < 0.25, "p jumps from %g to %g", exact, normal);
}

Test(ratio, nothing_to_compare)
{
    cr_expect(isnan(ratio_paired(NULL, NULL, 0).value) && isnan(ratio_unpaired(NULL, 0, NULL, 0).value));
    cr_expect(isnan(ratio_median(NULL, 0)));
}
