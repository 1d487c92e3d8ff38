// linear.c: a straight line from the peak at the end of warm-up to the floor at the end of training.
//
// factor = 1 - (1 - floor) s / S at step s of the S that follow warm-up: the last step still stands one step above the floor.
#include "registry/component.h"

struct linear {
    double floor;
};

static const struct option options[] = {
    {"floor", OPTION_REAL, offsetof(struct linear, floor), .fallback = "0", .min = 0, .max = 1,
     .help = "learning rate at the last step's end, as a fraction of the peak"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)warmup;
    const struct linear *linear = self;
    return 1 - (1 - linear->floor) * (double)step / (double)steps;
}

const struct component schedule_linear = {
    .slot = SLOT_SCHEDULE,
    .name = "linear",
    .version = 1,
    .summary = "a straight line down to the floor",
    .source = "arXiv 1810.04805, appendix A.2",
    .options = options,
    .options_size = sizeof(struct linear),
    .schedule = {.factor = factor},
};
