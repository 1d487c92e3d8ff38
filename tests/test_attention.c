// test_attention.c: the tiled attention op against the explicit reference, the reference against formulas and differences.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fixture_attention.h"

// max |got - want| / max |want|; NaN counts as infinite.
static double distance(const struct bench *got, const void *got_array, const struct bench *want, const void *want_array,
                       int64_t count)
{
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double w = bench_get(want->graph.real, want_array, i), g = bench_get(got->graph.real, got_array, i);
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
    bench_forward(&got), bench_forward(&want), bench_backward(&got), bench_backward(&want);
    for (enum array array = QUERY; array < ARRAYS; array++) {
        bool value = array == OUTPUT;
        double error = distance(&got, value ? bench_values(&got, array) : bench_gradients(&got, array), &want,
                                value ? bench_values(&want, array) : bench_gradients(&want, array), bench_count(&got, array));
        // At T = 1 the weights are 1 and the gradients of queries and keys are zero but for rounding.
        if (setup.time == 1 && array <= KEY)
            error = fabs(bench_get(got.graph.real, bench_gradients(&got, array), 0)) > 1e-6;
        cr_expect(error <= tolerance, "%s%s differs by %.2e: T %lld, head_dim %lld, %lld heads on %lld, cap %g, alibi %d",
                  array_names[array], value ? "" : " gradient", error, (long long)setup.time, (long long)setup.head_dim,
                  (long long)setup.n_head, (long long)setup.kv_heads, setup.softcap, setup.alibi);
    }
    bench_close(&got);
    bench_close(&want);
}

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

// Windows, globals and strides leave gaps in tiles; orders move rows; a second pass goes on where the first left output and
// log-sum-exp; heads of one group may see different keys.
Test(attention, tiled_equals_explicit_over_patterns)
{
    for (const struct pattern_case *at = pattern_cases; at->name; at++)
        for (int i = 0; i < LENGTHS; i++)
            for (int flags = 0; flags < (at->both_ways ? 4 : 2); flags++)
                compare((struct setup){.real = flags & 1 ? REAL_DOUBLE : REAL_FLOAT,
                                       .sequences = 2,
                                       .time = lengths[i],
                                       .n_head = 4,
                                       .kv_heads = 2,
                                       .head_dim = 16,
                                       .softcap = i % 3 ? 0 : 2,
                                       .alibi = i % 2,
                                       .bidirectional = flags & 2,
                                       .options = at->options,
                                       .pattern = at->pattern},
                        flags & 1 ? 1e-13 : 1e-5);
}

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
                               .bidirectional = true,
                               .pattern = &attention_full.attention.pattern},
                1e-5);
}

// Every third query sees its past, the others nothing.
static void some_spans(const struct attention_view *view, int64_t place, int64_t position, struct span_list *keys)
{
    (void)view;
    if (position % 3 == 0)
        span_list_add(keys, 0, place + 1);
}

// Two halves of a layer with projections of their own are added: a row that one half leaves out must be zeros there, and give
// no gradient to anything.
Test(attention, a_query_that_sees_nothing_has_an_output_of_zero)
{
    static const struct attention_pattern some = {.spans = some_spans, .may_see_nothing = true};
    for (int i = 0; i < LENGTHS; i++) {
        struct setup setup = {
            .sequences = 2, .time = lengths[i], .n_head = 2, .kv_heads = 1, .head_dim = 16, .alibi = true, .pattern = &some};
        struct bench bench;
        compare(setup, 1e-5);
        bench_open(&bench, &setup);
        bench_forward(&bench), bench_backward(&bench);
        for (int64_t k = 0; k < bench_count(&bench, OUTPUT); k++)
            if (k / 32 % lengths[i] % 3) {
                cr_assert_eq(((float *)bench_values(&bench, OUTPUT))[k], 0, "row %lld", (long long)(k / 32));
                cr_assert_eq(((float *)bench_gradients(&bench, QUERY))[k], 0, "gradient of row %lld", (long long)(k / 32));
            }
        bench_close(&bench);
    }
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
    memcpy(bench_values(&bench, QUERY), (double[]){9, 9, 9, 9, 2, 0, 0, 0}, 8 * sizeof(double));
    memcpy(bench_values(&bench, KEY), (double[]){log(3), 1, 1, 1, 0, 1, 1, 1}, 8 * sizeof(double));
    memcpy(bench_values(&bench, VALUE), (double[]){4, 8, 0, 0, 0, 4, 0, 8}, 8 * sizeof(double));
    bench_forward(&bench);
    const double want[] = {4, 8, 0, 0, 3, 7, 0, 2}, *got = bench_values(&bench, OUTPUT);
    for (int i = 0; i < 8; i++)
        cr_expect_float_eq(got[i], want[i], 1e-14, "element %d is %.17g, not %g", i, got[i], want[i]);
    cr_expect_float_eq(((const double *)lane_saved(bench.node, &bench.lane))[1], log(4), 1e-14);
    bench_close(&bench);
}

// sum(output * its gradient): what the gradients differentiate.
static double objective(struct bench *bench)
{
    double sum = 0;
    bench_forward(bench);
    for (int64_t i = 0; i < bench_count(bench, OUTPUT); i++)
        sum += ((double *)bench_values(bench, OUTPUT))[i] * ((double *)bench_gradients(bench, OUTPUT))[i];
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
                                       .options = &(const struct sliding){5, 1, 9},
                                       .pattern = &attention_sliding.attention.pattern});
    bench_forward(&bench), bench_backward(&bench);
    for (enum array array = QUERY; array <= VALUE; array++)
        for (int64_t i = 0; i < bench_count(&bench, array); i++) {
            double *value = (double *)bench_values(&bench, array) + i, before = *value;
            double got = ((double *)bench_gradients(&bench, array))[i];
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
                    ((float *)bench_values(&after, array))[k] = k % 2 ? 1e30f : -1e30f;
            bench_forward(&before), bench_forward(&after);
            cr_expect(!memcmp(bench_values(&before, OUTPUT), bench_values(&after, OUTPUT), (size_t)change * 32 * sizeof(float)),
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
            const struct sliding window = {20, 1, 9};
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
                memcpy(bench_values(&prefix, array), bench_values(&whole, array),
                       (size_t)bench_count(&prefix, array) * sizeof(float));
            bench_forward(&prefix), bench_forward(&whole);
            cr_expect(!memcmp(bench_values(&prefix, OUTPUT), bench_values(&whole, OUTPUT),
                              (size_t)bench_count(&prefix, OUTPUT) * sizeof(float)),
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
        size_t bytes = (size_t)bench_count(&alone, array) * sizeof(float);
        if (array == OUTPUT)
            memcpy(bench_gradients(&alone, array), (char *)bench_gradients(&batch, array) + 2 * bytes, bytes);
        else
            memcpy(bench_values(&alone, array), (char *)bench_values(&batch, array) + 2 * bytes, bytes);
    }
    bench_forward(&batch), bench_forward(&alone), bench_backward(&batch), bench_backward(&alone);
    for (enum array array = QUERY; array < ARRAYS; array++) {
        size_t bytes = (size_t)bench_count(&alone, array) * sizeof(float);
        cr_expect(!memcmp(array == OUTPUT ? bench_values(&alone, array) : bench_gradients(&alone, array),
                          (char *)(array == OUTPUT ? bench_values(&batch, array) : bench_gradients(&batch, array)) + 2 * bytes,
                          bytes),
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
                              .options = &(const struct strided){4},
                              .pattern = &attention_strided.attention.pattern};
        bench_open(&written, &setup);
        bench_open(&added, &setup);
        for (enum array array = QUERY; array <= VALUE; array++) {
            ((struct node *)added.node)->accumulate[array] = true;
            for (int64_t i = 0; i < bench_count(&added, array); i++)
                ((double *)bench_gradients(&added, array))[i] = 100;
        }
        bench_forward(&written), bench_forward(&added), bench_backward(&written), bench_backward(&added);
        for (enum array array = QUERY; array <= VALUE; array++)
            for (int64_t i = 0; i < bench_count(&added, array); i++) {
                double got = ((double *)bench_gradients(&added, array))[i],
                       want = ((double *)bench_gradients(&written, array))[i] + 100;
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
    bench_forward(&bench);
    cr_expect_eq(bench.lane.counted_flops, 4.0 * 8 * (50 * 51 / 2) * 4 * 3);
    bench_backward(&bench);
    cr_expect_eq(bench.lane.counted_flops, 12.0 * 8 * (50 * 51 / 2) * 4 * 3);
    bench_close(&bench);
}
