// safetensors.h: reads and writes the safetensors format (8 bytes of header length, a JSON header, raw little-endian data).
//
// A file is untrusted: header length, JSON, dtypes, shapes and offsets are checked against the file's size before anything is
// allocated by them; overlapping, out-of-range or duplicate tensors are refused by name.
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/error.h"
#include "base/file.h"
#include "tensor/graph.h"

enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_F64, SAFETENSORS_I32, SAFETENSORS_I64, SAFETENSORS_U8, SAFETENSORS_TYPES };

struct safetensors_entry {
    const char *name;
    enum safetensors_type type;
    int rank;
    int64_t shape[TENSOR_RANK_MAX];
    int64_t count;    // elements; fits, with its type, into the file
    const void *data; // into the file's bytes or the writer's arrays; may be unaligned when read
};
struct safetensors {
    struct safetensors_entry *entries;
    int count;
    const char *path;
    const char *metadata; // the JSON text of __metadata__.ablate when written, or NULL
    struct bytes bytes;
    struct arena arena;
};
bool safetensors_read(const char *path, struct safetensors *file, struct error *error);
void safetensors_close(struct safetensors *file);
const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name);

// The tensor of that name, refused unless it is there with this type, rank and shape. NULL adds an error that names both.
const struct safetensors_entry *safetensors_want(const struct safetensors *file, const char *name, enum safetensors_type type,
                                                 int rank, const int64_t *shape, struct error *error);
// Its elements as float, from any float type; `values` holds entry->count.
void safetensors_copy(const struct safetensors_entry *entry, float *values);

// Written beside, synced, renamed. `metadata` may be NULL.
bool safetensors_write(const char *path, const struct safetensors_entry *entries, int count, const char *metadata,
                       struct error *error);

#endif
