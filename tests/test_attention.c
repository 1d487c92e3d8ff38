// test_attention.c: the tiled attention op against the explicit reference, the reference against formulas and differences.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "registry/component.h"
#include "tensor/lane.h"

extern const struct component attention_full, attention_sliding;

// The options of attention/sliding, in the order of its table.
struct sliding {
    int64_t window, dilation;
};

// ---- A pattern of two passes, for the tests alone: the last 4 keys, then every 4th key before them --------------------------

static void strided_order(const void *options, int pass, int64_t time, int32_t *order)
{
    (void)options;
    int64_t place = 0, step = pass == 0 ? 1 : 4;
    for (int64_t residue = 0; residue < step; residue++)
        for (int64_t position = residue; position < time; position += step)
            order[place++] = (int32_t)position;
}

static void strided_spans(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)options, (void)time;
    span_list_add(keys, pass == 0 ? queries.begin - 3 : 0, queries.end);
}

static bool strided_sees(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options;
    int64_t age = query - key;
    return pass == 0 ? age >= 0 && age < 4 : age >= 4 && age % 4 == 0;
}

static const struct attention_pattern strided = {.passes = 2,
                                                 .order = strided_order,
                                                 .spans = strided_spans,
                                                 .sees = strided_sees};

// ---- One attention node with arrays of its own -------------------------------------------------------------------------------

static bool plan_source(struct graph *graph, struct node *node, struct error *error)
{
    (void)error;
    graph_output(graph, node, *(const int64_t *)node->attributes);
    return true;
}
static const struct op source = {.name = "source", .attributes_size = sizeof(int64_t), .plan = plan_source};

struct setup {
    enum real real;
    bool explicit_scores;
    int64_t sequences, time, n_head, kv_heads, head_dim;
    double softcap;
    bool alibi;
    const struct attention_pattern *pattern;
    const void *options;
};

enum array { QUERY, KEY, VALUE, OUTPUT, ARRAYS };
struct bench {
    struct graph graph;
    struct parameters parameters;
    struct error error;
    struct attention_schedule schedule;
    double slopes[16];
    const struct node *node;
    struct lane lane;
    void *arena, *workspace;
    size_t arena_bytes;
    int64_t rows;
};

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static double get(enum real real, const void *array, int64_t i)
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
static int64_t count_of(const struct bench *bench, enum array array) { return bench->rows * tensor_of(bench, array)->width; }
static void *values(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->offset;
}
static void *gradients(const struct bench *bench, enum array array)
{
    return (char *)bench->arena + tensor_of(bench, array)->gradient_offset;
}

// Everything starts as NaN, the workspace too; then inputs and the output's gradient get values that do not depend on the type.
static void fill(struct bench *bench)
{
    memset(bench->arena, 0xff, bench->arena_bytes);
    memset(bench->workspace, 0xff, bench->node->workspace);
    uint64_t state = 7;
    for (enum array array = QUERY; array <= OUTPUT; array++)
        for (int64_t i = 0; i < count_of(bench, array); i++) {
            double value = (float)((2 * uniform(&state) - 1) * (array <= KEY ? 2 : 1));
            set(bench->graph.real, array == OUTPUT ? gradients(bench, array) : values(bench, array), i, value);
        }
}

static void bench_open(struct bench *bench, const struct setup *setup)
{
    memset(bench, 0, sizeof *bench);
    struct graph *graph = &bench->graph;
    bench->rows = setup->sequences * setup->time;
    graph_open(graph, GRAPH_TRAIN, setup->real, setup->sequences, setup->time, &bench->parameters, &bench->error);
    cr_assert(attention_schedule_open(&bench->schedule, setup->pattern, setup->options, setup->time, &graph->arena,
                                      &bench->error),
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
    bench->lane = (struct lane){.graph = graph,
                                .arena = bench->arena,
                                .workspace = bench->workspace,
                                .sequences = setup->sequences,
                                .first_pass = true,
                                .training = true};
    fill(bench);
}

static void bench_close(struct bench *bench)
{
    memory_large_free(bench->arena, bench->arena_bytes);
    memory_large_free(bench->workspace, bench->node->workspace);
    graph_close(&bench->graph);
}

static void forward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->forward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}
static void backward(struct bench *bench)
{
    bench->node->op->kernels[bench->graph.real]->backward(bench->node, (struct span){0, bench->rows}, &bench->lane);
}

// max |got - want| / max |want|; NaN counts as infinite.
static double distance(const struct bench *got, const void *got_array, const struct bench *want, const void *want_array,
                       int64_t count)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double w = get(want->graph.real, want_array, i), g = get(got->graph.real, got_array, i);
        double d = fabs(g - w);
        worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
        largest = fmax(largest, fabs(w));
    }
    return largest > 0 ? worst / largest : worst;
}

static const char *const array_names[] = {"query", "key", "value", "output"};

// Output and gradients of the tiled op in `real` against the explicit one in double.
static void compare(struct setup setup, double tolerance)
{
    struct bench got, want;
    bench_open(&got, &setup);
    setup.real = REAL_DOUBLE;
    setup.explicit_scores = true;
    bench_open(&want, &setup);
    forward(&got), forward(&want), backward(&got), backward(&want);
    for (enum array array = QUERY; array < ARRAYS; array++) {
        bool value = array == OUTPUT;
        double error = distance(&got, value ? values(&got, array) : gradients(&got, array), &want,
                                value ? values(&want, array) : gradients(&want, array), count_of(&got, array));
        // At T = 1 the weights are 1 and the gradients of queries and keys are zero but for rounding.
        if (setup.time == 1 && array <= KEY)
            error = fabs(get(got.graph.real, gradients(&got, array), 0)) > 1e-6;
        cr_expect(error <= tolerance, "%s%s differs by %.2e: T %lld, head_dim %lld, %lld heads on %lld, cap %g, alibi %d",
                  array_names[array], value ? "" : " gradient", error, (long long)setup.time, (long long)setup.head_dim,
                  (long long)setup.n_head, (long long)setup.kv_heads, setup.softcap, setup.alibi);
    }
    bench_close(&got);
    bench_close(&want);
}

static const int64_t lengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};
enum { LENGTHS = sizeof lengths / sizeof *lengths };
static const struct sliding windows[] = {{1, 1}, {5, 1}, {64, 1}, {7, 3}, {3, 16}, {1000, 1}};
enum { WINDOWS = sizeof windows / sizeof *windows };

// Tile edges lie between these lengths, and head widths below, at and between whole vectors.
Test(attention, tiled_equals_explicit_at_tile_edges)
{
    static const int64_t head_dims[] = {1, 4, 8, 32, 40, 64};
    for (int i = 0; i < LENGTHS; i++)
        for (size_t j = 0; j < sizeof head_dims / sizeof *head_dims; j++)
            for (enum real real = REAL_FLOAT; real <= REAL_DOUBLE; real++)
                compare((struct setup){.real = real,
                                       .sequences = 2,
                                       .time = lengths[i],
                                       .n_head = 2,
                                       .kv_heads = 2,
                                       .head_dim = head_dims[j],
                                       .pattern = &attention_full.attention.pattern},
                        real == REAL_FLOAT ? 1e-5 : 1e-13);
}

// Heads that share keys, the soft cap and alibi in all combinations: each changes the chain of derivatives.
Test(attention, tiled_equals_explicit_with_every_modifier)
{
    for (int i = 0; i < LENGTHS; i++)
        for (int flags = 0; flags < 16; flags++)
            compare((struct setup){.real = flags & 8 ? REAL_DOUBLE : REAL_FLOAT,
                                   .sequences = 1,
                                   .time = lengths[i],
                                   .n_head = 4,
                                   .kv_heads = flags & 1 ? 2 : 4,
                                   .head_dim = 8,
                                   .softcap = flags & 2 ? 1.5 : 0,
                                   .alibi = flags & 4,
                                   .pattern = &attention_full.attention.pattern},
                    flags & 8 ? 1e-13 : 1e-5);
}

// Windows and dilations leave gaps in tiles; the order by residues moves rows.
Test(attention, tiled_equals_explicit_over_windows)
{
    for (int i = 0; i < LENGTHS; i++)
        for (int j = 0; j < WINDOWS; j++)
            for (enum real real = REAL_FLOAT; real <= REAL_DOUBLE; real++)
                compare((struct setup){.real = real,
                                       .sequences = 2,
                                       .time = lengths[i],
                                       .n_head = 4,
                                       .kv_heads = 2,
                                       .head_dim = 16,
                                       .alibi = j % 2,
                                       .options = &windows[j],
                                       .pattern = &attention_sliding.attention.pattern},
                        real == REAL_FLOAT ? 1e-5 : 1e-13);
}

// A second pass goes on where the first left output and log-sum-exp; together they are one softmax.
Test(attention, passes_continue_one_softmax)
{
    for (int i = 0; i < LENGTHS; i++)
        for (enum real real = REAL_FLOAT; real <= REAL_DOUBLE; real++)
            compare((struct setup){.real = real,
                                   .sequences = 2,
                                   .time = lengths[i],
                                   .n_head = 4,
                                   .kv_heads = 2,
                                   .head_dim = 16,
                                   .softcap = 2,
                                   .alibi = true,
                                   .pattern = &strided},
                    real == REAL_FLOAT ? 1e-5 : 1e-13);
}

static void all_spans(const void *options, int pass, struct span queries, int64_t time, struct span_list *keys)
{
    (void)options, (void)pass, (void)queries;
    span_list_add(keys, 0, time);
}
static bool everything(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options, (void)pass, (void)query, (void)key;
    return true;
}
static const struct attention_pattern bidirectional = {.spans = all_spans, .sees = everything};

// Nothing in the kernel knows that time has a direction: alibi's distance is |i - j|.
Test(attention, queries_may_see_later_keys)
{
    for (int i = 0; i < LENGTHS; i++)
        compare((struct setup){.sequences = 2,
                               .time = lengths[i],
                               .n_head = 2,
                               .kv_heads = 1,
                               .head_dim = 16,
                               .alibi = true,
                               .pattern = &bidirectional},
                1e-5);
}

// Values by hand: head_dim 4 halves q.k; scores (ln 3, 0) give weights 3/4 and 1/4.
Test(attention, explicit_follows_the_formula)
{
    struct bench bench;
    bench_open(&bench, &(struct setup){.real = REAL_DOUBLE,
                                       .explicit_scores = true,
                                       .sequences = 1,
                                       .time = 2,
                                       .n_head = 1,
                                       .kv_heads = 1,
                                       .head_dim = 4,
                                       .pattern = &attention_full.attention.pattern});
    memcpy(values(&bench, QUERY), (double[]){9, 9, 9, 9, 2, 0, 0, 0}, 8 * sizeof(double));
    memcpy(values(&bench, KEY), (double[]){log(3), 1, 1, 1, 0, 1, 1, 1}, 8 * sizeof(double));
    memcpy(values(&bench, VALUE), (double[]){4, 8, 0, 0, 0, 4, 0, 8}, 8 * sizeof(double));
    forward(&bench);
    const double want[] = {4, 8, 0, 0, 3, 7, 0, 2}, *got = values(&bench, OUTPUT);
    for (int i = 0; i < 8; i++)
        cr_expect_float_eq(got[i], want[i], 1e-14, "element %d is %.17g, not %g", i, got[i], want[i]);
    cr_expect_float_eq(((const double *)lane_saved(bench.node, &bench.lane))[1], log(4), 1e-14);
    bench_close(&bench);
}

// sum(output * its gradient): what the gradients differentiate.
static double objective(struct bench *bench)
{
    double sum = 0;
    forward(bench);
    for (int64_t i = 0; i < count_of(bench, OUTPUT); i++)
        sum += ((double *)values(bench, OUTPUT))[i] * ((double *)gradients(bench, OUTPUT))[i];
    return sum;
}

Test(attention, explicit_gradients_equal_central_differences)
{
    struct bench bench;
    const double step = 1e-5;
    bench_open(&bench, &(struct setup){.real = REAL_DOUBLE,
                                       .explicit_scores = true,
                                       .sequences = 2,
                                       .time = 7,
                                       .n_head = 4,
                                       .kv_heads = 2,
                                       .head_dim = 3,
                                       .softcap = 1.5,
                                       .alibi = true,
                                       .options = &windows[1],
                                       .pattern = &attention_sliding.attention.pattern});
    forward(&bench), backward(&bench);
    for (enum array array = QUERY; array <= VALUE; array++)
        for (int64_t i = 0; i < count_of(&bench, array); i++) {
            double *value = (double *)values(&bench, array) + i, before = *value;
            double got = ((double *)gradients(&bench, array))[i];
            *value = before + step;
            double above = objective(&bench);
            *value = before - step;
            double want = (above - objective(&bench)) / (2 * step);
            *value = before;
            cr_expect(fabs(got - want) < 1e-8, "%s %lld: gradient %.12g, difference %.12g", array_names[array], (long long)i,
                      got, want);
        }
    bench_close(&bench);
}

// What a query cannot see must not change a bit of its output, however large; else the past would know of the future.
Test(attention, later_tokens_change_no_bit_of_earlier_outputs)
{
    for (int i = 1; i < LENGTHS; i++)
        for (int64_t change = 1; change < lengths[i]; change += 1 + lengths[i] / 5) {
            struct bench before, after;
            struct setup setup = {.sequences = 1,
                                  .time = lengths[i],
                                  .n_head = 2,
                                  .kv_heads = 1,
                                  .head_dim = 16,
                                  .pattern = &attention_full.attention.pattern};
            bench_open(&before, &setup);
            bench_open(&after, &setup);
            for (enum array array = KEY; array <= VALUE; array++)
                for (int64_t k = change * 16; k < lengths[i] * 16; k++)
                    ((float *)values(&after, array))[k] = k % 2 ? 1e30f : -1e30f;
            forward(&before), forward(&after);
            cr_expect(!memcmp(values(&before, OUTPUT), values(&after, OUTPUT), (size_t)change * 32 * sizeof(float)),
                      "T %lld: keys from %lld on reach earlier queries", (long long)lengths[i], (long long)change);
            bench_close(&before);
            bench_close(&after);
        }
}

// The start of a sequence gives the same bits alone: tiles begin at the same places whatever follows.
Test(attention, a_prefix_equals_the_beginning_of_the_whole)
{
    for (int i = 0; i + 1 < LENGTHS; i++)
        for (int windowed = 0; windowed < 2; windowed++) {
            struct bench prefix, whole;
            const struct sliding window = {20, 1};
            struct setup setup = {.sequences = 1,
                                  .time = lengths[i],
                                  .n_head = 2,
                                  .kv_heads = 2,
                                  .head_dim = 8,
                                  .options = &window,
                                  .pattern =
                                      windowed ? &attention_sliding.attention.pattern : &attention_full.attention.pattern};
            bench_open(&prefix, &setup);
            setup.time = 130;
            bench_open(&whole, &setup);
            for (enum array array = QUERY; array <= VALUE; array++)
                memcpy(values(&prefix, array), values(&whole, array), (size_t)count_of(&prefix, array) * sizeof(float));
            forward(&prefix), forward(&whole);
            cr_expect(!memcmp(values(&prefix, OUTPUT), values(&whole, OUTPUT),
                              (size_t)count_of(&prefix, OUTPUT) * sizeof(float)),
                      "the first %lld outputs of 130 differ", (long long)lengths[i]);
            bench_close(&prefix);
            bench_close(&whole);
        }
}

// Batches are cut into lanes and passes at will: a sequence's bits may not depend on who is beside it.
Test(attention, a_sequence_in_a_batch_equals_itself_alone)
{
    struct bench batch, alone;
    struct setup setup = {.sequences = 3,
                          .time = 45,
                          .n_head = 4,
                          .kv_heads = 2,
                          .head_dim = 24,
                          .softcap = 3,
                          .alibi = true,
                          .pattern = &attention_full.attention.pattern};
    bench_open(&batch, &setup);
    setup.sequences = 1;
    bench_open(&alone, &setup);
    for (enum array array = QUERY; array < ARRAYS; array++) {
        size_t bytes = (size_t)count_of(&alone, array) * sizeof(float);
        if (array == OUTPUT)
            memcpy(gradients(&alone, array), (char *)gradients(&batch, array) + 2 * bytes, bytes);
        else
            memcpy(values(&alone, array), (char *)values(&batch, array) + 2 * bytes, bytes);
    }
    forward(&batch), forward(&alone), backward(&batch), backward(&alone);
    for (enum array array = QUERY; array < ARRAYS; array++) {
        size_t bytes = (size_t)count_of(&alone, array) * sizeof(float);
        cr_expect(!memcmp(array == OUTPUT ? values(&alone, array) : gradients(&alone, array),
                          (char *)(array == OUTPUT ? values(&batch, array) : gradients(&batch, array)) + 2 * bytes, bytes),
                  "%s of the third sequence differs", array_names[array]);
    }
    bench_close(&batch);
    bench_close(&alone);
}

// Another user of a tensor may have written its gradient first.
Test(attention, gradients_are_added_where_the_plan_says_so)
{
    for (int explicit_scores = 0; explicit_scores < 2; explicit_scores++) {
        struct bench written, added;
        struct setup setup = {.real = REAL_DOUBLE,
                              .explicit_scores = explicit_scores,
                              .sequences = 1,
                              .time = 33,
                              .n_head = 2,
                              .kv_heads = 1,
                              .head_dim = 5,
                              .pattern = &strided};
        bench_open(&written, &setup);
        bench_open(&added, &setup);
        for (enum array array = QUERY; array <= VALUE; array++) {
            ((struct node *)added.node)->accumulate[array] = true;
            for (int64_t i = 0; i < count_of(&added, array); i++)
                ((double *)gradients(&added, array))[i] = 100;
        }
        forward(&written), forward(&added), backward(&written), backward(&added);
        for (enum array array = QUERY; array <= VALUE; array++)
            for (int64_t i = 0; i < count_of(&added, array); i++) {
                double got = ((double *)gradients(&added, array))[i], want = ((double *)gradients(&written, array))[i] + 100;
                cr_assert(fabs(got - want) < 1e-11, "%s %lld: %g, not %g", array_names[array], (long long)i, got, want);
            }
        bench_close(&written);
        bench_close(&added);
    }
}

// Model FLOPs are stated once, in cost; what the kernels count while they run must be that.
Test(attention, counted_flops_equal_the_formula)
{
    struct bench bench;
    bench_open(&bench, &(struct setup){.sequences = 3,
                                       .time = 50,
                                       .n_head = 4,
                                       .kv_heads = 2,
                                       .head_dim = 8,
                                       .pattern = &attention_full.attention.pattern});
    forward(&bench);
    cr_expect_eq(bench.lane.counted_flops, 4.0 * 8 * (50 * 51 / 2) * 4 * 3);
    backward(&bench);
    cr_expect_eq(bench.lane.counted_flops, 12.0 * 8 * (50 * 51 / 2) * 4 * 3);
    bench_close(&bench);
}

// ---- Schedules ------------------------------------------------------------------------------------------------------------

// Every visible pair stands in exactly one tile, inside the lanes of its block, and no other pair does.
static void check_schedule(const struct attention_pattern *pattern, const void *options, int64_t time, const char *name)
{
    struct arena arena = {0};
    struct error error = {0};
    struct attention_schedule schedule;
    cr_assert(attention_schedule_open(&schedule, pattern, options, time, &arena, &error), "%s", error.text);
    unsigned char *shown = memory_allocate((size_t)(time * time), 1);
    for (int pass = 0; pass < schedule.passes; pass++)
        for (int64_t t = schedule.first_tile[pass * schedule.query_tiles];
             t < schedule.first_tile[(pass + 1) * schedule.query_tiles]; t++) {
            const struct attention_tile *tile = schedule.tiles + t;
            for (int key = 0; key < ATTENTION_KEY_TILE; key++)
                for (int query = 0; query < ATTENTION_QUERY_TILE; query++) {
                    if (tile->mask >= 0 && !(schedule.masks[tile->mask + key] >> query & 1))
                        continue;
                    const struct span lanes = {tile->lanes[key / ATTENTION_KEY_BLOCK].begin,
                                               tile->lanes[key / ATTENTION_KEY_BLOCK].end};
                    cr_assert(query >= lanes.begin && query < lanes.end, "%s: a visible pair lies outside its block's lanes",
                              name);
                    const int32_t *order = schedule.order + pass * time;
                    shown[order[tile->query_begin + query] * time + order[tile->key_begin + key]]++;
                }
        }
    int64_t visible = 0;
    for (int64_t i = 0; i < time * time; i++) {
        int want = 0;
        for (int pass = 0; pass < schedule.passes; pass++)
            want += pattern->sees(options, pass, i / time, i % time);
        visible += want;
        cr_assert(shown[i] == want, "%s, T %lld: pair (%lld, %lld) is shown %d times, not %d", name, (long long)time,
                  (long long)(i / time), (long long)(i % time), shown[i], want);
    }
    cr_expect_eq(schedule.visible_pairs, visible);
    free(shown);
    arena_close(&arena);
}

Test(attention, schedules_show_every_visible_pair_once)
{
    for (int i = 0; i < LENGTHS; i++) {
        check_schedule(&attention_full.attention.pattern, NULL, lengths[i], "full");
        check_schedule(&strided, NULL, lengths[i], "strided");
        for (int j = 0; j < WINDOWS; j++)
            check_schedule(&attention_sliding.attention.pattern, &windows[j], lengths[i], "sliding");
    }
}

// The kernel is worth its schedule: pairs multiplied over pairs seen.
Test(attention, schedules_visit_little_more_than_they_show)
{
    static const struct {
        const struct component *component;
        struct sliding options;
        int64_t time;
        double most;
    } cases[] = {
        {&attention_full, {0, 0}, 256, 1.06},     {&attention_full, {0, 0}, 2048, 1.01},
        {&attention_sliding, {64, 1}, 1024, 1.3}, {&attention_sliding, {256, 1}, 2048, 1.1},
        {&attention_sliding, {64, 8}, 2048, 1.3}, {&attention_sliding, {32, 16}, 2048, 1.6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct attention_schedule schedule;
        cr_assert(attention_schedule_open(&schedule, &cases[i].component->attention.pattern, &cases[i].options, cases[i].time,
                                          &arena, &error),
                  "%s", error.text);
        double ratio = (double)schedule.visited_pairs / (double)schedule.visible_pairs;
        cr_expect(ratio <= cases[i].most, "case %zu: %.3f pairs multiplied for one seen, at most %g expected", i, ratio,
                  cases[i].most);
        arena_close(&arena);
    }
}

static bool past_alone(const void *options, int pass, int64_t query, int64_t key)
{
    (void)options, (void)pass;
    return key < query;
}
static void constant_order(const void *options, int pass, int64_t time, int32_t *order)
{
    (void)options, (void)pass;
    memset(order, 0, (size_t)time * sizeof *order);
}

// A component's mistake must be named when a model is planned, not show as NaN or a wrong loss later.
Test(attention, broken_patterns_are_refused)
{
    static const struct {
        struct attention_pattern pattern;
        const char *says;
    } cases[] = {
        {{.spans = all_spans, .sees = past_alone}, "query 0 sees no key"},
        {{.passes = 2, .spans = all_spans, .sees = everything}, "sees key 0 in two passes"},
        {{.order = constant_order, .spans = all_spans, .sees = everything}, "not a permutation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct error error = {0};
        struct attention_schedule schedule;
        cr_expect(!attention_schedule_open(&schedule, &cases[i].pattern, NULL, 40, &arena, &error));
        cr_expect(strstr(error.text, cases[i].says), "said: %s", error.text);
        arena_close(&arena);
    }
}

// A full list widens its last span rather than lose a key.
Test(attention, a_full_span_list_still_covers_everything)
{
    struct span_list list = {.count = 0};
    for (int64_t i = 0; i < 2 * SPAN_LIST_MAX; i++)
        span_list_add(&list, 10 * i - 5, 10 * i + 1);
    cr_assert_eq(list.count, SPAN_LIST_MAX);
    cr_expect_eq(list.spans[0].begin, 0);
    cr_expect_eq(list.spans[SPAN_LIST_MAX - 1].end, 10 * (2 * SPAN_LIST_MAX - 1) + 1);
}
