// products.c: see products.h.
#include "bench/products.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "tensor/ops.h"

enum { PRODUCTS_MAX = 4096 };

// What one member multiplies: A and B in the way's storage (or B packed), C, and scratch.
struct operands {
    unsigned char *a, *b, *c, *packed, *scratch;
};
struct products {
    struct gemm_product *list[PRODUCTS_MAX]; // the graph's
    int64_t rows;
    int count, members, repeats;
    double flops;
    size_t a_bytes, b_bytes, c_bytes, pack_bytes, scratch_bytes; // the largest
    struct operands *operands;                                   // [members]
};

static void keep_larger(size_t *bytes, size_t other)
{
    if (other > *bytes)
        *bytes = other;
}

static bool add_product(struct products *products, const struct graph *graph, struct gemm_way way, struct gemm gemm,
                        bool rows_are_k, bool b_is_weight, struct error *error)
{
    const struct gemm_request request = {
        .way = way, .real = graph->real, .gemm = gemm, .rows_are_k = rows_are_k, .b_is_weight = b_is_weight};
    size_t element = gemm_element_size(gemm_storage(graph->way, graph->real), graph->real);
    if (products->count == PRODUCTS_MAX)
        return true;
    struct gemm_product *product = gemm_product_open(&request, error);
    if (!product)
        return false;
    products->list[products->count++] = product;
    products->flops += 2.0 * (double)gemm.m * (double)gemm.n * (double)gemm.k;
    keep_larger(&products->a_bytes, (size_t)(gemm.m * gemm.k) * element);
    keep_larger(&products->b_bytes, (size_t)(gemm.k * gemm.n) * element);
    keep_larger(&products->c_bytes, (size_t)(gemm.m * gemm.n) * sizeof(float));
    keep_larger(&products->pack_bytes, gemm_pack_bytes(product));
    keep_larger(&products->scratch_bytes, gemm_scratch(product));
    keep_larger(&products->scratch_bytes, gemm_pack_scratch(product));
    return true;
}

// y = x W^T, dx = dy W, dW = dy^T x.
static bool collect(struct products *products, const struct graph *graph, struct error *error)
{
    int64_t rows = products->rows;
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *node = graph->nodes[i];
        if (strcmp(node->op->name, "linear") != 0)
            continue;
        int64_t in = node->inputs[0]->width, out = node->outputs[0]->width;
        const struct gemm forward = {.transpose_b = true, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out};
        const struct gemm backward = {.m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in};
        const struct gemm gradient = {.transpose_a = true, .m = out, .n = in, .k = rows, .lda = out, .ldb = in, .ldc = in};
        if (!add_product(products, graph, op_linear_forward_way(node), forward, false, true, error) ||
            (node->inputs[0]->wants_gradient && !add_product(products, graph, graph->way, backward, false, true, error)) ||
            !add_product(products, graph, graph->way, gradient, true, false, error))
            return false;
    }
    return true;
}

// Random numbers between -1/2 and 1/2 in the way's storage: on zeros the units of bf16 look faster than they are.
static void fill(const struct graph *graph, unsigned char *to, size_t bytes, uint64_t key)
{
    size_t element = gemm_element_size(gemm_storage(graph->way, graph->real), graph->real), count = bytes / element;
    float row[64];
    for (size_t done = 0; done + 64 <= count; done += 64) {
        for (size_t i = 0; i < 64; i++)
            row[i] = (float)random_uniform(key, done, i) - 0.5f;
        if (graph->way.format == GEMM_REAL)
            memcpy(to + done * element, row, sizeof row);
        else
            gemm_round(graph->way, graph->real, 1, 64, row, to + done * element);
    }
}

static bool open_operands(struct products *products, const struct graph *graph, int member, struct error *error)
{
    struct operands *operands = &products->operands[member];
    void *blocks[5];
    const size_t sizes[] = {products->a_bytes, products->b_bytes, products->c_bytes, products->pack_bytes,
                            products->scratch_bytes};
    unsigned char **const places[] = {&operands->a, &operands->b, &operands->c, &operands->packed, &operands->scratch};
    for (int i = 0; i < 5; i++) {
        if (!memory_large(&blocks[i], sizes[i], "the products", error))
            return false;
        *places[i] = blocks[i];
    }
    fill(graph, operands->a, products->a_bytes, (uint64_t)member);
    fill(graph, operands->b, products->b_bytes, (uint64_t)member + 1000);
    fill(graph, operands->packed, products->pack_bytes, (uint64_t)member + 2000); // any order of random numbers is as good
    return true;
}

struct products *products_open(const struct graph *graph, int64_t rows, int members, struct error *error)
{
    struct products *products = memory_allocate(1, sizeof *products);
    products->rows = rows;
    products->members = members;
    products->operands = memory_allocate((size_t)members, sizeof *products->operands);
    bool done = collect(products, graph, error);
    for (int member = 0; done && member < members; member++)
        done = open_operands(products, graph, member, error);
    if (done)
        return products;
    products_close(products);
    return NULL;
}

void products_close(struct products *products)
{
    if (!products)
        return;
    for (int i = 0; i < products->count; i++)
        gemm_product_close(products->list[i]);
    for (int member = 0; member < products->members; member++) {
        const struct operands *operands = &products->operands[member];
        memory_large_free(operands->a, products->a_bytes);
        memory_large_free(operands->b, products->b_bytes);
        memory_large_free(operands->c, products->c_bytes);
        memory_large_free(operands->packed, products->pack_bytes);
        memory_large_free(operands->scratch, products->scratch_bytes);
    }
    free(products->operands);
    free(products);
}

static void multiply(void *context, int member, int size)
{
    const struct products *products = context;
    const struct operands *operands = &products->operands[member];
    (void)size;
    for (int repeat = 0; repeat < products->repeats; repeat++)
        for (int i = 0; i < products->count; i++) {
            struct gemm_product *product = products->list[i];
            const struct gemm_call call = {.a = operands->a,
                                           .b = gemm_pack_bytes(product) ? operands->packed : operands->b,
                                           .c = operands->c,
                                           .scratch = operands->scratch,
                                           .lane = member};
            gemm_run(product, products->rows, &call);
        }
}

double products_rate(struct products *products, struct team *team, int repeats)
{
    products->repeats = repeats;
    double start = clock_seconds();
    team_run(team, multiply, products);
    return (double)team_size(team) * repeats * products->flops / (clock_seconds() - start);
}

double products_flops(const struct products *products) { return products->flops; }
