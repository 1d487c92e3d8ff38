// test_complexity.c: the law by which made-up times grow is found, and where they do not tell, that is said.
#include "bench/complexity.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/random.h"

enum { COUNT = 6 };
static const int64_t lengths[COUNT] = {64, 128, 256, 512, 1024, 2048};

static struct complexity_fit fit(double a, double b, enum complexity law, double noise)
{
    double values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        double n = (double)lengths[i], g = law == COMPLEXITY_N_SQUARED ? n * n : law == COMPLEXITY_N_LOG_N ? n * log2(n) : n;
        values[i] = (a * n + b * g) * exp(noise * random_normal(3, (uint64_t)i, (uint64_t)law));
    }
    return complexity_fit(lengths, values, COUNT);
}

// Pure laws, at the repeatability of a quiet machine.
Test(complexity, finds_each_law)
{
    for (enum complexity law = COMPLEXITY_N; law <= COMPLEXITY_N_SQUARED; law++) {
        struct complexity_fit found = fit(0, 3e-9, law, 0.005);
        cr_expect_eq(found.law, law, "%s was taken for %s (errors %g, %g, %g)", complexity_names[law],
                     complexity_names[found.law], found.errors[1], found.errors[2], found.errors[3]);
    }
    cr_expect(fit(0, 3e-9, COMPLEXITY_N_SQUARED, 0.005).told_apart);
    cr_expect(fit(0, 3e-9, COMPLEXITY_N, 0.005).told_apart);
}

// Full attention stands beside projections, which grow with n: the square is found all the same.
Test(complexity, a_linear_part_hides_no_square)
{
    struct complexity_fit found = fit(5e-7, 1e-9, COMPLEXITY_N_SQUARED, 0.005);
    cr_expect(found.law == COMPLEXITY_N_SQUARED && found.told_apart, "taken for %s (errors %g, %g, %g)",
              complexity_names[found.law], found.errors[1], found.errors[2], found.errors[3]);
}

// n log n beside n over a short range, on a noisy machine: the times do not decide, and must not be taken for an answer.
Test(complexity, says_where_times_do_not_tell)
{
    const int64_t few[] = {512, 1024, 2048};
    const double values[] = {512 * 9.0 * 1.08, 1024 * 10.0 * 0.93, 2048 * 11.0 * 1.05};
    cr_expect_not(complexity_fit(few, values, 3).told_apart);
}

Test(complexity, two_lengths_are_no_law)
{
    const double values[] = {1, 2};
    cr_expect_eq(complexity_fit(lengths, values, 2).law, COMPLEXITY_NONE);
}
