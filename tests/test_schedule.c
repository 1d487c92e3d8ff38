// test_schedule.c: learning rates equal their formulas at hand-computed places. Rates of real trainings are in test_training.c.
#include <criterion/criterion.h>

#include <math.h>

#include "train/schedule.h"

struct place {
    const char *schedule;
    int64_t steps, warmup, step;
    double factor; // of the peak
};

// By hand from the formulas of each component's first lines. cos(pi/4) = 0.7071067811865476.
static const struct place places[] = {
    {"constant", 10, 4, 0, 0.25}, // warm-up: (t + 1) / warmup
    {"constant", 10, 4, 3, 1},    // ... whose last step stands at the peak
    {"constant", 10, 4, 9, 1},
    {"constant", 10, 0, 0, 1},         // no warm-up: the peak at once
    {"cosine(floor=0)", 10, 10, 9, 1}, // warm-up to the end: no schedule at all
    {"linear(floor=0)", 12, 2, 2, 1},
    {"linear(floor=0)", 12, 2, 7, 0.5},
    {"linear(floor=0.2)", 12, 2, 11, 0.28},
    {"cosine(floor=0)", 8, 0, 0, 1},
    {"cosine(floor=0)", 8, 0, 2, 0.8535533905932737},
    {"cosine(floor=0)", 8, 0, 4, 0.5},
    {"cosine(floor=0.1)", 8, 0, 6, 0.23180194846605363},
    {"exponential(floor=0.01)", 10, 0, 5, 0.1},
    {"exponential(floor=0.0625)", 9, 1, 3, 0.5},
    {"step(every=3, factor=0.1)", 20, 2, 4, 1},
    {"step(every=3, factor=0.1)", 20, 2, 5, 0.1},
    {"step(every=3, factor=0.1)", 20, 2, 8, 0.01},
    {"sgdr(t0=4, t_mult=1)", 20, 1, 1, 1},
    {"sgdr(t0=4, t_mult=1)", 20, 1, 3, 0.5},
    {"sgdr(t0=4, t_mult=1)", 20, 1, 5, 1}, // cycles of 4: restarted
    {"sgdr(t0=2, t_mult=2, floor=0.2)", 30, 0, 1, 0.6},
    {"sgdr(t0=2, t_mult=2, floor=0.2)", 30, 0, 4, 0.6},  // the second cycle is 2..5, its middle 4
    {"sgdr(t0=2, t_mult=2, floor=0.2)", 30, 0, 6, 1},    // the third begins
    {"sgdr(t0=2, t_mult=2, floor=0.2)", 30, 0, 10, 0.6}, // and is 6..13
    {"wsd(decay=0.2, floor=0)", 20, 5, 15, 1},
    {"wsd(decay=0.2, floor=0)", 20, 5, 16, 1}, // the last 4 of 20 fall
    {"wsd(decay=0.2, floor=0)", 20, 5, 17, 0.75},
    {"wsd(decay=0.2, floor=0.1)", 20, 5, 19, 0.325},
    {"wsd(decay=0, floor=0)", 20, 5, 19, 1},
    {"wsd(decay=1, floor=0)", 20, 10, 10, 1}, // longer than what follows warm-up: all of it falls
    {"wsd(decay=1, floor=0)", 20, 10, 15, 0.5},
};

Test(schedule, equals_its_formula)
{
    struct arena arena = {0};
    struct error error = {0};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct place *place = &places[i];
        struct run run = {.train = {.steps = place->steps, .warmup = place->warmup, .lr = 0.02}};
        cr_assert(run_set(&run, "schedule", place->schedule, &arena, &error), "%s", error.text);
        double rate = schedule_rate(&run, place->step);
        cr_expect(fabs(rate - 0.02 * place->factor) < 1e-12,
                  "%s, %lld steps, warm-up %lld, step %lld: %.12g is not 0.02 x %.12g", place->schedule,
                  (long long)place->steps, (long long)place->warmup, (long long)place->step, rate, place->factor);
    }
    arena_close(&arena);
}

// However long a run, a rate is one: the cycles of sgdr must not overflow, and no schedule may leave [0, peak].
Test(schedule, stays_within_its_bounds)
{
    static const char *const schedules[] = {
        "constant", "linear", "cosine", "exponential", "step", "sgdr", "sgdr(t0=1, t_mult=1)", "sgdr(t0=1, t_mult=1000)",
        "wsd"};
    struct arena arena = {0};
    struct error error = {0};
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        struct run run = {.train = {.steps = 1000000000, .warmup = 7, .lr = 1}};
        cr_assert(run_set(&run, "schedule", schedules[i], &arena, &error), "%s", error.text);
        for (int64_t step = 0; step < run.train.steps; step = step * 2 + 1) {
            double rate = schedule_rate(&run, step);
            cr_expect(rate >= 0 && rate <= 1, "%s: %g at step %lld", schedules[i], rate, (long long)step);
        }
        cr_expect(schedule_rate(&run, run.train.steps - 1) >= 0);
    }
    arena_close(&arena);
}
