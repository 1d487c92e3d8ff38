// reference.c: the fast path held against the reference on one run.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/conformance.h"
#include "check/probe.h"

struct difference {
    double worst;
    char where[TENSOR_NAME_SIZE];
};

// Largest difference over the largest magnitude of the two; `floor` keeps a tensor of zeros from dividing by nothing.
static void compare(struct difference *difference, const char *name, const struct probe *fast, const void *got,
                    const struct probe *reference, const void *want, int64_t count, double floor)
{
    double largest = floor, apart = 0;
    for (int64_t i = 0; i < count; i++) {
        double a = probe_value(fast, got, i), b = probe_value(reference, want, i);
        if (!(fabs(a - b) <= apart))
            apart = isfinite(a) && isfinite(b) ? fabs(a - b) : INFINITY;
        largest = fabs(b) > largest ? fabs(b) : largest;
    }
    if (apart / largest >= difference->worst) {
        difference->worst = apart / largest;
        snprintf(difference->where, sizeof difference->where, "%s", name);
    }
}

static void compare_gradients(struct difference *difference, const struct probe *fast, const struct probe *reference)
{
    const char *got = executor_gradients(fast->executor), *want = executor_gradients(reference->executor);
    double largest = 0;
    for (size_t i = 0; i < reference->parameters.elements; i++)
        largest = fmax(largest, fabs(((const double *)(const void *)want)[i]));
    for (int i = 0; i < reference->parameters.count; i++) {
        const struct parameter *parameter = &reference->parameters.list[i];
        compare(difference, parameter->name, fast, got + parameter->offset * sizeof(float), reference,
                want + parameter->offset * sizeof(double), (int64_t)parameter->count, 0.01 * largest);
    }
}

bool conformance_against_reference(const struct run *run, int64_t sequences, int64_t time, double *worst, char where[96],
                                   struct error *error)
{
    struct probe fast, reference = {0};
    struct difference difference = {0};
    const struct probe_request request = {.run = run,
                                          .real = REAL_FLOAT,
                                          .mode = GRAPH_TRAIN,
                                          .sequences = sequences,
                                          .time = time,
                                          .threads = 2,
                                          .lanes = 2,
                                          .pass_sequences = 1,
                                          .tile_rows = (time + 1) / 2,
                                          .keeps_activations = true}; // what is rebuilt: conformance_rebuilt
    struct probe_request exact = request;
    exact.real = REAL_DOUBLE;
    exact.explicit_attention = true;
    exact.threads = exact.lanes = 1;
    exact.pass_sequences = exact.tile_rows = 0;
    if (!probe_open(&fast, &request, error))
        return false;
    bool opened = probe_open(&reference, &exact, error);
    if (opened) {
        probe_train(&fast);
        probe_train(&reference);
        compare(&difference, "logits", &fast, fast.logits, &reference, reference.logits, sequences * time * run->model.vocab,
                0);
        compare_gradients(&difference, &fast, &reference);
        *worst = difference.worst;
        memcpy(where, difference.where, sizeof difference.where);
        probe_close(&reference);
    }
    probe_close(&fast);
    return opened;
}
