// adam_l2.c: Adam with an L2 penalty in the gradient, which the second moment then scales away.
//
// g = gradient + wd p, then Adam: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr(t) m^ / (sqrt(v^) + eps), where m^
// and v^ are m and v over 1 - b^(t+1). The penalty is not clipped. Kingma and Ba 2015, arXiv 1412.6980, algorithm 1; arXiv
// 1711.05101, algorithm 2, on why it differs from decay.
#include "registry/component.h"

struct adam_l2 {
    double beta1, beta2, eps, weight_decay;
};

static const struct option options[] = {
    {"beta1", OPTION_REAL, offsetof(struct adam_l2, beta1), .fallback = "0.9", .min = 0, .max = 0.9999999,
     .help = "memory of the first moment"},
    {"beta2", OPTION_REAL, offsetof(struct adam_l2, beta2), .fallback = "0.95", .min = 0, .max = 0.9999999,
     .help = "memory of the second moment"},
    {"eps", OPTION_REAL, offsetof(struct adam_l2, eps), .fallback = "1e-8", .min = 0, .max = 1, .above_min = true,
     .help = "added to the root of the second moment"},
    {"weight_decay", OPTION_REAL, offsetof(struct adam_l2, weight_decay), .fallback = "0.1", .min = 0, .max = 1e6,
     .help = "times the weight is added to the gradient, for tensors of 2 and more dimensions"},
    {0},
};

static void apply(const void *self, const struct optimizer_step *step, int64_t count, float *values, const float *gradient,
                  float *const *state, double measured, int64_t size)
{
    (void)measured, (void)size;
    const struct adam_l2 *o = self;
    const struct adam_update update = {.beta1 = o->beta1,
                                       .beta2 = o->beta2,
                                       .eps = o->eps,
                                       .lr = step->lr,
                                       .penalty = step->decays ? o->weight_decay : 0,
                                       .keep = 1};
    adam_update(&update, step, count, values, gradient, state);
}

const struct component optimizer_adam_l2 = {
    .slot = SLOT_OPTIMIZER,
    .name = "adam_l2",
    .version = 1,
    .summary = "Adam with an L2 penalty in the gradient",
    .source = "arXiv 1412.6980, algorithm 1",
    .options = options,
    .options_size = sizeof(struct adam_l2),
    .optimizer = {.state_count = 2, .apply = apply},
};
