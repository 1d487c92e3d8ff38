// weights.c: matches the tensors of a file with the parameters of a model.
#include "model/weights.h"

bool weights_read(const struct safetensors *file, struct parameters *parameters, struct error *error)
{
    bool done = true;
    for (int i = 0; i < file->count; i++) {
        if (!parameters_find(parameters, file->entries[i].name))
            done = error_add(error, "%s: the model has no tensor \"%.96s\"", file->path, file->entries[i].name);
    }
    for (int i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        if (parameter->role == ROLE_CONSTANT && !safetensors_find(file, parameter->name))
            continue;
        const struct safetensors_entry *entry =
            safetensors_want(file, parameter->name, SAFETENSORS_F32, parameter->rank, parameter->shape, error);
        if (entry)
            safetensors_copy(entry, (float *)parameters->values + parameter->offset);
        done = done && entry;
    }
    return done;
}
