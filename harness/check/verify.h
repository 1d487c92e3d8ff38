// verify.h: holds a model, or its training, against values computed elsewhere.
//
// A case is a folder with weights.safetensors and expected.safetensors. The latter holds either one batch (tokens and targets
// [batch, time], logits, loss, cross_entropy, mean_log_z_squared, and grad.* for every trained tensor) or a trajectory (tokens
// and targets [steps, batch, time], step.loss, step.gradient_norm, step.learning_rate, and update.*, each tensor's whole
// change).
//
// The error of a tensor is max|got - want| / max(max|want|, 0.01 of the largest |grad.*| or |update.*| of the case); 1e-4 is
// allowed, 1e-3 for updates. NaN, a missing and an unexpected tensor fail by name.
//
// Everything runs as in training: single precision, the trainer's own step, with two lanes and with one.
#ifndef CHECK_VERIFY_H
#define CHECK_VERIFY_H

#include "registry/run.h"

enum { VERDICT_NAME_SIZE = 128 };
struct verdict {
    bool passed;
    char worst_tensor[VERDICT_NAME_SIZE]; // nearest to its limit, or beyond it
    double worst_error, limit;
};
// `run` is resolved; batch and lanes are the case's. False with an error when the case cannot be compared at all.
bool verify_case(const char *folder, const struct run *run, int threads, struct verdict *verdict, struct error *error);

#endif
