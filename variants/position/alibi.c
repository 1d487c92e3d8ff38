// alibi.c: attention with linear biases: a score loses slope times the distance; head h of n (from 1) has slope 2^(-8h/n).
//
// Press et al. 2021, arXiv 2108.12409. The attention kernel applies it after scale and soft cap.
#include <math.h>

#include "registry/component.h"

static double slope(const void *self, int64_t head, int64_t n_head)
{
    (void)self;
    return exp2(-8.0 * (double)(head + 1) / (double)n_head);
}

const struct component position_alibi = {
    .slot = SLOT_POSITION,
    .name = "alibi",
    .version = 1,
    .summary = "scores fall linearly with the distance, at a slope of each head's own",
    .source = "arXiv 2108.12409",
    .position = {.slope = slope},
};
