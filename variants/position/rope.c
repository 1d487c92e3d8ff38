// rope.c: rotary position embedding: queries and keys are turned by angles that grow with the position (halves rotated).
//
// Scores then depend on the distance alone. Su et al. 2021, arXiv 2104.09864. Refuses an odd head_dim: it turns pairs.
#include "registry/component.h"

struct rope {
    double theta;
};

static const struct option options[] = {
    {"theta", OPTION_REAL, offsetof(struct rope, theta), .fallback = "10000", .min = 1, .max = 1e12,
     .help = "base of the angles: position * theta^(-2i/head_dim)"},
    {0},
};

static bool accepts(const void *self, const struct run *run, struct error *error)
{
    (void)self;
    if (run->model.head_dim % 2)
        return error_request(error, "position: rope turns pairs and needs an even model.head_dim, not %lld",
                             (long long)run->model.head_dim);
    return true;
}

static struct tensor *rotate(const struct block *block, const void *self, struct tensor *x)
{
    return op_rope(block->graph, x, block->graph->positions, block->model->head_dim, ((const struct rope *)self)->theta);
}

const struct component position_rope = {
    .slot = SLOT_POSITION,
    .name = "rope",
    .version = 1,
    .summary = "queries and keys are turned by angles that grow with the position",
    .source = "arXiv 2104.09864",
    .options = options,
    .options_size = sizeof(struct rope),
    .accepts = accepts,
    .position = {.rotate = rotate},
};
