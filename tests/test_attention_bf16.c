// test_attention_bf16.c: attention on operands rounded to bfloat16, on every kind of unit that this CPU has for it.
//
// ABLATE_MAX_ISA takes the ways of older machines; what the CPU lacks is not tried.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "fixture_attention.h"
#include "tensor/bf16.h"
#include "tensor/ops/attention_bf16.h"

static const enum cpu_isa first_isa = CPU_ISA_AVX2;

// Takes the way of `isa`; false when the CPU has no such way.
static bool take(enum cpu_isa isa)
{
    unsetenv("ABLATE_MAX_ISA");
    if (isa > cpu_isa())
        return false;
    setenv("ABLATE_MAX_ISA", cpu_isa_name(isa), 1);
    return true;
}

static void *input(const struct bench *bench, enum array array)
{
    return array == OUTPUT ? bench_gradients(bench, array) : bench_values(bench, array);
}
static void *result(const struct bench *bench, enum array array)
{
    return array == OUTPUT ? bench_values(bench, array) : bench_gradients(bench, array);
}

// The double reference knows nothing of bfloat16: it gets operands that are rounded before.
static void round_inputs(const struct bench *bench)
{
    for (enum array array = QUERY; array <= OUTPUT; array++)
        for (int64_t i = 0; i < bench_count(bench, array); i++)
            if (bench->graph.real == REAL_DOUBLE)
                ((double *)input(bench, array))[i] = (double)bf16_round((float)((double *)input(bench, array))[i]);
            else
                ((float *)input(bench, array))[i] = bf16_round(((float *)input(bench, array))[i]);
}

static const char *const array_names[] = {"query's gradient", "key's gradient", "value's gradient", "output"};

// What remains between the two is the rounding of probabilities and of their scores' gradients, 2^-9 of each.
static void compare_one(const struct bench *got, const struct bench *want, const struct setup *setup)
{
    for (enum array array = QUERY; array <= OUTPUT; array++) {
        double worst = 0, largest = 1e-3;
        for (int64_t i = 0; i < bench_count(got, array); i++) {
            double w = bench_get(REAL_DOUBLE, result(want, array), i);
            double d = fabs(bench_get(REAL_FLOAT, result(got, array), i) - w);
            worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
            largest = fmax(largest, fabs(w));
        }
        cr_expect(worst <= 3 * 0x1p-9 * largest,
                  "%s: %s differs by %.2e: T %lld, head_dim %lld, %lld heads on %lld, cap %g, alibi %d",
                  getenv("ABLATE_MAX_ISA"), array_names[array], worst / largest, (long long)setup->time,
                  (long long)setup->head_dim, (long long)setup->n_head, (long long)setup->kv_heads, setup->softcap,
                  setup->alibi);
    }
}

// The ways that this CPU has against one reference.
static void compare(struct setup setup)
{
    struct bench want;
    setup.real = REAL_DOUBLE;
    setup.explicit_scores = true;
    bench_open(&want, &setup);
    round_inputs(&want);
    bench_forward(&want), bench_backward(&want);
    setup.real = REAL_FLOAT;
    setup.explicit_scores = false;
    setup.bf16 = true;
    for (enum cpu_isa isa = first_isa; isa < CPU_ISA_COUNT && take(isa); isa++) {
        struct bench got;
        bench_open(&got, &setup);
        bench_forward(&got), bench_backward(&got);
        compare_one(&got, &want, &setup);
        bench_close(&got);
    }
    bench_close(&want);
}

// A path that is compiled but not chosen would be neither tested nor fast.
Test(attention_bf16, the_way_follows_the_instructions)
{
    for (enum cpu_isa isa = first_isa; isa < CPU_ISA_COUNT; isa++) {
        struct bench bench;
        const void *want = NULL;
        if (!take(isa))
            break;
#ifdef __x86_64__
        if (gemm_rule(GEMM_AUTO, GEMM_BF16).native) // oneDNN is installed
            want = isa == CPU_ISA_AMX ? &attention_amx : &attention_avx512_bf16;
#endif
        for (int bf16 = 0; bf16 < 2; bf16++) {
            bench_open(&bench, &(struct setup){.bf16 = bf16,
                                               .sequences = 1,
                                               .time = 1,
                                               .n_head = 1,
                                               .kv_heads = 1,
                                               .head_dim = 8,
                                               .pattern = &attention_full.attention.pattern});
            cr_expect_eq(bench.node->prepared, bf16 ? want : NULL, "%s, bf16 %d", cpu_isa_name(isa), bf16);
            bench_close(&bench);
        }
    }
}

// Edges of tiles and of blocks of 32; heads narrower than a block, and wider.
Test(attention_bf16, equals_the_double_reference_on_rounded_operands)
{
    static const int64_t times[] = {1, 31, 32, 33, 64, 65, 130}, head_dims[] = {8, 32, 40, 64};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        for (size_t j = 0; j < sizeof head_dims / sizeof *head_dims; j++)
            compare((struct setup){.sequences = 1,
                                   .time = times[i],
                                   .n_head = 2,
                                   .kv_heads = 2,
                                   .head_dim = head_dims[j],
                                   .pattern = &attention_full.attention.pattern});
}

// The scale is applied to scores where the units multiply, and to queries elsewhere: the soft cap and alibi must meet it in
// time.
Test(attention_bf16, equals_the_double_reference_with_every_modifier)
{
    for (int flags = 0; flags < 16; flags++)
        compare((struct setup){.sequences = 1,
                               .time = 65,
                               .n_head = 4,
                               .kv_heads = flags & 1 ? 2 : 4,
                               .head_dim = 16,
                               .softcap = flags & 2 ? 1.5 : 0,
                               .alibi = flags & 4,
                               .bidirectional = flags & 8,
                               .pattern = &attention_full.attention.pattern});
}

// The units multiply whole blocks of 32 keys: what no query sees of them must be exact zeros, in every pass.
Test(attention_bf16, equals_the_double_reference_over_patterns)
{
    for (const struct pattern_case *at = pattern_cases; at->name; at++)
        compare((struct setup){.sequences = 1,
                               .time = 81,
                               .n_head = 4,
                               .kv_heads = 2,
                               .head_dim = 16,
                               .options = at->options,
                               .pattern = at->pattern});
}

// Queries, keys, values and the output's gradient enter products rounded: rounding them before changes no bit.
Test(attention_bf16, rounded_inputs_change_nothing)
{
    for (enum cpu_isa isa = first_isa; isa < CPU_ISA_COUNT && take(isa); isa++) {
        struct bench whole, rounded;
        struct setup setup = {.bf16 = true,
                              .sequences = 2,
                              .time = 65,
                              .n_head = 4,
                              .kv_heads = 2,
                              .head_dim = 20,
                              .softcap = 3,
                              .pattern = &attention_full.attention.pattern};
        bench_open(&whole, &setup);
        bench_open(&rounded, &setup);
        round_inputs(&rounded);
        bench_forward(&whole), bench_forward(&rounded), bench_backward(&whole), bench_backward(&rounded);
        for (enum array array = QUERY; array <= OUTPUT; array++)
            cr_expect(!memcmp(result(&whole, array), result(&rounded, array),
                              (size_t)bench_count(&whole, array) * sizeof(float)),
                      "%s: %s differs", cpu_isa_name(isa), array_names[array]);
        bench_close(&whole);
        bench_close(&rounded);
    }
}

// By hand: scores 1 and 0 give weights 1 and exp(-1) = .36788; the second enters the product as 188/512 = .36719, and the sum
// as it is.
Test(attention_bf16, probabilities_are_rounded_and_their_sum_is_not)
{
    for (enum cpu_isa isa = first_isa; isa < CPU_ISA_COUNT && take(isa); isa++) {
        struct bench bench;
        bench_open(&bench, &(struct setup){.bf16 = true,
                                           .sequences = 1,
                                           .time = 2,
                                           .n_head = 1,
                                           .kv_heads = 1,
                                           .head_dim = 4,
                                           .pattern = &attention_full.attention.pattern});
        memcpy(bench_values(&bench, QUERY), (float[]){0, 0, 0, 0, 2, 0, 0, 0}, 8 * sizeof(float));
        memcpy(bench_values(&bench, KEY), (float[]){1, 0, 0, 0, 0, 0, 0, 0}, 8 * sizeof(float));
        memcpy(bench_values(&bench, VALUE), (float[]){0, 0, 0, 0, 1, 0, 0, 0}, 8 * sizeof(float));
        bench_forward(&bench);
        double got = (double)((const float *)bench_values(&bench, OUTPUT))[4];
        cr_expect_float_eq(got, 0.3671875 / (1 + exp(-1)), 1e-6, "%s: %.8g", cpu_isa_name(isa), got);
        bench_close(&bench);
    }
}

// The start of a sequence gives the same bits alone, although the units multiply blocks that reach beyond its end.
Test(attention_bf16, a_prefix_equals_the_beginning_of_the_whole)
{
    for (enum cpu_isa isa = first_isa; isa < CPU_ISA_COUNT && take(isa); isa++)
        for (int i = 0; i + 1 < LENGTHS; i++) {
            struct bench prefix, whole;
            struct setup setup = {.bf16 = true,
                                  .sequences = 1,
                                  .time = lengths[i],
                                  .n_head = 2,
                                  .kv_heads = 2,
                                  .head_dim = 8,
                                  .pattern = &attention_full.attention.pattern};
            bench_open(&prefix, &setup);
            setup.time = 130;
            bench_open(&whole, &setup);
            for (enum array array = QUERY; array <= VALUE; array++)
                memcpy(input(&prefix, array), input(&whole, array), (size_t)bench_count(&prefix, array) * sizeof(float));
            bench_forward(&prefix), bench_forward(&whole);
            cr_expect(!memcmp(result(&prefix, OUTPUT), result(&whole, OUTPUT),
                              (size_t)bench_count(&prefix, OUTPUT) * sizeof(float)),
                      "%s: the first %lld outputs of 130 differ", cpu_isa_name(isa), (long long)lengths[i]);
            bench_close(&prefix);
            bench_close(&whole);
        }
}
