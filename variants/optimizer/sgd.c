// sgd.c: gradient descent with momentum and an L2 penalty.
//
// g = gradient + wd p; b = momentum b + g; p -= lr(t) b. The penalty is not clipped. Sutskever et al. 2013,
// proceedings.mlr.press/v28/sutskever13.html, in PyTorch's form: the learning rate stands outside the momentum.
#include "registry/component.h"

struct sgd {
    double momentum, weight_decay;
};

static const struct option options[] = {
    {"momentum", OPTION_REAL, offsetof(struct sgd, momentum), .fallback = "0.9", .min = 0, .max = 0.9999999,
     .help = "share of the last update's direction that is kept"},
    {"weight_decay", OPTION_REAL, offsetof(struct sgd, weight_decay), .fallback = "0", .min = 0, .max = 1e6,
     .help = "times the weight is added to the gradient, for tensors of 2 and more dimensions"},
    {0},
};

static void apply(const void *self, const struct optimizer_step *step, int64_t count, float *values, const float *gradient,
                  float *const *state, double measured, int64_t size)
{
    (void)measured, (void)size;
    const struct sgd *o = self;
    const float penalty = step->decays ? (float)o->weight_decay : 0, scale = (float)step->scale;
    const float momentum = (float)o->momentum, rate = (float)step->lr;
    float *b = state[0];
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        b[i] = momentum * b[i] + scale * gradient[i] + penalty * values[i];
        values[i] -= rate * b[i];
    }
}

const struct component optimizer_sgd = {
    .slot = SLOT_OPTIMIZER,
    .name = "sgd",
    .version = 1,
    .summary = "gradient descent with momentum and an L2 penalty",
    .source = "Sutskever et al. 2013, PMLR 28",
    .options = options,
    .options_size = sizeof(struct sgd),
    .optimizer = {.state_count = 1, .apply = apply},
};
