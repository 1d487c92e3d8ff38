// step.c: a staircase: every `every` steps after warm-up the learning rate is multiplied by `factor`.
//
// factor^floor(s / every) at step s after warm-up. He et al. 2016, arXiv 1512.03385, section 3.4, divide by 10 at plateaus.
#include <math.h>

#include "registry/component.h"

struct step {
    int64_t every;
    double factor;
};

static const struct option options[] = {
    {"every", OPTION_INT, offsetof(struct step, every), .fallback = "100", .min = 1, .max = 1e12, .unit = "steps",
     .help = "length of a stair"},
    {"factor", OPTION_REAL, offsetof(struct step, factor), .fallback = "0.5", .min = 0, .max = 1, .above_min = true,
     .help = "height of a stair, as a fraction of the one before"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)steps, (void)warmup;
    const struct step *stairs = self;
    return pow(stairs->factor, (double)(step / stairs->every));
}

const struct component schedule_step = {
    .slot = SLOT_SCHEDULE,
    .name = "step",
    .version = 1,
    .summary = "a staircase, lower by `factor` every `every` steps",
    .source = "arXiv 1512.03385, section 3.4",
    .options = options,
    .options_size = sizeof(struct step),
    .schedule = {.factor = factor},
};
