// adamw.c: Adam with weight decay apart from the gradient.
//
// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = (1 - shrink) p - lr(t) m^ / (sqrt(v^) + eps), where m^ and v^ are m and v
// over 1 - b^(t+1). shrink is lr(t) wd (coupled, as PyTorch has it) or lr(t)/lr wd (independent of the peak, as the paper has
// it). Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2.
#include "registry/component.h"

enum decay { DECAY_COUPLED, DECAY_INDEPENDENT };

struct adamw {
    double beta1, beta2, eps, weight_decay;
    int decay;
};

static const char *const decays[] = {[DECAY_COUPLED] = "coupled", [DECAY_INDEPENDENT] = "independent", NULL};

static const struct option options[] = {
    {"beta1", OPTION_REAL, offsetof(struct adamw, beta1), .fallback = "0.9", .min = 0, .max = 0.9999999,
     .help = "memory of the first moment"},
    {"beta2", OPTION_REAL, offsetof(struct adamw, beta2), .fallback = "0.95", .min = 0, .max = 0.9999999,
     .help = "memory of the second moment"},
    {"eps", OPTION_REAL, offsetof(struct adamw, eps), .fallback = "1e-8", .min = 0, .max = 1, .above_min = true,
     .help = "added to the root of the second moment"},
    {"weight_decay", OPTION_REAL, offsetof(struct adamw, weight_decay), .fallback = "0.1", .min = 0, .max = 1e6,
     .help = "pull towards zero, of tensors of 2 and more dimensions"},
    {"decay", OPTION_CHOICE, offsetof(struct adamw, decay), .fallback = "coupled", .choices = decays,
     .help = "whether weight_decay is multiplied by the peak learning rate"},
    {0},
};

static void apply(const void *self, const struct optimizer_step *step, int64_t count, float *values, const float *gradient,
                  float *const *state, double measured, int64_t size)
{
    (void)measured, (void)size;
    const struct adamw *o = self;
    double lr = o->decay == DECAY_INDEPENDENT ? step->lr / step->peak_lr : step->lr;
    const struct adam_update update = {.beta1 = o->beta1,
                                       .beta2 = o->beta2,
                                       .eps = o->eps,
                                       .lr = step->lr,
                                       .keep = step->decays ? 1 - lr * o->weight_decay : 1};
    adam_update(&update, step, count, values, gradient, state);
}

const struct component optimizer_adamw = {
    .slot = SLOT_OPTIMIZER,
    .name = "adamw",
    .version = 1,
    .summary = "Adam with weight decay apart from the gradient",
    .source = "arXiv 1711.05101, algorithm 2",
    .options = options,
    .options_size = sizeof(struct adamw),
    .optimizer = {.state_count = 2, .apply = apply},
};
