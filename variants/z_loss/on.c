// on.c: adds coef mean(log^2 Z) to the loss, Z being the sum that normalises the output softmax.
//
// It keeps log Z near zero, where exponentials neither overflow nor lose bits. Chowdhery et al. 2022 (PaLM), arXiv 2204.02311,
// section 5. The loss that arms are compared by, val_loss, is the cross-entropy alone.
#include "registry/component.h"

struct z_loss {
    double coef;
};

static const struct option options[] = {
    {"coef", OPTION_REAL, offsetof(struct z_loss, coef), .fallback = "1e-4", .help = "weight of mean(log^2 Z) in the loss"},
    {0},
};

static double value(const void *self)
{
    const struct z_loss *z_loss = self;
    return z_loss->coef;
}

const struct component z_loss_on = {
    .slot = SLOT_Z_LOSS,
    .name = "on",
    .version = 1,
    .summary = "adds coef mean(log^2 Z) to the loss, so that logits do not drift",
    .source = "arXiv 2204.02311, section 5",
    .options = options,
    .options_size = sizeof(struct z_loss),
    .coefficient = {.value = value},
};
