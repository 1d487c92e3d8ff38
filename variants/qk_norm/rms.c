// rms.c: RMS normalisation of each head of queries and keys; bounds the scores. Henry et al. 2020; Qwen3 and OLMo 2 use it.
#include "registry/component.h"

struct rms {
    double eps;
};

static const struct option options[] = {
    {"eps", OPTION_REAL, offsetof(struct rms, eps), .fallback = "1e-6", .min = 0, .max = 1, .above_min = true,
     .help = "added under the root, so that nothing is divided by zero"},
    {0},
};

static struct tensor *build(const struct block *block, const void *self, struct tensor *x, const char *name)
{
    struct tensor *gain = block_gain(block, name, block->model->head_dim); // shared by the heads
    return op_rmsnorm(block->graph, x, gain, ((const struct rms *)self)->eps);
}

const struct component qk_norm_rms = {
    .slot = SLOT_QK_NORM,
    .name = "rms",
    .version = 1,
    .summary = "each head scaled to unit mean square",
    .source = "arXiv 2010.04245",
    .options = options,
    .options_size = sizeof(struct rms),
    .norm = {.build = build},
};
