// layernorm.c: layer normalisation of each head of queries and keys, gain only (ViT-22B, Dehghani et al. 2023).
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
    struct tensor *gain = block_gain(block, name, block->model->head_dim); // shared by the heads
    return op_layernorm(block->graph, x, gain, NULL, ((const struct layernorm *)self)->eps);
}

const struct component qk_norm_layernorm = {
    .slot = SLOT_QK_NORM,
    .name = "layernorm",
    .version = 1,
    .summary = "each head centred and scaled to unit variance, gain only",
    .source = "arXiv 2302.05442",
    .options = options,
    .options_size = sizeof(struct layernorm),
    .norm = {.build = build},
};
