// ratio.c: see ratio.h.
#include "bench/ratio.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

const char *const ratio_verdict_names[] = {"faster", "slower", "same", "too noisy to tell", 0};

static enum ratio_verdict judge(const struct ratio *ratio)
{
    if (ratio->p < RATIO_ALPHA && ratio->low > 1)
        return RATIO_SLOWER;
    if (ratio->p < RATIO_ALPHA && ratio->high < 1)
        return RATIO_FASTER;
    return ratio->low > 1 - RATIO_MARGIN && ratio->high < 1 + RATIO_MARGIN ? RATIO_SAME : RATIO_NOISY;
}

// The interval between the k-th smallest and the k-th largest value; k = 0: none.
static void order_interval(const double *sorted, int count, int k, struct ratio *ratio)
{
    ratio->low = k > 0 ? sorted[k - 1] : NAN;
    ratio->high = k > 0 ? sorted[count - k] : NAN;
}

struct ratio ratio_paired(const double *a, const double *b, int count)
{
    struct ratio ratio = {.value = NAN, .low = NAN, .high = NAN, .p = 1, .verdict = RATIO_NOISY};
    int below = 0, above = 0, k = 0;
    if (count < 1)
        return ratio;
    double *ratios = memory_allocate((size_t)count, sizeof *ratios);
    for (int i = 0; i < count; i++) {
        ratios[i] = b[i] / a[i];
        below += ratios[i] < 1;
        above += ratios[i] > 1;
    }
    gsl_sort(ratios, 1, (size_t)count);
    ratio.value = gsl_stats_median_from_sorted_data(ratios, 1, (size_t)count);
    // Ties say nothing. Under the null hypothesis the smaller number of signs is binomial.
    unsigned signs = (unsigned)(below + above), fewer = (unsigned)(below < above ? below : above);
    ratio.p = signs ? fmin(1, 2 * gsl_cdf_binomial_P(fewer, 0.5, signs)) : 1;
    while (2 * gsl_cdf_binomial_P((unsigned)k, 0.5, (unsigned)count) <= RATIO_ALPHA)
        k++;
    order_interval(ratios, count, k, &ratio);
    ratio.verdict = judge(&ratio);
    free(ratios);
    return ratio;
}

// P(U <= u) of Mann and Whitney's statistic without ties: the number of ways in which m of m + n ranks give each U follows
// w(m, n, u) = w(m - 1, n, u - n) + w(m, n - 1, u); here one member of B at a time, as the coefficients of a Gaussian binomial.
static double mann_whitney(int m, int n, double u)
{
    int most = m * n;
    double *ways = memory_allocate((size_t)most + 1, sizeof *ways), below = 0, all = 0;
    ways[0] = 1;
    for (int i = 1; i <= m; i++) { // times (1 - q^(n + i)) / (1 - q^i)
        for (int j = most; j >= n + i; j--)
            ways[j] -= ways[j - n - i];
        for (int j = i; j <= most; j++)
            ways[j] += ways[j - i];
    }
    for (int j = 0; j <= most; j++) {
        all += ways[j];
        below += j <= u ? ways[j] : 0;
    }
    free(ways);
    return below / all;
}

// More pairs than this are as good as normal.
enum { EXACT_PAIRS_MAX = 400 };

static double lower_tail(int m, int n, double u)
{
    if (m * n <= EXACT_PAIRS_MAX)
        return mann_whitney(m, n, u);
    double deviation = sqrt((double)m * n * (m + n + 1) / 12);
    return gsl_cdf_ugaussian_P((u + 0.5 - (double)m * n / 2) / deviation);
}

struct ratio ratio_unpaired(const double *a, int a_count, const double *b, int b_count)
{
    struct ratio ratio = {.value = NAN, .low = NAN, .high = NAN, .p = 1, .verdict = RATIO_NOISY};
    int pairs = a_count * b_count, k = 0;
    double u = 0;
    if (pairs < 1)
        return ratio;
    double *ratios = memory_allocate((size_t)pairs, sizeof *ratios);
    for (int i = 0; i < a_count; i++)
        for (int j = 0; j < b_count; j++) {
            ratios[i * b_count + j] = b[j] / a[i];
            u += b[j] < a[i] ? 1 : b[j] == a[i] ? 0.5 : 0;
        }
    gsl_sort(ratios, 1, (size_t)pairs);
    ratio.value = gsl_stats_median_from_sorted_data(ratios, 1, (size_t)pairs);
    ratio.p = fmin(1, 2 * lower_tail(a_count, b_count, fmin(u, pairs - u)));
    while (k < pairs / 2 && 2 * lower_tail(a_count, b_count, k) <= RATIO_ALPHA)
        k++;
    order_interval(ratios, pairs, k, &ratio);
    ratio.verdict = judge(&ratio);
    free(ratios);
    return ratio;
}

double ratio_median(const double *values, int count)
{
    if (count < 1)
        return NAN;
    double *sorted = memory_allocate((size_t)count, sizeof *sorted);
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    gsl_sort(sorted, 1, (size_t)count);
    double median = gsl_stats_median_from_sorted_data(sorted, 1, (size_t)count);
    free(sorted);
    return median;
}
