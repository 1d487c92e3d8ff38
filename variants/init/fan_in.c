// fan_in.c: every weight from a normal of deviation 1 / sqrt(fan in), embeddings 1 / sqrt(d_model).
//
// Both are 1 / sqrt(length of a row): a matrix is [out, in], a table of embeddings [count, d_model]. LeCun et al. 1998
// (Efficient BackProp), section 4.6; embeddings as Wortsman et al. 2023, arXiv 2309.14322, section 2, whose normal is
// truncated; this is not.
#include <math.h>

#include "registry/component.h"

static double deviation(const void *self, const struct parameter *parameter, const struct model_scalars *model)
{
    (void)self, (void)model;
    return 1 / sqrt((double)parameter->shape[1]);
}

const struct component init_fan_in = {
    .slot = SLOT_INIT,
    .name = "fan_in",
    .version = 1,
    .summary = "deviation 1 / sqrt(fan in), embeddings 1 / sqrt(d_model)",
    .source = "arXiv 2309.14322, section 2",
    .init = {.deviation = deviation},
};
