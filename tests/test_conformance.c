// test_conformance.c: every registered component conforms, and conformance notices a component that does not.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "check/conformance.h"
#include "registry/run.h"
#include "tensor/ops/op.h"

struct seen {
    int held, failed, not_tried;
    char last_failure[256];
};

static void note(void *context, const struct component *component, const struct finding *finding)
{
    struct seen *seen = context;
    seen->held += finding->verdict == CONFORMS;
    seen->failed += finding->verdict == FAILS;
    seen->not_tried += finding->verdict == NOT_TRIED;
    if (finding->verdict == FAILS)
        snprintf(seen->last_failure, sizeof seen->last_failure, "%s/%s: %s: %.160s", slot_facts[component->slot].name,
                 component->name, finding->property, finding->seen);
}

Test(conformance, every_component_conforms, .timeout = 300)
{
    struct arena arena = {0};
    for (const struct component *const *list = registry_list(); *list; list++) {
        struct seen seen = {0};
        cr_expect(conformance_check(*list, &arena, note, &seen), "%s", seen.last_failure);
        cr_expect_eq(seen.not_tried, 0, "%s/%s: some properties could not be tried", slot_facts[(*list)->slot].name,
                     (*list)->name);
    }
    arena_close(&arena);
}

// ---- Components with one planted fault each; the named property must be the one to fail.

static void sees_the_future(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    (void)view, (void)position;
    span_list_add(keys, 0, place + 2);
}
static const struct component peeking = {
    .slot = SLOT_ATTENTION,
    .name = "peeking",
    .version = 1,
    .summary = "sees one key too many",
    .attention = {.pattern = {.spans = sees_the_future}},
};

Test(conformance, a_glance_at_the_next_token_is_noticed)
{
    struct arena arena = {0};
    struct seen seen = {0};
    struct error error = {0};
    cr_assert(registry_add(&peeking, &error), "%s", error.text);
    cr_expect_not(conformance_check(&peeking, &arena, note, &seen));
    cr_expect(strstr(seen.last_failure, "prefix") || strstr(seen.last_failure, "causality"), "%s", seen.last_failure);
    arena_close(&arena);
}

// A sum whose gradient is twice what it should be.
static bool plan_doubled(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, node->inputs[0]->width);
    return true;
}
static struct cost cost_of_copy(const struct node *node, int64_t sequences, int64_t time)
{
    return op_elementwise_cost(node, sequences, time, 0, 1);
}
static void copy(const struct node *node, struct span rows, struct lane *lane)
{
    size_t size = real_size(lane->graph->real), width = (size_t)node->outputs[0]->width * size;
    memcpy((char *)lane_output(node, 0, lane) + (size_t)rows.begin * width,
           (const char *)lane_input(node, 0, lane) + (size_t)rows.begin * width, (size_t)(rows.end - rows.begin) * width);
}
static void doubled_gradient(const struct node *node, struct span rows, struct lane *lane)
{
    int64_t width = node->outputs[0]->width;
    for (int64_t i = rows.begin * width; i < rows.end * width; i++) {
        if (lane->graph->real == REAL_FLOAT)
            ((float *)lane_input_gradient(node, 0, lane))[i] = 2 * ((const float *)lane_output_gradient(node, 0, lane))[i];
        else
            ((double *)lane_input_gradient(node, 0, lane))[i] = 2 * ((const double *)lane_output_gradient(node, 0, lane))[i];
    }
}
static const struct kernels doubled_kernels = {copy, doubled_gradient, NULL};
static const struct op doubled = {
    .name = "doubled",
    .plan = plan_doubled,
    .cost = cost_of_copy,
    .kernels = {&doubled_kernels, &doubled_kernels},
};
static struct tensor *build_doubled(const struct block *block, const void *options, struct tensor *x)
{
    struct tensor *y = ffn_plain(block, options, x, op_gelu);
    return graph_op(block->graph, &doubled, NULL, &y, 1);
}
static const struct component wrong_gradient = {
    .slot = SLOT_FFN,
    .name = "wrong_gradient",
    .version = 1,
    .summary = "its gradient is twice what it should be",
    .options = ffn_plain_options,
    .options_size = sizeof(struct ffn_width),
    .ffn = {.build = build_doubled},
};

Test(conformance, a_wrong_gradient_is_noticed)
{
    struct arena arena = {0};
    struct seen seen = {0};
    struct error error = {0};
    cr_assert(registry_add(&wrong_gradient, &error), "%s", error.text);
    cr_expect_not(conformance_check(&wrong_gradient, &arena, note, &seen));
    cr_expect(strstr(seen.last_failure, "gradients"), "%s", seen.last_failure);
    cr_expect_eq(seen.failed, 1, "%d properties fail", seen.failed);
    arena_close(&arena);
}
