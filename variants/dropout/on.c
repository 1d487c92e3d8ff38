// on.c: zeroes a random share of the activations after the embeddings and at the end of both branches, while training.
//
// What is left is divided by 1 - rate, so that evaluation changes nothing. Attention probabilities are left alone. Masks are
// keyed by (seed, place, step, row, column). Srivastava et al. 2014, jmlr.org/papers/v15/srivastava14a.html.
#include "registry/component.h"

struct dropout {
    double rate;
};

static const struct option options[] = {
    {"rate", OPTION_REAL, offsetof(struct dropout, rate), .fallback = "0.1", .min = 0, .max = 0.99,
     .help = "share that is zeroed"},
    {0},
};

static double value(const void *self)
{
    const struct dropout *dropout = self;
    return dropout->rate;
}

const struct component dropout_on = {
    .slot = SLOT_DROPOUT,
    .name = "on",
    .version = 1,
    .summary = "zeroes a random share after the embeddings and on both branches, while training",
    .source = "Srivastava et al. 2014, JMLR 15",
    .options = options,
    .options_size = sizeof(struct dropout),
    .coefficient = {.value = value},
};
