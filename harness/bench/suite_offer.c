// suite_offer.c: what a stage has to measure: a component's nodes together, each op by itself, an optimizer's update.
#include <string.h>

#include "bench/suite_internal.h"

// Slots whose components may add no node of their own: they change what attention does, and are measured there.
static const bool works_in_attention[SLOT_COUNT] = {
    [SLOT_HEADS] = true, [SLOT_POSITION] = true, [SLOT_ATTN_SOFTCAP] = true, [SLOT_SOFTMAX] = true};

// ---- Rows -------------------------------------------------------------------------------------------------------------------

bool suite_is_known(const struct suite *suite, const char *name)
{
    for (int i = 0; i < suite->row_count; i++)
        if (!strcmp(suite->rows[i].name, name))
            return true;
    return false;
}

struct suite_row *suite_add_row(struct suite *suite)
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
    if (walk->count == ENTRIES_MAX || suite_is_known(suite, name) || regexec(&walk->filter, name, 0, NULL, 0) != 0)
        return;
    struct suite_row *row = suite_add_row(suite);
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

// ---- Which nodes are whose --------------------------------------------------------------------------------------------------

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

struct part suite_part_of(const struct graph *graph, const struct component *component, struct arena *arena)
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

// ---- What a stage has to offer ----------------------------------------------------------------------------------------------

void suite_offer_component(struct walk *walk, struct stage *stage, const struct component *component)
{
    const struct model_scalars *model = &stage->run.model;
    struct arena *arena = &walk->suite->arena;
    struct item item = {.stage = stage, .part = suite_part_of(&stage->graph, component, arena)};
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

void suite_offer_ops(struct walk *walk, struct stage *stage)
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
void suite_offer_update(struct walk *walk, struct stage *stage, struct optimizer *optimizer, const struct component *component)
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
