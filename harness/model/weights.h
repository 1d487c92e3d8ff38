// weights.h: a model's parameters from a safetensors file.
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "model/safetensors.h"
#include "tensor/graph.h"

// Fills allocated float parameters. Every parameter must be in the file with its shape, but for constants, which keep their
// drawn values when they are not; a tensor that the model has no place for is refused. All mistakes are added, by name.
bool weights_read(const struct safetensors *file, struct parameters *parameters, struct error *error);

#endif
