// wsd.c: warm-up, stable, decay: the peak, then a straight line to the floor over the last part of training.
//
// The decay takes the last `decay` train.steps steps, warm-up counted, or all that follow warm-up when those are fewer.
// Hu et al. 2024 (MiniCPM), arXiv 2404.06395, section 4.
#include <math.h>

#include "registry/component.h"

struct wsd {
    double decay, floor;
};

static const struct option options[] = {
    {"decay", OPTION_REAL, offsetof(struct wsd, decay), .fallback = "0.2", .min = 0, .max = 1,
     .help = "share of train.steps over which the learning rate falls"},
    {"floor", OPTION_REAL, offsetof(struct wsd, floor), .fallback = "0", .min = 0, .max = 1,
     .help = "learning rate at the last step's end, as a fraction of the peak"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    const struct wsd *wsd = self;
    double length = fmin(wsd->decay * (double)(steps + warmup), (double)steps), left = (double)(steps - step);
    return left < length ? wsd->floor + (1 - wsd->floor) * left / length : 1;
}

const struct component schedule_wsd = {
    .slot = SLOT_SCHEDULE,
    .name = "wsd",
    .version = 1,
    .summary = "the peak, then a straight line down to the floor at the end",
    .source = "arXiv 2404.06395, section 4",
    .options = options,
    .options_size = sizeof(struct wsd),
    .schedule = {.factor = factor},
};
