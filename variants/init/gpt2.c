// gpt2.c: every weight from a normal of deviation 0.02; the last matrix of each residual branch divided by sqrt(2 n_layer).
//
// The residual stream sums 2 n_layer branches; dividing each by the root of their number keeps its variance at the start.
// Radford et al. 2019 (GPT-2), section 2.3.
#include <math.h>

#include "registry/component.h"

static double deviation(const void *self, const struct parameter *parameter, const struct model_scalars *model)
{
    (void)self;
    return parameter->role == ROLE_BRANCH_OUT ? 0.02 / sqrt(2 * (double)model->n_layer) : 0.02;
}

const struct component init_gpt2 = {
    .slot = SLOT_INIT,
    .name = "gpt2",
    .version = 1,
    .summary = "deviation 0.02, and 0.02 / sqrt(2 n_layer) for the last matrix of a branch",
    .source = "Radford et al. 2019 (GPT-2), section 2.3",
    .init = {.deviation = deviation},
};
