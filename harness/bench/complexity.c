// complexity.c: see complexity.h.
#include "bench/complexity.h"

#include <math.h>

const char *const complexity_names[COMPLEXITY_LAWS] = {"none", "n", "n log n", "n^2"};

enum { LENGTHS_MIN = 3 };

// A law is no worse than another while its error is below this many times the other's, or below what times repeat to.
static const double alike = 2, repeatable = 0.03;

static double law_value(enum complexity law, double n)
{
    return law == COMPLEXITY_N_SQUARED ? n * n : law == COMPLEXITY_N_LOG_N ? n * log2(n) : n;
}

// Least squares of a x + b y = 1 with a, b >= 0, where x = n / t and y = g(n) / t; where the free solution leaves the quadrant,
// the best lies on an edge.
static double fit_error(enum complexity law, const int64_t *lengths, const double *values, int count)
{
    double xx = 0, xy = 0, yy = 0, x1 = 0, y1 = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        double n = (double)lengths[i], x = n / values[i], y = law_value(law, n) / values[i];
        xx += x * x;
        xy += x * y;
        yy += y * y;
        x1 += x;
        y1 += y;
    }
    double determinant = xx * yy - xy * xy;
    double a = law == COMPLEXITY_N ? x1 / xx : (x1 * yy - y1 * xy) / determinant;
    double b = law == COMPLEXITY_N ? 0 : (y1 * xx - x1 * xy) / determinant;
    if (a < 0) {
        a = 0;
        b = y1 / yy;
    }
    if (b < 0) {
        a = x1 / xx;
        b = 0;
    }
    for (int i = 0; i < count; i++) {
        double n = (double)lengths[i], residual = 1 - (a * n + b * law_value(law, n)) / values[i];
        squares += residual * residual;
    }
    return sqrt(squares / count);
}

struct complexity_fit complexity_fit(const int64_t *lengths, const double *values, int count)
{
    struct complexity_fit fit = {.law = COMPLEXITY_NONE};
    double best = INFINITY, next = INFINITY;
    if (count < LENGTHS_MIN)
        return fit;
    for (int law = COMPLEXITY_N; law < COMPLEXITY_LAWS; law++) {
        fit.errors[law] = fit_error((enum complexity)law, lengths, values, count);
        best = fmin(best, fit.errors[law]);
    }
    double limit = fmax(alike * best, repeatable);
    for (enum complexity law = COMPLEXITY_LAWS - 1; law >= COMPLEXITY_N; law--)
        if (fit.errors[law] <= limit)
            fit.law = law;
    // n fits within the other laws, with b = 0: only what is left out by n can be told apart from it.
    for (int law = COMPLEXITY_N; law < COMPLEXITY_LAWS; law++)
        if (law != (int)fit.law && (fit.law != COMPLEXITY_N || fit.errors[law] < fit.errors[COMPLEXITY_N]))
            next = fmin(next, fit.errors[law]);
    fit.told_apart = next > limit;
    return fit;
}
