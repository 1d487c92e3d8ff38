// block.c: what component.h offers to components while a model is built: named parameters, projections, norms, branches.
#include <stdio.h>
#include <string.h>

#include "registry/run.h"
#include "tensor/graph.h"

enum { SUFFIX_SIZE = 64 }; // a name within its layer

static void parameter_name(const struct block *block, const char *suffix, char name[TENSOR_NAME_SIZE])
{
    if (block->layer < 0)
        snprintf(name, TENSOR_NAME_SIZE, "model.%s", suffix);
    else
        snprintf(name, TENSOR_NAME_SIZE, "model.layers.%d.%s", block->layer, suffix);
}

const char *block_name(const struct block *block, const char *suffix)
{
    char name[TENSOR_NAME_SIZE];
    parameter_name(block, suffix, name);
    return arena_format(&block->graph->arena, "%s", name);
}

struct tensor *block_parameter(const struct block *block, const char *suffix, enum parameter_role role, int rank,
                               const int64_t *shape)
{
    char name[TENSOR_NAME_SIZE];
    parameter_name(block, suffix, name);
    return graph_parameter(block->graph, name, role, rank, shape);
}

struct tensor *block_gain(const struct block *block, const char *name, int64_t width)
{
    char suffix[SUFFIX_SIZE];
    snprintf(suffix, sizeof suffix, "%s.weight", name);
    return block_parameter(block, suffix, ROLE_GAIN, 1, &width);
}

static struct tensor *project(const struct block *block, struct tensor *x, const char *name, enum parameter_role role,
                              int64_t out,
                              struct tensor *(*multiply)(struct graph *, struct tensor *, struct tensor *, struct tensor *))
{
    char suffix[SUFFIX_SIZE];
    if (!x)
        return NULL;
    snprintf(suffix, sizeof suffix, "%s.weight", name);
    struct tensor *weight = block_parameter(block, suffix, role, 2, (const int64_t[]){out, x->width});
    struct tensor *bias = NULL;
    if (block->model->bias) {
        snprintf(suffix, sizeof suffix, "%s.bias", name);
        bias = block_parameter(block, suffix, ROLE_BIAS, 1, &out);
    }
    return multiply(block->graph, x, weight, bias);
}

struct tensor *block_linear(const struct block *block, struct tensor *x, const char *name, enum parameter_role role,
                            int64_t out)
{
    return project(block, x, name, role, out, op_linear);
}

struct tensor *block_linear_of_scores(const struct block *block, struct tensor *x, const char *name, int64_t out)
{
    return project(block, x, name, ROLE_MATRIX, out, op_linear_of_scores);
}

// Nodes that a component adds carry its name, for profiles and messages.
static const char *stamp(const struct block *block, const struct choice *choice)
{
    struct graph *graph = block->graph;
    const char *before = graph->component;
    graph->component = arena_format(&graph->arena, "%s/%s", slot_facts[choice->component->slot].name, choice->component->name);
    graph->layer = block->layer;
    return before;
}

struct tensor *block_norm(const struct block *block, struct tensor *x, const char *name)
{
    const struct choice *norm = run_choice(block->run, SLOT_NORM, block->layer);
    const char *before = stamp(block, norm);
    struct tensor *y = x ? norm->component->norm.build(block, &norm->options, x, name) : NULL;
    block->graph->component = before;
    return y;
}

static struct tensor *drop(const struct block *block, struct tensor *x, const char *branch)
{
    const struct choice *dropout = run_choice(block->run, SLOT_DROPOUT, block->layer);
    char name[TENSOR_NAME_SIZE];
    if (!dropout->component || !x)
        return x;
    parameter_name(block, branch, name);
    const char *before = stamp(block, dropout);
    x = op_dropout(block->graph, x, dropout->component->coefficient.value(&dropout->options), name);
    block->graph->component = before;
    return x;
}

struct tensor *block_attention(const struct block *block, struct tensor *x)
{
    const struct choice *attention = run_choice(block->run, SLOT_ATTENTION, block->layer);
    const struct attention_calls *calls = &attention->component->attention;
    const char *before = stamp(block, attention);
    struct tensor *y = NULL;
    if (x)
        y = calls->build ? calls->build(block, &attention->options, x)
                         : block_standard_attention(block, attention->component, &attention->options, x);
    y = drop(block, y, "self_attn");
    block->graph->component = before;
    return y;
}

struct tensor *block_ffn(const struct block *block, struct tensor *x)
{
    const struct choice *ffn = run_choice(block->run, SLOT_FFN, block->layer);
    const char *before = stamp(block, ffn);
    struct tensor *y = x ? ffn->component->ffn.build(block, &ffn->options, x) : NULL;
    y = drop(block, y, "mlp");
    block->graph->component = before;
    return y;
}

struct tensor *block_embedding_dropout(const struct block *block, struct tensor *x) { return drop(block, x, "embed"); }

// Schedules depend on the pattern and its options, and on what is the same in a whole graph: layers that agree share one.
struct schedule_entry {
    struct schedule_entry *next;
    const struct attention_pattern *pattern;
    unsigned char options[OPTIONS_SIZE_MAX];
    struct attention_schedule schedule;
};

static const struct attention_schedule *schedule_of(const struct block *block, const struct attention_pattern *pattern,
                                                    const void *options, size_t options_size)
{
    struct graph *graph = block->graph;
    for (struct schedule_entry *entry = graph->schedules; entry; entry = entry->next)
        if (entry->pattern == pattern && !memcmp(entry->options, options, options_size))
            return &entry->schedule;
    struct schedule_entry *entry = arena_allocate(&graph->arena, 1, sizeof *entry);
    struct error reason = {0};
    entry->pattern = pattern;
    memcpy(entry->options, options, options_size);
    const struct attention_layout layout = {graph->time, block->model->n_head, block->model->causal};
    if (!attention_schedule_open(&entry->schedule, pattern, entry->options, &layout, &graph->arena, &reason)) {
        graph_refuse(graph, "%.*s", (int)strcspn(reason.text, "\n"), reason.text);
        return NULL;
    }
    entry->next = graph->schedules;
    graph->schedules = entry;
    return &entry->schedule;
}

static struct tensor *prepare(const struct block *block, struct tensor *x, const char *norm_name)
{
    const struct choice *norm = run_choice(block->run, SLOT_QK_NORM, block->layer);
    const struct choice *position = run_choice(block->run, SLOT_POSITION, block->layer);
    const char *before = block->graph->component;
    if (x && norm->component) {
        stamp(block, norm);
        x = norm->component->norm.build(block, &norm->options, x, norm_name);
    }
    if (x && position->component && position->component->position.rotate) {
        stamp(block, position);
        x = position->component->position.rotate(block, &position->options, x);
    }
    block->graph->component = before;
    return x;
}

static const double *slopes_of(const struct block *block)
{
    const struct choice *position = run_choice(block->run, SLOT_POSITION, block->layer);
    if (!position->component || !position->component->position.slope)
        return NULL;
    double *slopes = arena_allocate(&block->graph->arena, (size_t)block->model->n_head, sizeof *slopes);
    for (int64_t head = 0; head < block->model->n_head; head++)
        slopes[head] = position->component->position.slope(&position->options, head, block->model->n_head);
    return slopes;
}

struct tensor *block_scored(const struct block *block, struct tensor *x, const char *which, const char *set, int64_t heads)
{
    char projection[SUFFIX_SIZE], norm[SUFFIX_SIZE];
    snprintf(projection, sizeof projection, "self_attn.%s%s_proj", which, set);
    snprintf(norm, sizeof norm, "self_attn.%s%s_norm", which, set);
    return prepare(block, block_linear_of_scores(block, x, projection, heads * block->model->head_dim), norm);
}

// What every attention of the run's layer has, but for its schedule.
static struct attention attention_of(const struct block *block)
{
    const struct choice *softcap = run_choice(block->run, SLOT_ATTN_SOFTCAP, block->layer);
    return (struct attention){
        .n_head = block->model->n_head,
        .kv_heads = block->kv_heads,
        .head_dim = block->model->head_dim,
        .softcap = softcap->component ? softcap->component->softcap.cap(&softcap->options) : 0,
        .slopes = slopes_of(block),
        .explicit_scores = block->graph->explicit_attention,
    };
}

struct tensor *block_mix(const struct block *block, const struct component *self, const void *options,
                         const struct attention_pattern *pattern, struct tensor *query, struct tensor *key,
                         struct tensor *value)
{
    struct attention attention = attention_of(block);
    attention.schedule = schedule_of(block, pattern, options, self->options_size);
    return attention.schedule ? op_attention(block->graph, query, key, value, &attention) : NULL;
}

struct tensor *block_mix_hashed(const struct block *block, const struct lsh *lsh, struct tensor *query, struct tensor *key,
                                struct tensor *value, struct tensor *buckets)
{
    struct arena *arena = &block->graph->arena;
    struct attention attention = attention_of(block);
    const struct attention_layout layout = {block->graph->time, block->model->n_head, block->model->causal};
    struct attention_schedule *schedule = arena_allocate(arena, 1, sizeof *schedule);
    struct lsh *kept = arena_allocate(arena, 1, sizeof *kept);
    *kept = *lsh;
    lsh_schedule_plan(schedule, kept, &layout, arena);
    attention.schedule = schedule;
    attention.lsh = kept;
    return op_hashed_attention(block->graph, query, key, value, buckets, &attention);
}

struct tensor *block_attend(const struct block *block, const struct component *self, const void *options,
                            const struct attention_pattern *pattern, const char *set, struct tensor *x)
{
    char values[SUFFIX_SIZE];
    snprintf(values, sizeof values, "self_attn.v%s_proj", set);
    struct tensor *query = block_scored(block, x, "q", set, block->model->n_head);
    struct tensor *key = block_scored(block, x, "k", set, block->kv_heads);
    struct tensor *value = block_linear(block, x, values, ROLE_MATRIX, block->kv_heads * block->model->head_dim);
    return block_mix(block, self, options, pattern, query, key, value);
}

struct tensor *block_standard_attention(const struct block *block, const struct component *self, const void *options,
                                        struct tensor *x)
{
    struct tensor *mixed = block_attend(block, self, options, &self->attention.pattern, "", x);
    return block_linear(block, mixed, "self_attn.o_proj", ROLE_BRANCH_OUT, block->model->d_model);
}
