// exponential.c: falls by the same factor at every step, from the peak at the end of warm-up to the floor at the end of
// training.
//
// factor = floor^(s / S) at step s of the S that follow warm-up.
#include <math.h>

#include "registry/component.h"

struct exponential {
    double floor;
};

static const struct option options[] = {
    {"floor", OPTION_REAL, offsetof(struct exponential, floor), .fallback = "0.1", .min = 0, .max = 1, .above_min = true,
     .help = "learning rate at the last step's end, as a fraction of the peak"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)warmup;
    const struct exponential *exponential = self;
    return pow(exponential->floor, (double)step / (double)steps);
}

const struct component schedule_exponential = {
    .slot = SLOT_SCHEDULE,
    .name = "exponential",
    .version = 1,
    .summary = "falls by the same factor at every step, to the floor",
    .source = "PyTorch, ExponentialLR",
    .options = options,
    .options_size = sizeof(struct exponential),
    .schedule = {.factor = factor},
};
