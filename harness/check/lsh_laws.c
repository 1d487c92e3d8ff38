// lsh_laws.c: see lsh_laws.h. Called from the table of component_laws.c. `run` fills the slot with a component that takes the
// options chunk and rounds, at their defaults.
#include "check/lsh_laws.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "check/conformance.h"
#include "check/probe.h"

// ---- The sort, without a model ----------------------------------------------------------------------------------------------

// One head's buckets [time, rounds], its sort and what it is a sort of.
struct hashed {
    struct arena arena;
    struct lsh lsh;
    struct attention_schedule planned;
    struct lsh_sorted sorted;
    int32_t *buckets;
};

// `crowd` of four positions go to the first bucket, the others anywhere.
static void hashed_open(struct hashed *hashed, int64_t time, int64_t chunk, int64_t rounds, uint64_t crowd)
{
    *hashed = (struct hashed){.lsh = lsh_of(time, chunk, rounds)};
    const struct attention_layout layout = {time, 1, true};
    uint64_t key = random_key(5, "hashes", crowd), count = (uint64_t)lsh_buckets(&hashed->lsh);
    hashed->buckets = arena_allocate(&hashed->arena, (size_t)(time * rounds), sizeof *hashed->buckets);
    for (int64_t t = 0; t < time; t++)
        for (int64_t round = 0; round < rounds; round++) {
            bool first = random_below(key, (uint64_t)t, (uint64_t)(2 * round), 4) < crowd;
            uint64_t bucket = random_below(key, (uint64_t)t, (uint64_t)(2 * round + 1), count);
            hashed->buckets[t * rounds + round] = first ? 0 : (int32_t)bucket;
        }
    void *memory = arena_allocate(&hashed->arena, 1, lsh_workspace(&hashed->lsh, time));
    lsh_schedule_plan(&hashed->planned, &hashed->lsh, &layout, &hashed->arena);
    lsh_sorted_open(&hashed->sorted, &hashed->lsh, &hashed->planned, memory);
    lsh_sort_head(&hashed->sorted, 0, hashed->buckets, rounds);
}

static bool shows_definition(int64_t time, int64_t chunk, int64_t rounds, uint64_t crowd, struct text *seen)
{
    struct hashed hashed;
    hashed_open(&hashed, time, chunk, rounds, crowd);
    unsigned char *shown = arena_allocate(&hashed.arena, (size_t)(time * time), 1);
    bool *visible = arena_allocate(&hashed.arena, (size_t)(time * time), sizeof *visible), holds = true;
    int64_t *scratch = arena_allocate(&hashed.arena, (size_t)time, sizeof *scratch);
    for (int round = 0; round < rounds; round++) {
        lsh_sort_pass(&hashed.sorted, round);
        lsh_count_shown(&hashed.sorted, round, shown);
    }
    lsh_show_by_definition(&hashed.lsh, hashed.buckets, rounds, time, scratch, visible);
    for (int64_t i = 0; holds && i < time * time; i++) {
        holds = shown[i] == visible[i];
        if (!holds)
            text_add(seen, "%lld positions, chunk %lld, %lld rounds: query %lld is shown key %lld %d times instead of %d",
                     (long long)time, (long long)chunk, (long long)rounds, (long long)(i / time), (long long)(i % time),
                     shown[i], visible[i]);
    }
    arena_close(&hashed.arena);
    return holds;
}

bool lsh_visible_law(const struct run *run, struct text *seen)
{
    static const int64_t times[] = {2, 3, 31, 33, 64, 65, 150, 517}, chunks[] = {1, 2, 7, 32, 64, 100};
    (void)run;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (size_t j = 0; j < sizeof chunks / sizeof *chunks; j++)
            for (int64_t rounds = 1; rounds <= 4; rounds++)
                for (uint64_t crowd = 0; crowd <= 4; crowd += 2)
                    if (!shows_definition(times[i], chunks[j], rounds, crowd, seen))
                        return false;
    return true;
}

bool lsh_tiles_law(const struct run *run, struct text *seen)
{
    enum { TIME = 16384, CHUNK = 64, ROUNDS = 4, VISITED_MOST = 4 };
    struct hashed hashed;
    (void)run;
    hashed_open(&hashed, TIME, CHUNK, ROUNDS, 0);
    for (int round = 0; round < ROUNDS; round++)
        lsh_sort_pass(&hashed.sorted, round);
    double ratio = (double)hashed.sorted.schedule.visited_pairs / (double)hashed.sorted.schedule.visible_pairs;
    arena_close(&hashed.arena);
    if (ratio <= VISITED_MOST)
        return true;
    text_add(seen, "%.2f pairs are multiplied for one that is seen", ratio);
    return false;
}

// ---- Models -----------------------------------------------------------------------------------------------------------------

static bool set(struct run *run, int64_t chunk, int64_t rounds, struct arena *arena, struct error *error)
{
    const char *name = run_choice(run, SLOT_ATTENTION, 0)->component->name;
    const char *value = arena_format(arena, "%s(chunk=%lld, rounds=%lld)", name, (long long)chunk, (long long)rounds);
    return run_set(run, "attention", value, arena, error) && run_resolve(run, error);
}

bool lsh_union_law(const struct run *run, struct text *seen)
{
    enum { TIME = 150, SEQUENCES = 2 };
    struct arena arena = {0};
    struct error error = {0};
    struct run several = *run;
    char where[TENSOR_NAME_SIZE];
    double worst = INFINITY;
    several.model.seq_len = TIME;
    bool holds =
        set(&several, 9, 4, &arena, &error) && conformance_against_reference(&several, SEQUENCES, TIME, &worst, where, &error);
    if (!holds)
        text_add(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    else if (!(worst <= conformance_float_limit)) {
        text_add(seen, "%s differs by %.2g", where, worst);
        holds = false;
    }
    arena_close(&arena);
    return holds;
}

enum { ROUNDS_TIME = 96, ROUNDS_CHUNK = 6, ROUNDS_SEQUENCES = 4 };

// Logits of the run with a chunk and rounds; NULL with the reason.
static double *logits_of(const struct run *run, int64_t chunk, int64_t rounds, struct arena *arena, struct error *error)
{
    struct run subject = *run;
    struct probe probe;
    subject.model.seq_len = ROUNDS_TIME;
    const struct probe_request request = {.run = &subject,
                                          .real = REAL_DOUBLE,
                                          .mode = GRAPH_EVAL,
                                          .sequences = ROUNDS_SEQUENCES,
                                          .time = ROUNDS_TIME,
                                          .threads = 1,
                                          .lanes = 1};
    if (!set(&subject, chunk, rounds, arena, error) || !probe_open(&probe, &request, error))
        return NULL;
    size_t count = (size_t)(ROUNDS_SEQUENCES * ROUNDS_TIME * subject.model.vocab);
    double *logits = arena_allocate(arena, count, sizeof *logits);
    probe_forward(&probe);
    memcpy(logits, probe.logits, count * sizeof *logits);
    probe_close(&probe);
    return logits;
}

bool lsh_rounds_law(const struct run *run, struct text *seen)
{
    struct arena arena = {0};
    struct error error = {0};
    const double *exact = logits_of(run, ROUNDS_TIME, 1, &arena, &error);
    double before = INFINITY;
    bool holds = exact != NULL;
    for (int64_t rounds = 1; holds && rounds <= 16; rounds *= 2) {
        const double *got = logits_of(run, ROUNDS_CHUNK, rounds, &arena, &error);
        double squares = 0;
        for (int64_t i = 0; got && i < ROUNDS_SEQUENCES * ROUNDS_TIME * run->model.vocab; i++)
            squares += (got[i] - exact[i]) * (got[i] - exact[i]);
        holds = got && squares < before;
        if (got && !holds)
            text_add(seen, "%lld rounds are %.3g away from attention over one chunk, and half of them %.3g", (long long)rounds,
                     sqrt(squares), sqrt(before));
        before = squares;
    }
    if (error.count)
        text_add(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    arena_close(&arena);
    return holds;
}
