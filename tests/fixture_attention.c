// fixture_attention.c: see fixture_attention.h.
#include "fixture_attention.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

// ---- Patterns ---------------------------------------------------------------------------------------------------------------

const int64_t lengths[LENGTHS] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};

// The design's formulas, pair by pair. `age` is i - j, and |i - j| where later keys are seen too.
static bool full_sees(const void *options, int64_t head, int64_t i, int64_t j, int64_t age)
{
    (void)options, (void)head, (void)i, (void)j, (void)age;
    return true;
}
static bool sliding_sees(const void *options, int64_t head, int64_t i, int64_t j, int64_t age)
{
    (void)i, (void)j;
    const struct sliding *sliding = options;
    int64_t dilation = head < sliding->dilated_heads ? sliding->dilation : 1;
    return age % dilation == 0 && age / dilation < sliding->window;
}
static bool longformer_sees(const void *options, int64_t head, int64_t i, int64_t j, int64_t age)
{
    (void)head;
    const struct longformer *longformer = options;
    return age < longformer->window || j < longformer->globals || i < longformer->globals;
}
static bool strided_sees(const void *options, int64_t head, int64_t i, int64_t j, int64_t age)
{
    (void)head, (void)i, (void)j;
    const struct strided *strided = options;
    return age < strided->stride || age % strided->stride == 0;
}
static bool fixed_sees(const void *options, int64_t head, int64_t i, int64_t j, int64_t age)
{
    (void)head, (void)age;
    const struct fixed *fixed = options;
    return i / fixed->stride == j / fixed->stride || j % fixed->stride >= fixed->stride - fixed->summary;
}

#define SLIDING(...)                                                                                                           \
    "sliding(" #__VA_ARGS__ ")", &attention_sliding.attention.pattern, &(const struct sliding){__VA_ARGS__}, sliding_sees, true
#define LONGFORMER(...)                                                                                                        \
    "longformer(" #__VA_ARGS__ ")", &attention_longformer.attention.pattern, &(const struct longformer){__VA_ARGS__},          \
        longformer_sees, true
#define STRIDED(...)                                                                                                           \
    "strided(" #__VA_ARGS__ ")", &attention_strided.attention.pattern, &(const struct strided){__VA_ARGS__}, strided_sees, false
#define FIXED(...)                                                                                                             \
    "fixed(" #__VA_ARGS__ ")", &attention_fixed.attention.pattern, &(const struct fixed){__VA_ARGS__}, fixed_sees, false
const struct pattern_case pattern_cases[] = {
    {"full", &attention_full.attention.pattern, NULL, full_sees, true},
    {SLIDING(1, 1, 9)},
    {SLIDING(5, 1, 9)},
    {SLIDING(64, 1, 9)},
    {SLIDING(1000, 1, 9)},
    {SLIDING(7, 3, 9)},
    {SLIDING(3, 16, 9)},
    {SLIDING(5, 4, 2)},
    {SLIDING(3, 70, 1)},
    {SLIDING(6, 5, 0)},
    {LONGFORMER(5, 2, 0)},
    {LONGFORMER(1, 1, 0)},
    {LONGFORMER(4, 40, 0)},
    {LONGFORMER(64, 1, 0)},
    {LONGFORMER(9, 0, 0)},
    {LONGFORMER(3, 1000, 0)},
    {STRIDED(1)},
    {STRIDED(4)},
    {STRIDED(5)},
    {STRIDED(32)},
    {STRIDED(70)},
    {STRIDED(1000)},
    {FIXED(1, 1)},
    {FIXED(6, 2)},
    {FIXED(16, 4)},
    {FIXED(33, 33)},
    {FIXED(64, 1)},
    {FIXED(1000, 3)},
    {.name = NULL},
};

bool pattern_sees(const struct pattern_case *at, bool bidirectional, int64_t head, int64_t i, int64_t j)
{
    if (bidirectional)
        return at->sees(at->options, head, i, j, i > j ? i - j : j - i);
    return j <= i && at->sees(at->options, head, i, j, i - j);
}

// ---- One attention node -----------------------------------------------------------------------------------------------------

static bool plan_source(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, *(const int64_t *)node->attributes);
    return true;
}
static const struct op source = {.name = "source", .attributes_size = sizeof(int64_t), .plan = plan_source};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

double bench_get(enum real real, const void *array, int64_t i)
{
    return real == REAL_FLOAT ? (double)((const float *)array)[i] : ((const double *)array)[i];
}
static void set(enum real real, void *array, int64_t i, double value)
{
    if (real == REAL_FLOAT)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

static const struct tensor *tensor_of(const struct bench *bench, enum array array)
{
    return array == OUTPUT ? bench->node->outputs[0] : bench->node->inputs[array];
}
int64_t bench_count(const struct bench *bench, enum array array) { return bench->rows * tensor_of(bench, array)->width; }
void *bench_values(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->offset;
}
void *bench_gradients(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->gradient_offset;
}

static void fill(struct bench *bench)
{
    memset(bench->arena, 0xff, bench->arena_bytes);
    memset(bench->workspace, 0xff, bench->node->workspace);
    uint64_t state = 7;
    for (enum array array = QUERY; array <= OUTPUT; array++)
        for (int64_t i = 0; i < bench_count(bench, array); i++) {
            double value = (float)((2 * uniform(&state) - 1) * (array <= KEY ? 2 : 1));
            set(bench->graph.real, array == OUTPUT ? bench_gradients(bench, array) : bench_values(bench, array), i, value);
        }
}

void bench_open(struct bench *bench, const struct setup *setup)
{
    memset(bench, 0, sizeof *bench);
    struct graph *graph = &bench->graph;
    bench->rows = setup->sequences * setup->time;
    graph_open(graph, GRAPH_TRAIN, setup->real, setup->sequences, setup->time, &bench->parameters, &bench->error);
    graph->way = gemm_rule(GEMM_AUTO, setup->bf16 ? GEMM_BF16 : GEMM_REAL);
    const struct attention_layout layout = {setup->time, setup->n_head, !setup->bidirectional};
    cr_assert(attention_schedule_open(&bench->schedule, setup->pattern, setup->options, &layout, &graph->arena, &bench->error),
              "%s", bench->error.text);
    for (int64_t head = 0; head < setup->n_head; head++)
        bench->slopes[head] = exp2(-8.0 * (double)(head + 1) / (double)setup->n_head);
    struct attention attention = {.n_head = setup->n_head,
                                  .kv_heads = setup->kv_heads,
                                  .head_dim = setup->head_dim,
                                  .schedule = &bench->schedule,
                                  .softcap = setup->softcap,
                                  .slopes = setup->alibi ? bench->slopes : NULL,
                                  .explicit_scores = setup->explicit_scores};
    struct tensor *inputs[3];
    for (int i = 0; i < 3; i++) {
        int64_t width = setup->head_dim * (i ? setup->kv_heads : setup->n_head);
        inputs[i] = graph_op(graph, &source, &width, NULL, 0);
        inputs[i]->wants_gradient = true;
    }
    struct tensor *output = op_attention(graph, inputs[0], inputs[1], inputs[2], &attention);
    cr_assert(output, "%s", bench->error.text);
    bench->node = output->producer;
    for (int i = 0; i < graph->tensor_count; i++) {
        size_t bytes = size_align((size_t)(bench->rows * graph->tensors[i]->width) * real_size(setup->real));
        graph->tensors[i]->offset = bench->arena_bytes;
        graph->tensors[i]->gradient_offset = bench->arena_bytes + bytes;
        bench->arena_bytes += 2 * bytes;
    }
    cr_assert(memory_large(&bench->arena, bench->arena_bytes, "the arena", &bench->error));
    cr_assert(memory_large(&bench->workspace, bench->node->workspace, "the workspace", &bench->error));
    bench->lane = (struct lane){
        .graph = graph, .arena = bench->arena, .workspace = bench->workspace, .parts = 1, .first_pass = true, .training = true};
    fill(bench);
}

void bench_close(struct bench *bench)
{
    memory_large_free(bench->arena, bench->arena_bytes);
    memory_large_free(bench->workspace, bench->node->workspace);
    graph_close(&bench->graph);
}

void bench_forward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->forward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}
void bench_backward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->backward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}
