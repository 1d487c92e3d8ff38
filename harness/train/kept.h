// kept.h: the last weights of a finished run, kept so that other runs can start from them: init=run(ID).
//
// One safetensors file a run, <folder>/<run id>.safetensors, in the parameters' own names, so that other programs read it too.
// Written by a run whose train.keep_weights is set, read by the trainer.
#ifndef TRAIN_KEPT_H
#define TRAIN_KEPT_H

#include "base/error.h"
#include "tensor/parameters.h"

// <folder>/<id>.safetensors; the caller frees.
char *kept_path(const char *folder, const char *id);

// Makes the folder where there is none.
bool kept_write(const char *folder, const char *id, const struct parameters *parameters, struct error *error);

// Fills allocated float parameters. Refused: no such file, a damaged one or another run's, and a model that has not exactly the
// run's tensors, each by name.
bool kept_read(const char *folder, const char *id, struct parameters *parameters, struct error *error);

#endif
