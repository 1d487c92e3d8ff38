// kept.c: see kept.h.
#include "train/kept.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "model/safetensors.h"
#include "model/weights.h"

char *kept_path(const char *folder, const char *id)
{
    struct text path = {0};
    text_add(&path, "%s/%s.safetensors", folder, id);
    return path.data;
}

// One hash over all tensors in the file's order: a file damaged in its numbers still reads as safetensors.
static void hash_entries(const struct safetensors_entry *entries, int count, char hash[HASH_TEXT_SIZE])
{
    struct text lines = {0};
    for (int i = 0; i < count; i++) {
        hash_bytes(entries[i].data, (size_t)entries[i].count * sizeof(float), hash);
        text_add(&lines, "%s %s\n", entries[i].name, hash);
    }
    hash_bytes(lines.data, lines.length, hash);
    text_free(&lines);
}

bool kept_write(const char *folder, const char *id, const struct parameters *parameters, struct error *error)
{
    struct arena arena = {0};
    struct safetensors_entry *entries = arena_allocate(&arena, (size_t)parameters->count, sizeof *entries);
    int count = 0;
    for (int i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        if (parameter->role == ROLE_CONSTANT) // another attention may want it in another shape, or not at all
            continue;
        entries[count] = (struct safetensors_entry){.name = parameter->name,
                                                    .type = SAFETENSORS_F32,
                                                    .rank = parameter->rank,
                                                    .count = (int64_t)parameter->count,
                                                    .data = (const float *)parameters->values + parameter->offset};
        memcpy(entries[count].shape, parameter->shape, sizeof entries[count].shape);
        count++;
    }
    char hash[HASH_TEXT_SIZE], *path = kept_path(folder, id);
    hash_entries(entries, count, hash);
    const char *facts = arena_format(&arena, "{\"run\": \"%s\", \"arrays\": \"%s\"}", id, hash);
    bool done = folder_create(folder, error) && safetensors_write(path, entries, count, facts, error);
    free(path);
    arena_close(&arena);
    return done;
}

static bool check_facts(const struct safetensors *file, const char *id, struct error *error)
{
    const char *run = NULL, *arrays = NULL;
    char hash[HASH_TEXT_SIZE];
    json_t *facts = file->metadata ? json_loads(file->metadata, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool done = facts && json_unpack(facts, "{s:s, s:s}", "run", &run, "arrays", &arrays) == 0;
    for (int i = 0; i < file->count; i++)
        done = done && file->entries[i].type == SAFETENSORS_F32;
    if (!done) {
        error_request(error, "%s: not the weights that a run of ablate kept", file->path);
    } else if (strcmp(run, id) != 0) {
        done = error_request(error, "%s: the weights of another run, %.16s", file->path, run);
    } else {
        hash_entries(file->entries, file->count, hash);
        done = strcmp(hash, arrays) == 0 || error_request(error, "%s: its numbers are not those that were written", file->path);
    }
    json_decref(facts);
    return done;
}

bool kept_read(const char *folder, const char *id, struct parameters *parameters, struct error *error)
{
    char *path = kept_path(folder, id);
    struct safetensors file;
    bool done =
        access(path, F_OK) == 0 ||
        error_request(error, "init: run(%s): no weights of it in %s; run it again with train.keep_weights=true", id, folder);
    if (done && (done = safetensors_read(path, &file, error))) {
        done = check_facts(&file, id, error) && weights_read(&file, parameters, error);
        error->is_request |= !done;
        safetensors_close(&file);
    }
    free(path);
    return done;
}
