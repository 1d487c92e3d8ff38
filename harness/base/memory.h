// memory.h: checked sizes, small allocations that cannot fail, and large ones that may.
//
// Small structures (names, lists, plans) come from memory_allocate: when the machine has no more, the process writes one line
// and exits with 1. That is safe here because the store is transactional and a worker's death is a recorded outcome. Anything
// whose size follows from the user's request (tensors, data) comes from memory_large, which returns false with the size.
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { MEMORY_ALIGNMENT = 64 }; // one cache line, one AVX-512 register

// Zeroed; never NULL. free() releases it.
void *memory_allocate(size_t count, size_t size);
// Keeps the first bytes; never NULL.
void *memory_resize(void *block, size_t count, size_t size);
char *memory_copy_text(const char *text);

// Zeroed, aligned to MEMORY_ALIGNMENT, for buffers of the user's size; `what` names it in the error. memory_large_free releases
// it.
bool memory_large(void **block, size_t bytes, const char *what, struct error *error);
void memory_large_free(void *block, size_t bytes);

// False when the product or sum does not fit: the caller says which file or option claimed it.
bool size_multiply(size_t a, size_t b, size_t *product);
bool size_add(size_t a, size_t b, size_t *sum);
size_t size_align(size_t bytes); // up to the next multiple of MEMORY_ALIGNMENT

// Objects that live and die together: a plan, a parsed file.
struct arena {
    struct arena_chunk *chunk;
};
void *arena_allocate(struct arena *arena, size_t count, size_t size); // zeroed, 16-byte aligned, never NULL
char *arena_copy_text(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_close(struct arena *arena);

#endif
