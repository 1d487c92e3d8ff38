// layernorm.c: layer normalisation: centred, scaled to unit variance, then gain and, with model.bias, bias. Ba et al. 2016.
#include <stdio.h>

#include "registry/component.h"

struct layernorm {
    double eps;
};

static const struct option options[] = {
    {"eps", OPTION_REAL, offsetof(struct layernorm, eps), .fallback = "1e-5", .min = 0, .max = 1, .above_min = true,
     .help = "added under the root, so that nothing is divided by zero"},
    {0},
};

static struct tensor *build(const struct block *block, const void *self, struct tensor *x, const char *name)
{
    char bias[TENSOR_NAME_SIZE];
    struct tensor *gain = block_gain(block, name, x->width);
    snprintf(bias, sizeof bias, "%s.bias", name);
    struct tensor *shift = block->model->bias ? block_parameter(block, bias, ROLE_BIAS, 1, &x->width) : NULL;
    return op_layernorm(block->graph, x, gain, shift, ((const struct layernorm *)self)->eps);
}

const struct component norm_layernorm = {
    .slot = SLOT_NORM,
    .name = "layernorm",
    .version = 1,
    .summary = "centred and scaled to unit variance, then gain and bias",
    .source = "arXiv 1607.06450",
    .options = options,
    .options_size = sizeof(struct layernorm),
    .norm = {.build = build},
};
