// rmsnorm.c: root-mean-square normalisation: scaled and not centred, gain and no bias. Zhang and Sennrich 2019.
#include "registry/component.h"

struct rmsnorm {
    double eps;
};

static const struct option options[] = {
    {"eps", OPTION_REAL, offsetof(struct rmsnorm, eps), .fallback = "1e-6", .min = 0, .max = 1, .above_min = true,
     .help = "added under the root, so that nothing is divided by zero"},
    {0},
};

static struct tensor *build(const struct block *block, const void *self, struct tensor *x, const char *name)
{
    struct tensor *gain = block_gain(block, name, x->width);
    return op_rmsnorm(block->graph, x, gain, ((const struct rmsnorm *)self)->eps);
}

const struct component norm_rmsnorm = {
    .slot = SLOT_NORM,
    .name = "rmsnorm",
    .version = 1,
    .summary = "scaled to unit mean square, then gain",
    .source = "arXiv 1910.07467",
    .options = options,
    .options_size = sizeof(struct rmsnorm),
    .norm = {.build = build},
};
