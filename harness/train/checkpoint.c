// checkpoint.c: the arrays of a training run to and from a safetensors file.
#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "model/safetensors.h"

// Array 0 is the weights, the others the optimizer's state.
static int array_count(const struct optimizer *optimizer) { return 1 + optimizer->component->optimizer.state_count; }

static float *array_of(const struct optimizer *optimizer, int array)
{
    return array == 0 ? optimizer->parameters->values : optimizer->state[array - 1];
}

static const char *name_of(const struct parameter *parameter, int array, struct arena *arena)
{
    return array == 0 ? parameter->name : arena_format(arena, "optimizer.%d.%s", array - 1, parameter->name);
}

// One hash over all arrays: a file damaged in its numbers still reads as safetensors.
static void hash_arrays(const struct optimizer *optimizer, char hash[HASH_TEXT_SIZE])
{
    struct text hashes = {0};
    for (int array = 0; array < array_count(optimizer); array++) {
        hash_bytes(array_of(optimizer, array), optimizer->parameters->elements * sizeof(float), hash);
        text_add(&hashes, "%s", hash);
    }
    hash_bytes(hashes.data, hashes.length, hash);
    text_free(&hashes);
}

// The step and the watch as text; a double as its bits in hexadecimal, so that it reads back the same, NaN included.
static void print_facts(const struct checkpoint *checkpoint, const char *hash, struct text *text)
{
    uint64_t bits;
    memcpy(&bits, &checkpoint->watch.first_loss, sizeof bits);
    text_add(text,
             "{\"run\": \"%s\", \"step\": %" PRId64 ", \"first_loss\": \"%016" PRIx64 "\", \"above\": %" PRId64
             ", \"seconds\": %.3f, \"arrays\": \"%s\"}",
             checkpoint->run, checkpoint->step, bits, checkpoint->watch.above, checkpoint->seconds, hash);
}

bool checkpoint_write(const char *path, const struct checkpoint *checkpoint, const struct optimizer *optimizer,
                      struct error *error)
{
    const struct parameters *parameters = optimizer->parameters;
    struct arena arena = {0};
    struct text facts = {0};
    int count = 0;
    struct safetensors_entry *entries =
        arena_allocate(&arena, (size_t)(parameters->count * array_count(optimizer)), sizeof *entries);
    for (int array = 0; array < array_count(optimizer); array++) {
        for (int i = 0; i < parameters->count; i++) {
            const struct parameter *parameter = &parameters->list[i];
            struct safetensors_entry *entry = &entries[count++];
            *entry = (struct safetensors_entry){.name = name_of(parameter, array, &arena),
                                                .type = SAFETENSORS_F32,
                                                .rank = parameter->rank,
                                                .count = (int64_t)parameter->count,
                                                .data = array_of(optimizer, array) + parameter->offset};
            memcpy(entry->shape, parameter->shape, sizeof entry->shape);
        }
    }
    char hash[HASH_TEXT_SIZE];
    hash_arrays(optimizer, hash);
    print_facts(checkpoint, hash, &facts);
    bool done = safetensors_write(path, entries, count, facts.data, error);
    text_free(&facts);
    arena_close(&arena);
    return done;
}

static bool read_facts(const char *path, const char *metadata, struct checkpoint *checkpoint, char hash[HASH_TEXT_SIZE],
                       struct error *error)
{
    const char *run = NULL, *first_loss = NULL, *arrays = NULL;
    json_int_t step = -1, above = -1;
    double seconds = -1;
    uint64_t bits = 0;
    json_t *facts = metadata ? json_loads(metadata, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool done = facts && json_unpack(facts, "{s:s, s:I, s:s, s:I, s:F, s:s}", "run", &run, "step", &step, "first_loss",
                                     &first_loss, "above", &above, "seconds", &seconds, "arrays", &arrays) == 0;
    done = done && step >= 0 && above >= 0 && seconds >= 0 && sscanf(first_loss, "%16" SCNx64, &bits) == 1 &&
           strlen(arrays) < HASH_TEXT_SIZE;
    if (!done)
        error_add(error, "%s: not a checkpoint of ablate", path);
    else if (strcmp(run, checkpoint->run) != 0)
        done = error_add(error, "%s: the checkpoint of another run (%.16s, this is %s)", path, run, checkpoint->run);
    if (done)
        memcpy(hash, arrays, strlen(arrays) + 1);
    checkpoint->step = step;
    checkpoint->seconds = seconds;
    checkpoint->watch.above = above;
    memcpy(&checkpoint->watch.first_loss, &bits, sizeof bits);
    json_decref(facts);
    return done;
}

static bool read_arrays(const struct safetensors *file, const struct optimizer *optimizer, struct error *error)
{
    const struct parameters *parameters = optimizer->parameters;
    struct arena arena = {0};
    bool done = file->count == parameters->count * array_count(optimizer) ||
                error_add(error, "%s: it holds %d tensors, %d are needed", file->path, file->count,
                          parameters->count * array_count(optimizer));
    for (int array = 0; done && array < array_count(optimizer); array++) {
        for (int i = 0; done && i < parameters->count; i++) {
            const struct parameter *parameter = &parameters->list[i];
            const struct safetensors_entry *entry = safetensors_want(file, name_of(parameter, array, &arena), SAFETENSORS_F32,
                                                                     parameter->rank, parameter->shape, error);
            done = entry != NULL;
            if (done)
                safetensors_copy(entry, array_of(optimizer, array) + parameter->offset);
        }
    }
    arena_close(&arena);
    return done;
}

static bool read_whole(const char *path, struct checkpoint *checkpoint, const struct optimizer *optimizer, struct error *error)
{
    struct safetensors file;
    char stored[HASH_TEXT_SIZE], hash[HASH_TEXT_SIZE];
    if (!safetensors_read(path, &file, error))
        return false;
    bool done = read_facts(path, file.metadata, checkpoint, stored, error) && read_arrays(&file, optimizer, error);
    if (done) {
        hash_arrays(optimizer, hash);
        done = strcmp(hash, stored) == 0 || error_add(error, "%s: its numbers are not those that were written", path);
    }
    safetensors_close(&file);
    return done;
}

bool checkpoint_read(const char *path, struct checkpoint *checkpoint, const struct optimizer *optimizer, bool *found,
                     struct error *error)
{
    struct error reason = {0};
    *found = access(path, F_OK) == 0;
    if (!*found)
        return errno == ENOENT || error_request(error, "%s: %s", path, file_trouble(errno));
    if (read_whole(path, checkpoint, optimizer, &reason))
        return true;
    return error_request(error, "%.*s. It cannot be continued: remove it or name another, and the run starts at its first step",
                         (int)strcspn(reason.text, "\n"), reason.text);
}
