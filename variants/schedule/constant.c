// constant.c: the peak learning rate from the end of warm-up to the last step.
#include "registry/component.h"

static double factor(const void *self, int64_t step, int64_t steps, int64_t warmup)
{
    (void)self, (void)step, (void)steps, (void)warmup;
    return 1;
}

const struct component schedule_constant = {
    .slot = SLOT_SCHEDULE,
    .name = "constant",
    .version = 1,
    .summary = "the peak learning rate to the end",
    .source = "the schedule that others are compared with",
    .schedule = {.factor = factor},
};
