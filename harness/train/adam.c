// adam.c: the update that AdamW, Stable AdamW and Adam with an L2 penalty share. Called by their components.
#include <math.h>

#include "registry/component.h"

void adam_update(const struct adam_update *update, const struct optimizer_step *step, int64_t count, float *values,
                 const float *gradient, float *const *state)
{
    double done = (double)step->step + 1, beta1_done = pow(update->beta1, done), beta2_done = pow(update->beta2, done);
    const float rate = (float)(update->lr / (1 - beta1_done)), unbias = (float)(1 / sqrt(1 - beta2_done));
    const float beta1 = (float)update->beta1, beta2 = (float)update->beta2, eps = (float)update->eps;
    const float rest1 = (float)(1 - update->beta1), rest2 = (float)(1 - update->beta2);
    const float scale = (float)step->scale, penalty = (float)update->penalty, keep = (float)update->keep;
    float *m = state[0], *v = state[1];
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float g = scale * gradient[i] + penalty * values[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        values[i] = keep * values[i] - rate * m[i] / (sqrtf(v[i]) * unbias + eps);
    }
}
