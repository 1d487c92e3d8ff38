// cosine.c: half a cosine from the peak at the end of warm-up to the floor at the end of training.
//
// factor = floor + (1 - floor) (1 + cos(pi s / S)) / 2 at step s of the S that follow warm-up. Loshchilov and Hutter 2017,
// arXiv 1608.03983, eq. 5, without its restarts.
#include <math.h>

#include "registry/component.h"

struct cosine {
    double floor;
};

static const struct option options[] = {
    {"floor", OPTION_REAL, offsetof(struct cosine, floor), .fallback = "0.1", .min = 0, .max = 1,
     .help = "learning rate at the last step's end, as a fraction of the peak"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)warmup;
    const struct cosine *cosine = self;
    return cosine->floor + (1 - cosine->floor) * (1 + cos(M_PI * (double)step / (double)steps)) / 2;
}

const struct component schedule_cosine = {
    .slot = SLOT_SCHEDULE,
    .name = "cosine",
    .version = 1,
    .summary = "half a cosine down to the floor",
    .source = "arXiv 1608.03983, eq. 5",
    .options = options,
    .options_size = sizeof(struct cosine),
    .schedule = {.factor = factor},
};
