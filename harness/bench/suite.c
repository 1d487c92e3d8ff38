// suite.c: see suite.h.
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/ratio.h"
#include "bench/suite_internal.h"

// The base first: what differs from it in the length alone has laws fitted to it.
static const struct size sizes[] = {
    {BASE_LENGTH, BASE_WIDTH, BASE_HEADS},
    {64, BASE_WIDTH, BASE_HEADS},
    {128, BASE_WIDTH, BASE_HEADS},
    {512, BASE_WIDTH, BASE_HEADS},
    {1024, BASE_WIDTH, BASE_HEADS},
    {2048, BASE_WIDTH, BASE_HEADS},
    {BASE_LENGTH, 128, BASE_HEADS / 2},
    {BASE_LENGTH, 512, 2 * BASE_HEADS},
    {BASE_LENGTH, BASE_WIDTH, BASE_HEADS / 2},
    {BASE_LENGTH, BASE_WIDTH, 2 * BASE_HEADS},
};

// ---- Measuring a stage ------------------------------------------------------------------------------------------------------

static void keep(void *context, const struct benchmark_result *result)
{
    struct walk *walk = context;
    struct suite_row *row = &walk->suite->rows[walk->items[result->index].row];
    if (result->refusal)
        row->refusal = arena_copy_text(&walk->suite->arena, result->refusal);
    else if (row->count < walk->options->repetitions)
        row->seconds[row->count++] = result->seconds;
}

static bool measure_stage(struct walk *walk, struct stage *stage, struct optimizer *optimizer,
                          const struct component *component)
{
    const struct benchmark_options options = {walk->options->seconds, walk->options->repetitions};
    if (walk->count == 0 || walk->options->list)
        return true;
    bool done = stage_prepare(stage, walk->error);
    if (done && component && component->slot == SLOT_OPTIMIZER)
        done = optimizer_open(optimizer, &stage->run, &stage->parameters, walk->error);
    done = done && benchmark_run(walk->entries, walk->count, &options, keep, walk, walk->error);
    for (int i = 0; done && i < walk->count && walk->options->progress; i++)
        walk->options->progress(walk->options->context, &walk->suite->rows[walk->items[i].row]);
    return done;
}

const char *const suite_own_keys[] = {"model.seq_len", "model.d_model", "model.n_head", "model.head_dim",
                                      "model.n_layer", "train.batch",   "train.lanes",  NULL};

bool suite_size_run(const struct walk *walk, const struct component *component, const struct size *size, struct run *run,
                    struct error *refusal)
{
    *run = *walk->base;
    run->model.seq_len = size->seq_len;
    run->model.d_model = size->d_model;
    run->model.n_head = size->n_head;
    run->model.head_dim = size->d_model / size->n_head;
    run->model.n_layer = 1;
    run->train.batch = run->train.lanes = 1;
    struct arena *arena = &walk->suite->arena;
    return (!component || run_set(run, slot_facts[component->slot].name, component->name, arena, refusal)) &&
           run_resolve(run, refusal);
}

// A component that cannot be put into the base run is told once, with its reason.
static void add_refusal(struct walk *walk, const struct component *component, const struct error *refusal)
{
    struct arena *arena = &walk->suite->arena;
    const char *name = arena_format(arena, "%s/%s", slot_facts[component->slot].name, component->name);
    if (suite_is_known(walk->suite, name) || regexec(&walk->filter, name, 0, NULL, 0) != 0)
        return;
    *suite_add_row(walk->suite) =
        (struct suite_row){.name = name,
                           .subject = name,
                           .refusal = arena_format(arena, "%.*s", (int)strcspn(refusal->text, "\n"), refusal->text)};
}

static bool visit_size(struct walk *walk, const struct component *component, const struct size *size)
{
    struct run run;
    struct stage stage;
    struct error refusal = {0};
    struct optimizer optimizer = {0};
    if (!suite_size_run(walk, component, size, &run, &refusal) || !stage_open(&stage, &run, &refusal)) {
        if (!component)
            return error_carry(walk->error, "", &refusal);
        add_refusal(walk, component, &refusal);
        return true;
    }
    walk->count = 0;
    if (component && component->slot == SLOT_OPTIMIZER)
        suite_offer_update(walk, &stage, &optimizer, component);
    else if (component)
        suite_offer_component(walk, &stage, component);
    suite_offer_ops(walk, &stage);
    bool done = measure_stage(walk, &stage, &optimizer, component);
    optimizer_close(&optimizer);
    stage_close(&stage);
    return done;
}

// ---- All of it --------------------------------------------------------------------------------------------------------------

// The base run alone comes first, so that an op is measured as most models use it.
static bool visit_all(struct walk *walk)
{
    enum { SIZES = sizeof sizes / sizeof *sizes };
    bool done = true;
    for (int i = 0; i < SIZES && done; i++)
        done = visit_size(walk, NULL, &sizes[i]);
    for (const struct component *const *list = registry_list(); *list && done; list++)
        for (int i = 0; i < SIZES && done; i++)
            if ((*list)->slot != SLOT_DATA && (*list)->slot != SLOT_SCHEDULE && (*list)->slot != SLOT_INIT)
                done = visit_size(walk, *list, &sizes[i]);
    for (const struct component *const *list = registry_list(); *list && done; list++)
        for (enum pass pass = 0; pass < PASS_COUNT && (*list)->complexity != COMPLEXITY_NONE; pass++)
            suite_find_law(walk, *list, pass);
    return done;
}

bool suite_filter(const char *expression, regex_t *filter, struct error *error)
{
    char reason[128];
    int code = regcomp(filter, expression, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return true;
    regerror(code, filter, reason, sizeof reason);
    return error_request(error, "\"%s\" is no regular expression: %s", expression, reason);
}

bool suite_run(struct suite *suite, const struct run *base, const struct suite_options *options, struct error *error)
{
    struct text seen = {0};
    struct walk *walk = memory_allocate(1, sizeof *walk);
    *suite = (struct suite){0};
    *walk = (struct walk){.suite = suite, .options = options, .base = base, .error = error, .seen = &seen};
    bool done = suite_filter(options->filter, &walk->filter, error);
    if (done) {
        done = team_open(&walk->team, 1, error) && visit_all(walk);
        if (done && suite->row_count == 0)
            done = error_request(error, "no benchmark has \"%s\" in its name. See: ablate bench --list", options->filter);
        regfree(&walk->filter);
    }
    team_close(walk->team);
    text_free(&seen);
    free(walk);
    return done;
}

void suite_close(struct suite *suite)
{
    free(suite->rows);
    free(suite->laws);
    arena_close(&suite->arena);
    *suite = (struct suite){0};
}

double suite_median(const struct suite_row *row) { return ratio_median(row->seconds, row->count); }

double suite_spread(const struct suite_row *row)
{
    if (row->count == 0)
        return NAN;
    double low, high;
    gsl_stats_minmax(&low, &high, row->seconds, 1, (size_t)row->count);
    return (high - low) / suite_median(row);
}
