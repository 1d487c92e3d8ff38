// test_gemm.c: every way to multiply that this CPU can take, held against the triple loop over the same rounded operands.
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/random.h"
#include "tensor/bf16.h"
#include "tensor/gemm.h"

static const char *const format_names[] = {[GEMM_REAL] = "real", [GEMM_BF16] = "bf16", [GEMM_BF16X3] = "bf16x3"};

static float *random_floats(size_t count, uint64_t key)
{
    float *values = memory_allocate(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_uniform(key, i, 0) - 0.5f;
    return values;
}

static double rounded(enum gemm_format format, float x)
{
    if (format == GEMM_REAL)
        return (double)x;
    return (double)bf16_round(x) + (format == GEMM_BF16X3 ? (double)bf16_rest(x) : 0);
}

// The triple loop with sums in double; C is written, or added to where `accumulate`.
static void multiply_plainly(const struct gemm_request *request, int64_t rows, const float *a, const float *b, bool accumulate,
                             double *c)
{
    const struct gemm *gemm = &request->gemm;
    int64_t m = request->rows_are_k ? gemm->m : rows, depth = request->rows_are_k ? rows : gemm->k;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < gemm->n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < depth; k++)
                sum += rounded(request->way.format, a[gemm->transpose_a ? k * gemm->lda + i : i * gemm->lda + k]) *
                       rounded(request->way.format, b[gemm->transpose_b ? j * gemm->ldb + k : k * gemm->ldb + j]);
            c[i * gemm->ldc + j] = accumulate ? c[i * gemm->ldc + j] + sum : sum;
        }
}

// Operands in the way's storage, as an op and the executor would hold them.
static void *stored(const struct gemm_request *request, int64_t rows, int64_t width, const float *values)
{
    size_t size = gemm_element_size(gemm_storage(request->way, request->real), request->real);
    void *result = memory_allocate((size_t)(rows * width), size);
    if (request->way.format == GEMM_REAL)
        memcpy(result, values, (size_t)(rows * width) * size);
    else
        gemm_round(request->way, request->real, rows, width, values, result);
    return result;
}

struct subject {
    struct gemm_request request;
    float *a, *b;
    double *want;
    float *c;
};

// One product at `rows` of the request's most rows, written and then added to.
static double largest_error(const struct gemm_request *request, int64_t rows)
{
    const struct gemm *gemm = &request->gemm;
    struct error error = {0};
    struct gemm_product *product = gemm_product_open(request, &error);
    cr_assert(product, "%s", error.text);
    int64_t a_rows = gemm->transpose_a ? gemm->k : gemm->m, b_rows = gemm->transpose_b ? gemm->n : gemm->k;
    size_t c_size = (size_t)(gemm->m * gemm->ldc);
    float *a = random_floats((size_t)(a_rows * gemm->lda), 1), *b = random_floats((size_t)(b_rows * gemm->ldb), 2);
    float *c = random_floats(c_size, 3);
    double *want = memory_allocate(c_size, sizeof *want), worst = 0;
    void *stored_a = stored(request, a_rows, gemm->lda, a), *stored_b = stored(request, b_rows, gemm->ldb, b);
    void *packed, *scratch, *pack_scratch;
    cr_assert(memory_large(&packed, gemm_pack_bytes(product), "a pack", &error) &&
              memory_large(&pack_scratch, gemm_pack_scratch(product), "scratch", &error) &&
              memory_large(&scratch, gemm_scratch(product), "scratch", &error));
    if (gemm_pack_bytes(product))
        gemm_pack(product, 0, b, packed, pack_scratch);
    struct gemm_call call = {.a = stored_a, .b = gemm_pack_bytes(product) ? packed : stored_b, .c = c, .scratch = scratch};
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        call.accumulate = accumulate;
        gemm_run(product, rows, &call);
        multiply_plainly(request, rows, a, b, accumulate, want);
    }
    for (int64_t i = 0; i < (request->rows_are_k ? gemm->m : rows); i++)
        for (int64_t j = 0; j < gemm->n; j++)
            worst = fmax(worst, fabs((double)c[i * gemm->ldc + j] - want[i * gemm->ldc + j]));
    memory_large_free(packed, gemm_pack_bytes(product));
    memory_large_free(pack_scratch, gemm_pack_scratch(product));
    memory_large_free(scratch, gemm_scratch(product));
    gemm_product_close(product);
    free(stored_a);
    free(stored_b);
    free(a);
    free(b);
    free(c);
    free(want);
    return worst;
}

// The three products of a linear layer in every way and format, at all rows and at fewer, odd sizes included: the error is that
// of summing k terms of at most 1/4 in float; what bf16x3 leaves out is another 2^-16 of a term.
Test(gemm, every_way_equals_the_triple_loop)
{
    static const int64_t sizes[][3] = {{1, 1, 1},    {1, 17, 5},    {7, 1, 33},   {16, 16, 16},
                                       {33, 65, 17}, {64, 48, 100}, {96, 256, 64}};
    struct error error = {0};
    for (enum gemm_library library = GEMM_OPENBLAS; library < GEMM_LIBRARY_COUNT; library++)
        for (enum gemm_format format = GEMM_REAL; format < GEMM_FORMAT_COUNT; format++) {
            struct gemm_way way = gemm_rule(library, format);
            error = (struct error){0};
            if (!gemm_open(way, REAL_FLOAT, &error)) {
                cr_log_warn("%s", error.text);
                continue;
            }
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                int64_t rows = sizes[i][0], out = sizes[i][1], in = sizes[i][2];
                const struct gemm_request requests[] = {
                    {.b_is_weight = true, .gemm = {false, true, rows, out, in, in, in, out}},
                    {.b_is_weight = true, .gemm = {false, false, rows, in, out, out, in, in}},
                    {.rows_are_k = true, .gemm = {true, false, out, in, rows, out, in, in}}};
                for (int j = 0; j < 3; j++) {
                    struct gemm_request request = requests[j];
                    request.way = way;
                    request.real = REAL_FLOAT;
                    for (int64_t used = rows; used > 0; used = used > 1 ? (used - 1) / 2 : 0) {
                        double depth = j == 2 ? (double)used : (double)request.gemm.k;
                        double worst = largest_error(&request, used),
                               limit = depth * (format == GEMM_BF16X3 ? 6e-6 : 2e-7) + 1e-6;
                        cr_expect(worst <= limit, "%s, product %d of [%d, %d, %d], %d rows: %g", gemm_way_name(way), j,
                                  (int)rows, (int)out, (int)in, (int)used, worst);
                    }
                }
            }
        }
}

// A product of bf16x3 against that of the numbers it was given: below 1e-5 of the sum of the terms' magnitudes, where bf16
// itself errs by about 4e-3 of a term.
Test(gemm, three_products_leave_an_error_below_1e_5)
{
    struct error error = {0};
    enum { SIDE = 64 };
    double worst[GEMM_FORMAT_COUNT] = {0};
    for (enum gemm_format format = GEMM_BF16; format < GEMM_FORMAT_COUNT; format++) {
        struct gemm_request request = {.way = gemm_rule(GEMM_AUTO, format),
                                       .gemm = {false, false, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
        cr_assert(gemm_open(request.way, REAL_FLOAT, &error), "%s", error.text);
        struct gemm_product *product = gemm_product_open(&request, &error);
        float *a = random_floats(SIDE * SIDE, 7), *b = random_floats(SIDE * SIDE, 8), c[SIDE * SIDE];
        void *stored_a = stored(&request, SIDE, SIDE, a), *stored_b = stored(&request, SIDE, SIDE, b), *scratch;
        cr_assert(memory_large(&scratch, gemm_scratch(product), "scratch", &error));
        gemm_run(product, SIDE, &(struct gemm_call){.a = stored_a, .b = stored_b, .c = c, .scratch = scratch});
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                double sum = 0, size = 0;
                for (int k = 0; k < SIDE; k++) {
                    sum += (double)a[i * SIDE + k] * (double)b[k * SIDE + j];
                    size += fabs((double)a[i * SIDE + k] * (double)b[k * SIDE + j]);
                }
                worst[format] = fmax(worst[format], fabs((double)c[i * SIDE + j] - sum) / size);
            }
        memory_large_free(scratch, gemm_scratch(product));
        gemm_product_close(product);
        free(a);
        free(b);
        free(stored_a);
        free(stored_b);
    }
    cr_expect(worst[GEMM_BF16X3] < 1e-5, "bf16x3 errs by %g", worst[GEMM_BF16X3]);
    cr_expect(worst[GEMM_BF16] > 1e-4 && worst[GEMM_BF16] < 4e-3, "bf16 errs by %g", worst[GEMM_BF16]);
}

// To nearest, ties to even: 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3 2^-8 between 1 + 2^-7 and 1 + 2^-6 (IEEE 754-2019,
// 4.3.1).
Test(gemm, bf16_rounds_to_nearest_even)
{
    const float cases[][2] = {{1 + 0x1p-8f, 1},
                              {1 + 3 * 0x1p-8f, 1 + 0x1p-6f},
                              {1 + 0x1p-8f + 0x1p-20f, 1 + 0x1p-7f},
                              {-1 - 0x1p-8f, -1},
                              {0x1.fffffep127f, INFINITY},
                              {0x1.fep127f, 0x1.fep127f},
                              {0x1p-133f, 0x1p-133f},
                              {0x1p-134f, 0},
                              {INFINITY, INFINITY},
                              {-0.0f, -0.0f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(bf16_round(cases[i][0]) == cases[i][1] && !signbit(bf16_round(cases[i][0])) == !signbit(cases[i][1]),
                  "%a becomes %a, not %a", (double)cases[i][0], (double)bf16_round(cases[i][0]), (double)cases[i][1]);
    cr_expect(isnan(bf16_round(NAN)));
    // Every bf16 number is itself; the float between two neighbours goes to the even one.
    for (uint32_t i = 0; i < 0x7f7f; i++) {
        float low = bf16_to_float((uint16_t)i), high = bf16_to_float((uint16_t)(i + 1)), middle = low + (high - low) / 2;
        cr_assert_eq(bf16_from_float(low), i);
        cr_assert_eq(bf16_from_float(middle), i % 2 ? i + 1 : i);
    }
}

// Infinity has no finite half: what is left of it must not become NaN.
Test(gemm, nothing_is_left_of_infinity)
{
    cr_expect(bf16_rest(INFINITY) == 0 && bf16_rest(-INFINITY) == 0 && bf16_rest(1 + 0x1p-8f) == 0x1p-8f);
}

// What the CPU's own instruction makes of normal numbers, infinities and NaNs is what bf16.h says, whatever the count.
Test(gemm, the_instruction_rounds_alike)
{
    enum { COUNT = 77, GUARD = 0x5a5a };
    float from[COUNT];
    uint16_t round[COUNT + 1], high[COUNT + 1], low[COUNT + 1];
    for (uint64_t try = 0; cpu_isa() >= CPU_ISA_AVX512_BF16 && try < 2000; try++) {
        int64_t count = 1 + (int64_t)try % COUNT;
        for (int64_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)random_bits(7, try, (uint64_t)i);
            bits |= bits & 0x70000000 ? 0 : 0x40000000; // the rest of one near 2^-126 would be below it
            memcpy(&from[i], &bits, sizeof bits);
        }
        round[count] = high[count] = low[count] = GUARD;
        bf16_native_round(from, count, round);
        bf16_native_split(from, count, high, low);
        for (int64_t i = 0; i < count; i++) {
            cr_assert_eq(round[i], bf16_from_float(from[i]), "%a", (double)from[i]);
            cr_assert_eq(high[i], round[i], "%a", (double)from[i]);
            cr_assert_eq(low[i], bf16_from_float(bf16_rest(from[i])), "%a", (double)from[i]);
        }
        cr_assert(round[count] == GUARD && high[count] == GUARD && low[count] == GUARD, "%d are more than asked", (int)count);
    }
}

// A library that computes wrongly when two threads call it at once (Debian's serial OpenBLAS does) must not be the one in use.
enum { CALLERS = 4, CALLS = 300, SIDE = 64 };
struct caller {
    struct gemm_product *product;
    const void *a, *b;
    const float *want;
    int lane, wrong;
};
static void multiply_in(const struct caller *caller, float *c)
{
    struct error error = {0};
    void *scratch;
    cr_assert(memory_large(&scratch, gemm_scratch(caller->product), "scratch", &error));
    gemm_run(caller->product, SIDE,
             &(struct gemm_call){.a = caller->a, .b = caller->b, .c = c, .scratch = scratch, .lane = caller->lane});
    memory_large_free(scratch, gemm_scratch(caller->product));
}
static void *call_often(void *argument)
{
    struct caller *caller = argument;
    float c[SIDE * SIDE];
    for (int i = 0; i < CALLS; i++) {
        multiply_in(caller, c);
        caller->wrong += memcmp(c, caller->want, sizeof c) != 0;
    }
    return NULL;
}
Test(gemm, concurrent_calls_give_the_single_threaded_answer)
{
    for (enum gemm_library library = GEMM_OPENBLAS; library < GEMM_LIBRARY_COUNT; library++)
        for (enum gemm_format format = GEMM_REAL; format < GEMM_BF16X3; format++) {
            struct gemm_request request = {.way = gemm_rule(library, format),
                                           .gemm = {false, false, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
            struct error error = {0};
            struct caller callers[CALLERS];
            pthread_t threads[CALLERS];
            if (!gemm_open(request.way, REAL_FLOAT, &error))
                continue;
            struct gemm_product *product = gemm_product_open(&request, &error);
            for (int i = 0; i < CALLERS; i++) {
                float *a = random_floats(SIDE * SIDE, (uint64_t)i), *b = random_floats(SIDE * SIDE, (uint64_t)(i + 100));
                float *want = memory_allocate(SIDE * SIDE, sizeof *want);
                callers[i] =
                    (struct caller){product, stored(&request, SIDE, SIDE, a), stored(&request, SIDE, SIDE, b), want, i, 0};
                multiply_in(&callers[i], want);
            }
            for (int i = 0; i < CALLERS; i++)
                pthread_create(&threads[i], NULL, call_often, &callers[i]);
            for (int i = 0; i < CALLERS; i++) {
                pthread_join(threads[i], NULL);
                cr_expect_eq(callers[i].wrong, 0, "%s %s: %d of %d products are wrong", gemm_library_names[library],
                             format_names[format], callers[i].wrong, CALLS);
            }
            gemm_product_close(product);
        }
}

// Sizes beyond 32 bits would wrap around inside OpenBLAS: they are refused before anything runs.
Test(gemm, sizes_the_library_cannot_count_are_refused)
{
    struct gemm_request request = {.way = {.library = GEMM_OPENBLAS}, .gemm = {false, false, 8, 8, 8, 8, 8, 8}};
    struct error error = {0};
    struct gemm_product *product = gemm_product_open(&request, &error);
    cr_expect(product);
    gemm_product_close(product);
    request.gemm.m = INT64_C(1) << 32;
    cr_expect_not(gemm_product_open(&request, &error));
    cr_expect(strstr(error.text, "4294967296"), "%s", error.text);
}

// What a run is multiplied by follows from what the CPU may use, and a user can take an older machine's way.
Test(gemm, the_rule_follows_the_instruction_set)
{
    setenv("ABLATE_MAX_ISA", "avx2", 1);
    cr_expect_eq(gemm_rule(GEMM_AUTO, GEMM_REAL).library, GEMM_OPENBLAS);
    cr_expect_not(gemm_rule(GEMM_AUTO, GEMM_BF16).native);
    cr_expect_str_eq(gemm_way_name(gemm_rule(GEMM_AUTO, GEMM_BF16)), "openblas rounding to bf16");
    cr_expect_str_eq(gemm_way_name(gemm_rule(GEMM_ONEDNN, GEMM_REAL)), "onednn");
    unsetenv("ABLATE_MAX_ISA");
    bool units = cpu_isa() >= CPU_ISA_AVX512_BF16 && gemm_rule(GEMM_ONEDNN, GEMM_BF16).native;
    cr_expect_eq(gemm_rule(GEMM_AUTO, GEMM_BF16).native, units);
    cr_expect_not(gemm_rule(GEMM_OPENBLAS, GEMM_BF16).native);
}
