// stable_adamw.c: AdamW whose learning rate is lowered, tensor by tensor, while the second moment underestimates the gradient.
//
// RMS_t = sqrt(mean over the tensor of g^2 / max(v^, eps^2)), v^ with this step's gradient in it and its bias corrected; the
// tensor's learning rate, its decay's included, is divided by max(1, RMS_t). Otherwise adamw.c. Wortsman et al. 2023, arXiv
// 2304.13013, algorithm 2, after Adafactor's update clipping.
#include <math.h>

#include "registry/component.h"

struct stable_adamw {
    double beta1, beta2, eps, weight_decay;
};

static const struct option options[] = {
    {"beta1", OPTION_REAL, offsetof(struct stable_adamw, beta1), .fallback = "0.9", .min = 0, .max = 0.9999999,
     .help = "memory of the first moment"},
    {"beta2", OPTION_REAL, offsetof(struct stable_adamw, beta2), .fallback = "0.95", .min = 0, .max = 0.9999999,
     .help = "memory of the second moment"},
    {"eps", OPTION_REAL, offsetof(struct stable_adamw, eps), .fallback = "1e-8", .min = 0, .max = 1, .above_min = true,
     .help = "added to the root of the second moment"},
    {"weight_decay", OPTION_REAL, offsetof(struct stable_adamw, weight_decay), .fallback = "0.1", .min = 0, .max = 1e6,
     .help = "pull towards zero, of tensors of 2 and more dimensions"},
    {0},
};

static double measure(const void *self, const struct optimizer_step *step, int64_t count, const float *gradient,
                      float *const *state)
{
    const struct stable_adamw *o = self;
    const double beta2 = o->beta2, rest2 = 1 - o->beta2, scale = step->scale, least = o->eps * o->eps;
    const double unbias = 1 / (1 - pow(o->beta2, (double)step->step + 1));
    const float *v = state[1];
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) {
        double square = scale * gradient[i] * scale * gradient[i], moment = (beta2 * v[i] + rest2 * square) * unbias;
        sum += square / (moment > least ? moment : least);
    }
    return sum;
}

static void apply(const void *self, const struct optimizer_step *step, int64_t count, float *values, const float *gradient,
                  float *const *state, double measured, int64_t size)
{
    const struct stable_adamw *o = self;
    double lr = step->lr / fmax(1, sqrt(measured / (double)size));
    const struct adam_update update = {
        .beta1 = o->beta1, .beta2 = o->beta2, .eps = o->eps, .lr = lr, .keep = step->decays ? 1 - lr * o->weight_decay : 1};
    adam_update(&update, step, count, values, gradient, state);
}

const struct component optimizer_stable_adamw = {
    .slot = SLOT_OPTIMIZER,
    .name = "stable_adamw",
    .version = 1,
    .summary = "AdamW that slows a tensor down while its second moment lags behind its gradient",
    .source = "arXiv 2304.13013, algorithm 2",
    .options = options,
    .options_size = sizeof(struct stable_adamw),
    .optimizer = {.state_count = 2, .measures = true, .measure = measure, .apply = apply},
};
