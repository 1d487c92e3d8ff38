// gemm.c: which library multiplies, and what rounding does to operands on the way to it; see gemm.h.
//
// A product belongs to one library (gemm_backend.h). What is the same for all is here: the rule, rounding, and the three
// products of GEMM_BF16X3.
#include "tensor/gemm.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "tensor/bf16.h"
#include "tensor/gemm_backend.h"

const char *const gemm_library_names[] = {
    [GEMM_AUTO] = "auto", [GEMM_OPENBLAS] = "openblas", [GEMM_ONEDNN] = "onednn", [GEMM_LIBRARY_COUNT] = NULL};

static const struct gemm_backend *const backends[GEMM_LIBRARY_COUNT] = {
    [GEMM_OPENBLAS] = &gemm_openblas, [GEMM_ONEDNN] = &gemm_onednn};

struct gemm_product {
    struct gemm_request request;
    const struct gemm_backend *backend;
    void *state;
    enum gemm_storage storage;
};

// ---- The way ----------------------------------------------------------------------------------------------------------------

struct gemm_way gemm_rule(enum gemm_library wanted, enum gemm_format format)
{
    enum cpu_isa isa = cpu_isa();
    bool installed = gemm_onednn_installed();
    struct gemm_way way = {.format = format, .library = wanted};
    way.native = format != GEMM_REAL && wanted != GEMM_OPENBLAS && installed && isa >= CPU_ISA_AVX512_BF16;
    if (wanted == GEMM_AUTO)
        way.library = way.native || (installed && isa >= CPU_ISA_AVX512) ? GEMM_ONEDNN : GEMM_OPENBLAS;
    return way;
}

const char *gemm_way_name(struct gemm_way way)
{
    static const char *const names[GEMM_LIBRARY_COUNT][GEMM_FORMAT_COUNT][2] = {
        [GEMM_OPENBLAS] = {[GEMM_REAL] = {"openblas"},
                           [GEMM_BF16] = {"openblas rounding to bf16"},
                           [GEMM_BF16X3] = {"openblas rounding to bf16x3"}},
        [GEMM_ONEDNN] = {[GEMM_REAL] = {"onednn"},
                         [GEMM_BF16] = {"onednn rounding to bf16", "onednn bf16"},
                         [GEMM_BF16X3] = {"onednn rounding to bf16x3", "onednn bf16x3"}}};
    return names[way.library][way.format][way.native];
}

const char *gemm_notice(struct gemm_way way)
{
    if (way.format == GEMM_REAL || way.native)
        return NULL;
    return cpu_isa() < CPU_ISA_AVX512_BF16 ? "This CPU does not multiply bf16: operands are rounded to it and multiplied in "
                                             "fp32, with the same results and no faster."
                                           : "Operands are rounded to bf16 and multiplied in fp32, with the same results and "
                                             "no faster; the units of this CPU need "
                                             "oneDNN and `gemm` at auto.";
}

// Products in double are OpenBLAS's in every way.
static const struct gemm_backend *backend_of(struct gemm_way way, enum real real)
{
    return backends[real == REAL_DOUBLE ? GEMM_OPENBLAS : way.library];
}

bool gemm_open(struct gemm_way way, enum real real, struct error *error) { return backend_of(way, real)->open(error); }

const char *gemm_version(enum gemm_library library)
{
    return library == GEMM_ONEDNN ? gemm_onednn_version() : gemm_openblas_version();
}
const char *gemm_core(void) { return gemm_openblas_core(); }

const char *gemm_isa(struct gemm_way way)
{
    enum cpu_isa isa = cpu_isa();
    if (!way.native && isa > CPU_ISA_AVX512)
        isa = CPU_ISA_AVX512;
    return cpu_isa_name(isa);
}

// ---- Operands ---------------------------------------------------------------------------------------------------------------

enum gemm_storage gemm_storage(struct gemm_way way, enum real real)
{
    if (!way.native || real == REAL_DOUBLE)
        return GEMM_STORAGE_REAL;
    return way.format == GEMM_BF16 ? GEMM_STORAGE_BF16 : GEMM_STORAGE_BF16_PAIR;
}

size_t gemm_element_size(enum gemm_storage storage, enum real real)
{
    return storage == GEMM_STORAGE_REAL ? real_size(real) : storage == GEMM_STORAGE_BF16 ? 2 : 4;
}

static void round_floats(bool pair, int64_t count, const float *restrict from, float *restrict to)
{
    if (pair)
        for (int64_t i = 0; i < count; i++)
            to[i] = bf16_round(from[i]) + bf16_rest(from[i]);
    else
        for (int64_t i = 0; i < count; i++)
            to[i] = bf16_round(from[i]);
}

static void round_doubles(bool pair, int64_t count, const double *restrict from, double *restrict to)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (double)bf16_round((float)from[i]) + (pair ? (double)bf16_rest((float)from[i]) : 0);
}

void gemm_round(struct gemm_way way, enum real real, int64_t rows, int64_t width, const void *from, void *to)
{
    bool pair = way.format == GEMM_BF16X3;
    if (real == REAL_DOUBLE)
        round_doubles(pair, rows * width, from, to);
    else if (!way.native)
        round_floats(pair, rows * width, from, to);
    else if (!pair)
        bf16_native_round(from, rows * width, to);
    else
        for (int64_t row = 0; row < rows; row++) {
            uint16_t *high = (uint16_t *)to + 2 * row * width;
            bf16_native_split((const float *)from + row * width, width, high, high + width);
        }
}

// ---- Products ---------------------------------------------------------------------------------------------------------------

struct gemm_product *gemm_product_open(const struct gemm_request *request, struct error *error)
{
    struct gemm_product *product = memory_allocate(1, sizeof *product);
    *product = (struct gemm_product){.request = *request,
                                     .backend = backend_of(request->way, request->real),
                                     .storage = gemm_storage(request->way, request->real)};
    struct gemm_request stored = *request;
    if (product->storage == GEMM_STORAGE_BF16_PAIR) {
        stored.gemm.lda *= 2;
        stored.gemm.ldb *= 2;
    }
    if (product->backend->product_open(&stored, &product->state, error))
        return product;
    free(product);
    return NULL;
}

void gemm_product_close(struct gemm_product *product)
{
    if (!product)
        return;
    product->backend->product_close(product->state);
    free(product);
}

const struct gemm_request *gemm_product_request(const struct gemm_product *product) { return &product->request; }

bool gemm_request_equal(const struct gemm_request *a, const struct gemm_request *b)
{
    const struct gemm *x = &a->gemm, *y = &b->gemm;
    return a->real == b->real && a->rows_are_k == b->rows_are_k && a->b_is_weight == b->b_is_weight &&
           a->way.format == b->way.format && a->way.library == b->way.library && a->way.native == b->way.native &&
           x->transpose_a == y->transpose_a && x->transpose_b == y->transpose_b && x->m == y->m && x->n == y->n &&
           x->k == y->k && x->lda == y->lda && x->ldb == y->ldb && x->ldc == y->ldc;
}

static bool rounds(const struct gemm_product *product) { return product->request.way.format != GEMM_REAL; }
static int64_t weight_rows(const struct gemm *gemm) { return gemm->transpose_b ? gemm->n : gemm->k; }

static size_t weight_bytes(const struct gemm_product *product)
{
    const struct gemm *gemm = &product->request.gemm;
    return (size_t)(weight_rows(gemm) * gemm->ldb) * gemm_element_size(product->storage, product->request.real);
}

// Of one half, where the library packs; a whole number of cache lines.
static size_t half_bytes(const struct gemm_product *product)
{
    return product->request.b_is_weight ? size_align(product->backend->pack_bytes(product->state)) : 0;
}

size_t gemm_pack_bytes(const struct gemm_product *product)
{
    size_t half = half_bytes(product);
    if (half)
        return product->storage == GEMM_STORAGE_BF16_PAIR ? 2 * half : half;
    return product->request.b_is_weight && rounds(product) ? size_align(weight_bytes(product)) : 0;
}

size_t gemm_pack_scratch(const struct gemm_product *product)
{
    return half_bytes(product) && rounds(product) ? size_align(weight_bytes(product)) : 0;
}

bool gemm_packs_alike(const struct gemm_product *a, const struct gemm_product *b)
{
    return !half_bytes(a) && !half_bytes(b) && a->storage == b->storage && a->request.way.format == b->request.way.format;
}

void gemm_pack(struct gemm_product *product, int lane, const void *weight, void *packed, void *scratch)
{
    const struct gemm *gemm = &product->request.gemm;
    const struct gemm_backend *backend = product->backend;
    size_t half = half_bytes(product);
    const void *plain = weight;
    if (rounds(product)) {
        void *rounded = half ? scratch : packed;
        gemm_round(product->request.way, product->request.real, weight_rows(gemm), gemm->ldb, weight, rounded);
        plain = rounded;
    }
    if (!half)
        return;
    backend->pack(product->state, lane, plain, packed);
    if (product->storage == GEMM_STORAGE_BF16_PAIR)
        backend->pack(product->state, lane, (const uint16_t *)plain + gemm->ldb, (char *)packed + half);
}

size_t gemm_scratch(const struct gemm_product *product) { return product->backend->scratch(product->state); }

// Ah Bh + Al Bh + Ah Bl; the fourth product is below the rounding of a sum.
static void run_pairs(struct gemm_product *product, int64_t rows, const struct gemm_call *call)
{
    const struct gemm *gemm = &product->request.gemm;
    size_t half = half_bytes(product);
    const void *low_a = (const uint16_t *)call->a + gemm->lda;
    const void *low_b = half ? (const void *)((const char *)call->b + half) : (const uint16_t *)call->b + gemm->ldb;
    struct gemm_call part = *call;
    product->backend->run(&product->request, product->state, rows, &part);
    part.accumulate = true;
    part.a = low_a;
    product->backend->run(&product->request, product->state, rows, &part);
    part.a = call->a;
    part.b = low_b;
    product->backend->run(&product->request, product->state, rows, &part);
}

void gemm_run(struct gemm_product *product, int64_t rows, const struct gemm_call *call)
{
    if (product->storage == GEMM_STORAGE_BF16_PAIR)
        run_pairs(product, rows, call);
    else
        product->backend->run(&product->request, product->state, rows, call);
}
