// suite_laws.c: the law by which a component's time grows with the length, or its operations where times do not tell.
#include <string.h>

#include "bench/suite_internal.h"

enum { LENGTHS_MAX = 16 };
// Where operations are counted, nothing runs, so sequences are long enough for a window to be short beside them.
static const int64_t counted_lengths[] = {1024, 2048, 4096, 8192};

static struct complexity_fit fit_times(const struct suite *suite, const char *subject)
{
    int64_t lengths[LENGTHS_MAX];
    double values[LENGTHS_MAX];
    int count = 0;
    for (int i = 0; i < suite->row_count && count < LENGTHS_MAX; i++)
        if (suite->rows[i].length && suite->rows[i].count && !strcmp(suite->rows[i].subject, subject)) {
            lengths[count] = suite->rows[i].length;
            values[count++] = suite_median(&suite->rows[i]);
        }
    return complexity_fit(lengths, values, count);
}

static struct complexity_fit fit_operations(struct walk *walk, const struct component *component, enum pass pass)
{
    enum { COUNT = sizeof counted_lengths / sizeof *counted_lengths };
    double values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const struct size size = {counted_lengths[i], BASE_WIDTH, BASE_HEADS};
        struct run run;
        struct stage stage;
        struct error refusal = {0};
        if (!suite_size_run(walk, component, &size, &run, &refusal) || !stage_open(&stage, &run, &refusal))
            return (struct complexity_fit){.law = COMPLEXITY_NONE};
        const struct part part = suite_part_of(&stage.graph, component, &walk->suite->arena);
        const struct work work = stage_work(&stage, &part, pass);
        values[i] = work.coupled_flops > 0 ? work.coupled_flops : work.flops;
        stage_close(&stage);
    }
    return complexity_fit(counted_lengths, values, COUNT);
}

void suite_find_law(struct walk *walk, const struct component *component, enum pass pass)
{
    struct suite *suite = walk->suite;
    const char *subject =
        arena_format(&suite->arena, "%s/%s/%s", slot_facts[component->slot].name, component->name, pass_names[pass]);
    struct complexity_fit fit = fit_times(suite, subject);
    if (fit.law == COMPLEXITY_NONE)
        return;
    struct suite_law law = {.subject = subject, .declared = component->complexity, .found = fit.law};
    if (!fit.told_apart || fit.law != component->complexity) {
        law.counted = true;
        law.found = fit_operations(walk, component, pass).law;
    }
    if (suite->law_count == suite->law_capacity) {
        suite->law_capacity = suite->law_capacity ? 2 * suite->law_capacity : 16;
        suite->laws = memory_resize(suite->laws, (size_t)suite->law_capacity, sizeof *suite->laws);
    }
    suite->laws[suite->law_count++] = law;
}
