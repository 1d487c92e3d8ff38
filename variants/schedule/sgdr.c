// sgdr.c: cosines from the peak to the floor, restarted at the peak; each cycle is `t_mult` times as long as the one before.
//
// factor = floor + (1 - floor) (1 + cos(pi c / T)) / 2 at step c of a cycle of T steps; T = t0, t0 t_mult, t0 t_mult^2, ...
// counted from the end of warm-up. Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5.
#include <math.h>

#include "registry/component.h"

struct sgdr {
    int64_t t0, t_mult;
    double floor;
};

static const struct option options[] = {
    {"t0", OPTION_INT, offsetof(struct sgdr, t0), .fallback = "100", .min = 1, .max = 1e12, .unit = "steps",
     .help = "length of the first cycle"},
    {"t_mult", OPTION_INT, offsetof(struct sgdr, t_mult), .fallback = "2", .min = 1, .max = 1000,
     .help = "length of a cycle, in lengths of the one before"},
    {"floor", OPTION_REAL, offsetof(struct sgdr, floor), .fallback = "0", .min = 0, .max = 1,
     .help = "learning rate at a cycle's end, as a fraction of the peak"},
    {0},
};

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)steps, (void)warmup;
    const struct sgdr *sgdr = self;
    int64_t length = sgdr->t0, left = step;
    if (sgdr->t_mult == 1)
        left = step % length;
    while (left >= length) { // at most log2(step) cycles, so lengths stay below t_mult times step
        left -= length;
        length *= sgdr->t_mult;
    }
    return sgdr->floor + (1 - sgdr->floor) * (1 + cos(M_PI * (double)left / (double)length)) / 2;
}

const struct component schedule_sgdr = {
    .slot = SLOT_SCHEDULE,
    .name = "sgdr",
    .version = 1,
    .summary = "cosines restarted at the peak, each cycle longer than the last",
    .source = "arXiv 1608.03983, eq. 5",
    .options = options,
    .options_size = sizeof(struct sgdr),
    .schedule = {.factor = factor},
};
