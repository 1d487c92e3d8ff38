// optimizer.c: cuts parameters into chunks and carries the optimizer component over them. Constants are left alone.
#include "train/optimizer.h"

#include <stdlib.h>

enum { CHUNK_ELEMENTS = 16384 }; // 64 KiB of each array: a few chunks of all arrays fit into a core's L2

size_t optimizer_bytes(const struct run *run, const struct parameters *parameters)
{
    const struct component *component = run_choice(run, SLOT_OPTIMIZER, 0)->component;
    return (size_t)component->optimizer.state_count * parameters->elements * sizeof(float);
}

static int cut(const struct parameters *parameters, struct optimizer_chunk *chunks)
{
    int count = 0;
    for (int i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        if (parameter->role == ROLE_CONSTANT)
            continue;
        for (size_t done = 0; done < parameter->count; done += CHUNK_ELEMENTS, count++) {
            size_t left = parameter->count - done;
            if (chunks)
                chunks[count] = (struct optimizer_chunk){i, parameter->offset + done,
                                                         (int64_t)(left < CHUNK_ELEMENTS ? left : CHUNK_ELEMENTS)};
        }
    }
    return count;
}

bool optimizer_open(struct optimizer *optimizer, const struct run *run, struct parameters *parameters, struct error *error)
{
    const struct choice *choice = run_choice(run, SLOT_OPTIMIZER, 0);
    *optimizer = (struct optimizer){
        .component = choice->component,
        .options = choice->options.bytes,
        .parameters = parameters,
        .state_bytes = parameters->elements * sizeof(float),
        .chunk_count = cut(parameters, NULL),
        .measured = memory_allocate((size_t)parameters->count, sizeof(double)),
    };
    optimizer->chunks = memory_allocate((size_t)optimizer->chunk_count, sizeof *optimizer->chunks);
    optimizer->partial = memory_allocate((size_t)optimizer->chunk_count, sizeof *optimizer->partial);
    cut(parameters, optimizer->chunks);
    for (int i = 0; i < choice->component->optimizer.state_count; i++) {
        if (!memory_large((void **)&optimizer->state[i], optimizer->state_bytes, "the optimizer's state", error)) {
            optimizer_close(optimizer);
            return false;
        }
    }
    return true;
}

void optimizer_close(struct optimizer *optimizer)
{
    for (int i = 0; i < OPTIMIZER_STATE_MAX; i++)
        memory_large_free(optimizer->state[i], optimizer->state_bytes);
    free(optimizer->chunks);
    free(optimizer->partial);
    free(optimizer->measured);
    *optimizer = (struct optimizer){0};
}

// What a component's calls need of one chunk.
struct view {
    struct optimizer_step step;
    float *values, *state[OPTIMIZER_STATE_MAX];
    const float *gradient;
};

static struct view view_chunk(const struct optimizer *optimizer, const struct optimizer_chunk *chunk)
{
    struct view view = {.step = optimizer->step,
                        .values = (float *)optimizer->parameters->values + chunk->begin,
                        .gradient = optimizer->gradients + chunk->begin};
    view.step.decays = optimizer->parameters->list[chunk->parameter].rank >= 2;
    for (int i = 0; i < optimizer->component->optimizer.state_count; i++)
        view.state[i] = optimizer->state[i] + chunk->begin;
    return view;
}

// Each member takes one contiguous share of the chunks, the same at every step, so its part of the arrays stays in its caches.
static struct span share_of(const struct optimizer *optimizer, int member, int size)
{
    int64_t count = optimizer->chunk_count;
    return (struct span){count * member / size, count * (member + 1) / size};
}

static void measure_share(void *context, int member, int size)
{
    struct optimizer *optimizer = context;
    struct span share = share_of(optimizer, member, size);
    for (int64_t i = share.begin; i < share.end; i++) {
        const struct optimizer_chunk *chunk = &optimizer->chunks[i];
        struct view view = view_chunk(optimizer, chunk);
        optimizer->partial[i] =
            optimizer->component->optimizer.measure(optimizer->options, &view.step, chunk->count, view.gradient, view.state);
    }
}

static void apply_share(void *context, int member, int size)
{
    struct optimizer *optimizer = context;
    struct span share = share_of(optimizer, member, size);
    for (int64_t i = share.begin; i < share.end; i++) {
        const struct optimizer_chunk *chunk = &optimizer->chunks[i];
        struct view view = view_chunk(optimizer, chunk);
        optimizer->component->optimizer.apply(optimizer->options, &view.step, chunk->count, view.values, view.gradient,
                                              view.state, optimizer->measured[chunk->parameter],
                                              (int64_t)optimizer->parameters->list[chunk->parameter].count);
    }
}

void optimizer_update(struct optimizer *optimizer, struct team *team, const float *gradients, const struct optimizer_step *step)
{
    optimizer->gradients = gradients;
    optimizer->step = *step;
    if (optimizer->component->optimizer.measures) {
        team_run(team, measure_share, optimizer);
        for (int i = 0; i < optimizer->parameters->count; i++)
            optimizer->measured[i] = 0;
        for (int i = 0; i < optimizer->chunk_count; i++)
            optimizer->measured[optimizer->chunks[i].parameter] += optimizer->partial[i];
    }
    team_run(team, apply_share, optimizer);
}
