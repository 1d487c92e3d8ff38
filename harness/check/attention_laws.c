// attention_laws.c: see attention_laws.h. Called from the table of component_laws.c.
#include "check/attention_laws.h"

#include <stdlib.h>
#include <string.h>

#include "check/probe.h"
#include "check/subject.h"

enum { TIME = 29, TILES_TIME = 16384, VISITED_MOST = 2 };

static bool open_schedule(const struct run *run, int64_t time, struct attention_schedule *schedule, struct arena *arena,
                          struct error *error)
{
    const struct choice *attention = run_choice(run, SLOT_ATTENTION, 0);
    const struct attention_layout layout = {time, run->model.n_head, run->model.causal};
    return attention_schedule_open(schedule, &attention->component->attention.pattern, &attention->options, &layout, arena,
                                   error);
}

// reach [TIME, TIME]: whether position j is part of what row i holds after `layers` layers. Residuals keep a row's own
// position.
static void fill_reach(const struct attention_schedule *schedule, int64_t layers, bool *reach, struct arena *arena)
{
    for (int64_t i = 0; i < TIME; i++)
        reach[i * TIME + i] = true;
    for (int64_t layer = 0; layer < layers; layer++) {
        bool *before = arena_allocate(arena, TIME * TIME, sizeof *before);
        memcpy(before, reach, TIME * TIME * sizeof *before);
        for (int64_t head = 0; head < schedule->n_head; head++) {
            const bool *visible = attention_visible(schedule, head, arena);
            for (int64_t i = 0; i < TIME; i++)
                for (int64_t key = 0; key < TIME; key++)
                    for (int64_t j = 0; visible[i * TIME + key] && j < TIME; j++)
                        reach[i * TIME + j] |= before[key * TIME + j];
        }
    }
}

// The loss of one query alone is trained on; its gradient lands in the rows of the learned positions.
static bool query_reaches(struct probe *probe, int64_t query, const bool *reach, struct text *seen)
{
    const struct parameter *table = parameters_find(&probe->parameters, "model.embed_positions.weight");
    int64_t width = table->shape[1];
    for (int64_t t = 0; t < TIME; t++)
        probe->targets[t] = t == query ? 1 : -1;
    probe_train(probe);
    const double *gradients = (const double *)executor_gradients(probe->executor) + table->offset;
    for (int64_t j = 0; j < TIME; j++) {
        bool any = false;
        for (int64_t d = 0; d < width; d++)
            any |= gradients[j * width + d] != 0;
        if (any != reach[j]) {
            text_add(seen, "query %lld %s position %lld, which its layers %s", (long long)query,
                     any ? "has a gradient at" : "has none at", (long long)j, reach[j] ? "reach" : "cannot reach");
            return false;
        }
    }
    return true;
}

static bool reaches(const struct run *run, struct text *seen)
{
    struct arena arena = {0};
    struct error error = {0};
    struct attention_schedule schedule;
    struct probe probe = {0};
    const struct probe_request request = {
        .run = run, .real = REAL_DOUBLE, .mode = GRAPH_TRAIN, .sequences = 1, .time = TIME, .threads = 1, .lanes = 1};
    bool holds = open_schedule(run, TIME, &schedule, &arena, &error) && probe_open(&probe, &request, &error);
    if (holds) {
        bool *reach = arena_allocate(&arena, TIME * TIME, sizeof *reach);
        fill_reach(&schedule, run->model.n_layer, reach, &arena);
        for (int64_t query = 0; holds && query < TIME; query++)
            holds = query_reaches(&probe, query, reach + query * TIME, seen);
    } else {
        text_add(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    }
    probe_close(&probe);
    arena_close(&arena);
    return holds;
}

bool attention_reach_law(const struct run *run, struct text *seen)
{
    struct arena arena = {0};
    bool holds = true;
    for (enum subject_kind kind = SUBJECT_DEFAULTS; holds && kind < SUBJECT_KINDS; kind++) {
        struct run subject;
        struct error refused = {0};
        const struct component *component = run_choice(run, SLOT_ATTENTION, 0)->component;
        bool tried = subject_run(&subject, component, kind, &arena) && !(kind > SUBJECT_DEFAULTS && subject_hashes(component));
        run_set(&subject, "position", "learned", &arena, &refused);
        subject.model.seq_len = TIME;
        if (tried && run_resolve(&subject, &refused))
            holds = reaches(&subject, seen);
    }
    arena_close(&arena);
    return holds;
}

bool attention_tiles_law(const struct run *run, struct text *seen)
{
    struct arena arena = {0};
    struct error error = {0};
    struct attention_schedule schedule;
    bool holds = open_schedule(run, TILES_TIME, &schedule, &arena, &error);
    if (!holds)
        text_add(seen, "%.*s", (int)strcspn(error.text, "\n"), error.text);
    else if (schedule.visited_pairs > VISITED_MOST * schedule.visible_pairs) {
        text_add(seen, "%.2f pairs are multiplied for one that is seen",
                 (double)schedule.visited_pairs / (double)schedule.visible_pairs);
        holds = false;
    }
    arena_close(&arena);
    return holds;
}
