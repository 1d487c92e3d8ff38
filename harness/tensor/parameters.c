// parameters.c: the store of named values that several graphs share.
#include "tensor/parameters.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct parameter *parameters_find(const struct parameters *parameters, const char *name)
{
    for (int i = 0; i < parameters->count; i++)
        if (!strcmp(parameters->list[i].name, name))
            return &parameters->list[i];
    return NULL;
}

bool parameters_allocate(struct parameters *parameters, struct error *error)
{
    return memory_large(&parameters->values, parameters->elements * real_size(parameters->real), "the parameters", error);
}

void parameters_free(struct parameters *parameters)
{
    memory_large_free(parameters->values, parameters->elements * real_size(parameters->real));
    free(parameters->list);
    *parameters = (struct parameters){0};
}
