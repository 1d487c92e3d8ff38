// complexity.h: by which law a cost grows with the length of a sequence.
//
// A component of law g also does work that grows with the length alone (its projections), so t(n) = a n + b g(n) with a, b >= 0
// is fitted, every length weighing the same (least squares of t / fit). Called by the suite with times or counted operations.
#ifndef BENCH_COMPLEXITY_H
#define BENCH_COMPLEXITY_H

#include "registry/component.h"

enum { COMPLEXITY_LAWS = COMPLEXITY_N_SQUARED + 1 };
extern const char *const complexity_names[COMPLEXITY_LAWS]; // "none", "n", "n log n", "n^2"

struct complexity_fit {
    enum complexity law;            // the simplest of those that fit about as well as the best; NONE with fewer than 3 lengths
    double errors[COMPLEXITY_LAWS]; // root mean square of 1 - fit / t
    bool told_apart;                // no other law fits nearly as well: the values are enough to decide by
};
struct complexity_fit complexity_fit(const int64_t *lengths, const double *values, int count);

#endif
