// builds.c: see builds.h.
#include "bench/builds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"

struct gathering {
    const struct builds_options *options;
    struct arena *arena;
    struct build_pairs *list;
    int count, capacity;
    int build; // whose output is read
};

static struct build_pairs *pairs_of(struct gathering *gathering, const char *name)
{
    for (int i = 0; i < gathering->count; i++)
        if (!strcmp(gathering->list[i].name, name))
            return &gathering->list[i];
    if (gathering->count == gathering->capacity) {
        gathering->capacity = gathering->capacity ? 2 * gathering->capacity : 64;
        gathering->list = memory_resize(gathering->list, (size_t)gathering->capacity, sizeof *gathering->list);
    }
    struct build_pairs *pairs = &gathering->list[gathering->count++];
    *pairs = (struct build_pairs){.name = arena_copy_text(gathering->arena, name)};
    for (int i = 0; i < BUILD_COUNT; i++)
        pairs->seconds[i] = arena_allocate(gathering->arena, (size_t)gathering->options->rounds, sizeof(double));
    return pairs;
}

static void gather(void *context, const struct json_t *object)
{
    struct gathering *gathering = context;
    double seconds = command_number(object, "seconds");
    const char *name = command_word(object, "name");
    if (!*name || !(seconds > 0))
        return;
    struct build_pairs *pairs = pairs_of(gathering, name);
    if (pairs->count[gathering->build] < gathering->options->rounds)
        pairs->seconds[gathering->build][pairs->count[gathering->build]++] = seconds;
}

static bool run_build(struct gathering *gathering, int build, struct error *error)
{
    const struct builds_options *options = gathering->options;
    const char *path = options->paths[build];
    const char *seconds = arena_format(gathering->arena, "--seconds=%g", options->seconds);
    const char *const words[] = {"bench", "--json", "--bare", "--repetitions=1", seconds, "--", options->filter, NULL};
    struct text output = {0};
    gathering->build = build;
    bool done = command_run(path, words, &output, error) && command_lines(path, &output, gather, gathering, error);
    text_free(&output);
    return done;
}

bool builds_run(const struct builds_options *options, struct arena *arena, struct build_pairs **pairs, int *pair_count,
                struct error *error)
{
    struct gathering gathering = {.options = options, .arena = arena};
    bool done = true;
    for (int round = 0; done && round < options->rounds; round++)
        done = run_build(&gathering, round % BUILD_COUNT, error) && run_build(&gathering, (round + 1) % BUILD_COUNT, error);
    *pairs = arena_allocate(arena, (size_t)gathering.count, sizeof **pairs);
    if (gathering.count)
        memcpy(*pairs, gathering.list, (size_t)gathering.count * sizeof **pairs);
    *pair_count = gathering.count;
    free(gathering.list);
    return done;
}
