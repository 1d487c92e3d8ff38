// parameters.h: the store of named values that several graphs over one model share.
#ifndef TENSOR_PARAMETERS_H
#define TENSOR_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TENSOR_RANK_MAX = 4, TENSOR_NAME_SIZE = 96 };

// The two precisions that every kernel is compiled for: one to run, one to check against.
enum real { REAL_FLOAT, REAL_DOUBLE, REAL_COUNT };
static inline size_t real_size(enum real real) { return real == REAL_FLOAT ? 4 : 8; }

// Parameters: one flat array of values, shared by every graph over the same model.
enum parameter_role {
    ROLE_EMBEDDING,  // a table of rows: token and position embeddings
    ROLE_MATRIX,     // [out, in]
    ROLE_BRANCH_OUT, // [out, in], the last matrix of a residual branch (o_proj, down_proj)
    ROLE_GAIN,       // starts at one
    ROLE_BIAS,       // starts at zero
    ROLE_CONSTANT,   // read from a checkpoint that holds it, zeros otherwise; never trained
};
struct parameter {
    char name[TENSOR_NAME_SIZE]; // as in safetensors
    enum parameter_role role;
    int rank;
    int64_t shape[TENSOR_RANK_MAX];
    size_t offset, count; // elements in the flat arrays; offsets are multiples of 16
};
struct parameters {
    enum real real;
    struct parameter *list;
    int count, capacity;
    size_t elements; // length of the flat arrays, padding included
    void *values;    // real[elements]; parameters_allocate makes it once all graphs are built
};
struct parameter *parameters_find(const struct parameters *parameters, const char *name);
bool parameters_allocate(struct parameters *parameters, struct error *error);
void parameters_free(struct parameters *parameters);

#endif
