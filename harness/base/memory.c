// memory.c: see memory.h for which allocation may fail and which may not.
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// fputs to the unbuffered stderr allocates nothing.
_Noreturn static void exhausted(void)
{
    fputs("ablate: the machine has no more memory; close something or use fewer --jobs\n", stderr);
    _exit(1);
}

bool size_multiply(size_t a, size_t b, size_t *product) { return !__builtin_mul_overflow(a, b, product); }
bool size_add(size_t a, size_t b, size_t *sum) { return !__builtin_add_overflow(a, b, sum); }
size_t size_align(size_t bytes) { return (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT; }

void *memory_allocate(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size ? size : 1);
    if (!block)
        exhausted();
    return block;
}

void *memory_resize(void *block, size_t count, size_t size)
{
    void *resized = reallocarray(block, count ? count : 1, size ? size : 1);
    if (!resized)
        exhausted();
    return resized;
}

char *memory_copy_text(const char *text)
{
    size_t length = strlen(text);
    char *copy = memory_allocate(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

// Anonymous pages, large ones where the kernel has them: zero when first touched, given back whole.
bool memory_large(void **block, size_t bytes, const char *what, struct error *error)
{
    size_t length = bytes ? bytes : 1;
    void *pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return error_add(error,
                         "%s: %.2f GiB of memory cannot be had; choose a smaller model or batch, or raise a limit (ulimit -v)",
                         what, (double)bytes / 1073741824.0);
    madvise(pages, length, MADV_HUGEPAGE); // a kernel without them may say no: heads' rows lie far apart, one to a small page
    *block = pages;
    return true;
}

void memory_large_free(void *block, size_t bytes)
{
    if (block)
        munmap(block, bytes ? bytes : 1);
}

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

enum { ARENA_CHUNK_SIZE = 64 * 1024 };

void *arena_allocate(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || bytes > SIZE_MAX - 2 * ARENA_CHUNK_SIZE)
        exhausted();
    bytes = (bytes + 15) / 16 * 16;
    struct arena_chunk *chunk = arena->chunk;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t room = bytes > ARENA_CHUNK_SIZE ? bytes : ARENA_CHUNK_SIZE;
        chunk = memory_allocate(1, sizeof *chunk + room);
        chunk->size = room;
        chunk->next = arena->chunk;
        arena->chunk = chunk;
    }
    void *block = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return block;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    char *copy = arena_allocate(arena, length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = arena_allocate(arena, (size_t)(length > 0 ? length : 0) + 1, 1);
    vsnprintf(text, (size_t)(length > 0 ? length : 0) + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

void arena_close(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunk; chunk;) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena->chunk = NULL;
}
