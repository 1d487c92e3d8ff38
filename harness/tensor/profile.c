// profile.c: see profile.h.
#include "tensor/profile.h"

#include "base/file.h"
#include "base/memory.h"

const char *const profile_part_names[PROFILE_PART_COUNT] = {
    [PROFILE_STEP] = "step",           [PROFILE_DATA] = "data",
    [PROFILE_PACK] = "weights packed", [PROFILE_GRADIENT_SUM] = "gradients summed",
    [PROFILE_UPDATE] = "update",
};

bool profile_open(struct profile *profile, const struct graph *graph, int lanes, int64_t steps, int64_t calls,
                  struct error *error)
{
    size_t of_lanes = (size_t)lanes * sizeof(struct profile_lane), of_calls, of_stretches, bytes;
    void *block;
    *profile = (struct profile){.graph = graph, .lane_count = lanes, .calls_max = calls, .steps_max = steps};
    if (!size_multiply((size_t)lanes * sizeof(struct profile_call), (size_t)calls, &of_calls) ||
        !size_multiply(PROFILE_PART_COUNT * sizeof(struct profile_stretch), (size_t)steps, &of_stretches) ||
        !size_add(of_calls, of_stretches, &bytes) || !size_add(of_lanes, bytes, &bytes))
        return error_request(error, "a profile of %lld steps is more than any machine holds", (long long)steps);
    if (!memory_large(&block, bytes, "the profile", error))
        return false;
    profile->bytes = bytes;
    profile->lanes = block;
    for (int i = 0; i < lanes; i++)
        profile->lanes[i].calls = (struct profile_call *)(profile->lanes + lanes) + (size_t)i * (size_t)calls;
    profile->stretches = (struct profile_stretch *)((unsigned char *)block + of_lanes + of_calls);
    return true;
}

void profile_close(struct profile *profile)
{
    memory_large_free(profile->lanes, profile->bytes);
    *profile = (struct profile){0};
}

void profile_begin_step(struct profile *profile)
{
    if (profile)
        profile->recording = !profile->full && profile->steps < profile->steps_max;
}

void profile_end_step(struct profile *profile)
{
    if (!profile || !profile->recording)
        return;
    profile->recording = false;
    for (int i = 0; i < profile->lane_count; i++)
        profile->full |= profile->lanes[i].count > profile->calls_max;
    for (int i = 0; i < profile->lane_count; i++) {
        struct profile_lane *lane = &profile->lanes[i];
        if (profile->full)
            lane->count = lane->before;
        lane->before = lane->count;
    }
    if (profile->full)
        profile->stretch_count = profile->stretches_before;
    profile->stretches_before = profile->stretch_count;
    profile->steps += !profile->full;
}

double profile_now(const struct profile *profile) { return profile && profile->recording ? clock_seconds() : 0; }

void profile_add_call(struct profile *profile, int lane, const struct node *node, enum phase phase, struct span rows,
                      double begin)
{
    if (!profile || !profile->recording)
        return;
    struct profile_lane *record = &profile->lanes[lane];
    if (record->count < profile->calls_max)
        record->calls[record->count] = (struct profile_call){node, phase, rows, begin, clock_seconds()};
    record->count++;
}

void profile_add_part(struct profile *profile, enum profile_part part, double begin)
{
    if (profile && profile->recording)
        profile->stretches[profile->stretch_count++] = (struct profile_stretch){part, begin, clock_seconds()};
}
