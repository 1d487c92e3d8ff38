// suite.c: see suite.h.
#include "bench/suite.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/benchmark.h"
#include "bench/ratio.h"
#include "bench/stage.h"
#include "train/optimizer.h"

struct size {
    int64_t seq_len, d_model, n_head;
};
enum { BASE_LENGTH = 256, BASE_WIDTH = 256, BASE_HEADS = 8, LENGTHS_MAX = 16, ENTRIES_MAX = 512 };
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
// Where operations are counted, nothing runs, so sequences are long enough for a window to be short beside them.
static const int64_t counted_lengths[] = {1024, 2048, 4096, 8192};

// Slots whose components may add no node of their own: they change what attention does, and are measured there.
static const bool works_in_attention[SLOT_COUNT] = {
    [SLOT_HEADS] = true, [SLOT_POSITION] = true, [SLOT_ATTN_SOFTCAP] = true, [SLOT_SOFTMAX] = true};

// One row under measurement.
struct item {
    struct stage *stage;
    struct optimizer *optimizer; // NULL but for an update
    struct team *team;
    struct part part;
    enum pass pass;
    int row;
};
// What a walk over the registry carries.
struct walk {
    struct suite *suite;
    const struct suite_options *options;
    const struct run *base;
    regex_t filter;
    struct team *team;
    struct error *error;
    // Of the stage at hand.
    struct item items[ENTRIES_MAX];
    struct benchmark_entry entries[ENTRIES_MAX];
    int count;
    struct text *seen; // one line for each (subject, shapes) there is: other sizes that change neither are left out
};

// ---- Rows -------------------------------------------------------------------------------------------------------------------

static bool is_known(const struct suite *suite, const char *name)
{
    for (int i = 0; i < suite->row_count; i++)
        if (!strcmp(suite->rows[i].name, name))
            return true;
    return false;
}

static struct suite_row *add_row(struct suite *suite)
{
    if (suite->row_count == suite->row_capacity) {
        suite->row_capacity = suite->row_capacity ? 2 * suite->row_capacity : 256;
        suite->rows = memory_resize(suite->rows, (size_t)suite->row_capacity, sizeof *suite->rows);
    }
    struct suite_row *row = &suite->rows[suite->row_count++];
    *row = (struct suite_row){0};
    return row;
}

static const char *row_name(struct arena *arena, const struct benchmark_entry *entry)
{
    struct text name = {0};
    text_add(&name, "%s", entry->name);
    for (int i = 0; i < entry->argument_count; i++)
        text_add(&name, "/%s:%lld", entry->arguments[i].name, (long long)entry->arguments[i].value);
    return text_keep(&name, arena);
}

static void measure(struct benchmark_state *state, void *context)
{
    struct item *item = context;
    const struct optimizer_step step = {.lr = 1e-6, .peak_lr = 1e-6, .step = 10, .scale = 1};
    while (benchmark_running(state)) {
        if (item->optimizer)
            optimizer_update(item->optimizer, item->team, item->stage->gradients, &step);
        else
            stage_run(item->stage, &item->part, item->pass);
    }
}

// Plans a row when the filter holds its name and no earlier stage has had it.
static void offer(struct walk *walk, const struct benchmark_entry *entry, const struct item *item, const struct work *work,
                  int64_t length)
{
    struct suite *suite = walk->suite;
    const char *name = row_name(&suite->arena, entry);
    if (walk->count == ENTRIES_MAX || is_known(suite, name) || regexec(&walk->filter, name, 0, NULL, 0) != 0)
        return;
    struct suite_row *row = add_row(suite);
    *row = (struct suite_row){.name = name,
                              .subject = arena_copy_text(&suite->arena, entry->name),
                              .length = length,
                              .flops = work->flops,
                              .bytes = work->bytes,
                              .seconds = arena_allocate(&suite->arena, (size_t)walk->options->repetitions, sizeof(double))};
    walk->items[walk->count] = *item;
    walk->items[walk->count].row = suite->row_count - 1;
    walk->entries[walk->count] = *entry;
    walk->entries[walk->count].name = row->subject;
    walk->entries[walk->count].body = measure;
    walk->entries[walk->count].context = &walk->items[walk->count];
    walk->count++;
}

// ---- Which nodes are whose ---------------------------------------------------------------------------------------------------

static struct part nodes_stamped(const struct graph *graph, const char *stamp, struct arena *arena)
{
    struct part part = {.nodes = arena_allocate(arena, (size_t)graph->node_count, sizeof *part.nodes)};
    size_t length = strlen(stamp);
    bool is_prefix = stamp[length - 1] == '/';
    for (int i = 0; i < graph->node_count; i++) {
        const char *of = graph->nodes[i]->component;
        if (of && (is_prefix ? !strncmp(of, stamp, length) : !strcmp(of, stamp)))
            part.nodes[part.count++] = graph->nodes[i];
    }
    return part;
}

static struct part part_of(const struct graph *graph, const struct component *component, struct arena *arena)
{
    const char *stamp = arena_format(arena, "%s/%s", slot_facts[component->slot].name, component->name);
    struct part part = nodes_stamped(graph, stamp, arena);
    if (part.count == 0 && works_in_attention[component->slot])
        part = nodes_stamped(graph, "attention/", arena);
    return part;
}

// Whether an equal part of that subject is there already: another number of heads does not change a feed-forward layer.
static bool is_repeated(struct walk *walk, const char *subject, const struct stage *stage, const struct part *part)
{
    struct text shapes = {0};
    text_add(&shapes, "\n%s %lld", subject, (long long)stage->rows);
    for (int i = 0; i < part->count; i++) {
        const struct node *node = part->nodes[i];
        for (int j = 0; j < node->input_count; j++)
            text_add(&shapes, " %lld", (long long)node->inputs[j]->width);
        text_add(&shapes, ">%lld;%lld", (long long)node->outputs[0]->width, node->saved ? (long long)node->saved->width : 0);
    }
    text_add(&shapes, "\n");
    bool repeated = walk->seen->data && strstr(walk->seen->data, shapes.data);
    if (!repeated)
        text_add_bytes(walk->seen, shapes.data, shapes.length);
    text_free(&shapes);
    return repeated;
}

// ---- What a stage has to offer -----------------------------------------------------------------------------------------------

static void offer_component(struct walk *walk, struct stage *stage, const struct component *component)
{
    const struct model_scalars *model = &stage->run.model;
    struct arena *arena = &walk->suite->arena;
    struct item item = {.stage = stage, .part = part_of(&stage->graph, component, arena)};
    const char *name = arena_format(arena, "%s/%s", slot_facts[component->slot].name, component->name);
    if (item.part.count == 0 || is_repeated(walk, name, stage, &item.part))
        return;
    bool base_width = model->d_model == BASE_WIDTH && model->n_head == BASE_HEADS;
    for (item.pass = 0; item.pass < PASS_COUNT; item.pass++) {
        const struct work work = stage_work(stage, &item.part, item.pass);
        const struct benchmark_entry entry = {.name = arena_format(arena, "%s/%s", name, pass_names[item.pass]),
                                              .argument_count = 3,
                                              .arguments = {{"seq", model->seq_len},
                                                            {"width", model->d_model},
                                                            {"heads", model->n_head}}};
        offer(walk, &entry, &item, &work, base_width ? model->seq_len : 0);
    }
}

static void offer_ops(struct walk *walk, struct stage *stage)
{
    struct arena *arena = &walk->suite->arena;
    for (int i = 0; i < stage->graph.node_count; i++) {
        struct node *node = stage->graph.nodes[i];
        struct item item = {.stage = stage, .part = {1, &stage->graph.nodes[i]}};
        for (item.pass = 0; item.pass < PASS_COUNT; item.pass++) {
            const struct work work = stage_work(stage, &item.part, item.pass);
            const struct benchmark_entry entry = {
                .name = arena_format(arena, "op/%s/%s", node->op->name, pass_names[item.pass]),
                .argument_count = 3,
                .arguments = {{"rows", stage->rows}, {"in", node->inputs[0]->width}, {"out", node->outputs[0]->width}}};
            if (item.pass == PASS_FORWARD || node->runs_backward)
                offer(walk, &entry, &item, &work, 0);
        }
    }
}

// Values and gradients are read, values written, each array of state both.
static void offer_update(struct walk *walk, struct stage *stage, struct optimizer *optimizer, const struct component *component)
{
    int64_t parameters = model_parameter_count(&stage->parameters, true);
    const struct item item = {.stage = stage, .optimizer = optimizer, .team = walk->team};
    const struct work work = {.bytes = (double)parameters * sizeof(float) * (3 + 2 * component->optimizer.state_count)};
    const struct benchmark_entry entry = {.name = arena_format(&walk->suite->arena, "%s/%s/update",
                                                               slot_facts[component->slot].name, component->name),
                                          .argument_count = 1,
                                          .arguments = {{"parameters", parameters}}};
    if (stage->run.model.seq_len == BASE_LENGTH &&
        stage->run.model.n_head * BASE_WIDTH == BASE_HEADS * stage->run.model.d_model)
        offer(walk, &entry, &item, &work, 0);
}

// ---- Measuring a stage -------------------------------------------------------------------------------------------------------

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

// The base run at a size, with the component in its slot; false where they refuse each other, with the reason.
static bool size_run(const struct walk *walk, const struct component *component, const struct size *size, struct run *run,
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
    if (is_known(walk->suite, name) || regexec(&walk->filter, name, 0, NULL, 0) != 0)
        return;
    *add_row(walk->suite) =
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
    if (!size_run(walk, component, size, &run, &refusal) || !stage_open(&stage, &run, &refusal)) {
        if (!component)
            return error_carry(walk->error, "", &refusal);
        add_refusal(walk, component, &refusal);
        return true;
    }
    walk->count = 0;
    if (component && component->slot == SLOT_OPTIMIZER)
        offer_update(walk, &stage, &optimizer, component);
    else if (component)
        offer_component(walk, &stage, component);
    offer_ops(walk, &stage);
    bool done = measure_stage(walk, &stage, &optimizer, component);
    optimizer_close(&optimizer);
    stage_close(&stage);
    return done;
}

// ---- Laws --------------------------------------------------------------------------------------------------------------------

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
        if (!size_run(walk, component, &size, &run, &refusal) || !stage_open(&stage, &run, &refusal))
            return (struct complexity_fit){.law = COMPLEXITY_NONE};
        const struct part part = part_of(&stage.graph, component, &walk->suite->arena);
        const struct work work = stage_work(&stage, &part, pass);
        values[i] = work.coupled_flops > 0 ? work.coupled_flops : work.flops;
        stage_close(&stage);
    }
    return complexity_fit(counted_lengths, values, COUNT);
}

static void find_law(struct walk *walk, const struct component *component, enum pass pass)
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

// ---- All of it ---------------------------------------------------------------------------------------------------------------

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
            find_law(walk, *list, pass);
    return done;
}

bool suite_run(struct suite *suite, const struct run *base, const struct suite_options *options, struct error *error)
{
    struct text seen = {0};
    struct walk *walk = memory_allocate(1, sizeof *walk);
    *suite = (struct suite){0};
    *walk = (struct walk){.suite = suite, .options = options, .base = base, .error = error, .seen = &seen};
    int code = regcomp(&walk->filter, options->filter, REG_EXTENDED | REG_NOSUB);
    bool done = false;
    if (code) {
        char reason[128];
        regerror(code, &walk->filter, reason, sizeof reason);
        error_request(error, "\"%s\" is no regular expression: %s", options->filter, reason);
    } else {
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
