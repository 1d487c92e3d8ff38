// train_bench.c: see train_bench.h.
#include "bench/train_bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/resident.h"
#include "tensor/gemm.h"
#include "train/trainer.h"

enum { ROUNDS = 9, PRODUCTS_MAX = 4096 };

// The products of one lane, alone: what its linear nodes multiply forward and backward, on buffers of each member's own.
struct products {
    struct gemm *list;
    int count;
    double flops;    // of all of them, one member
    size_t largest;  // numbers of the largest operand
    float **buffers; // [members]: three operands each
    int repeats;
};

static void add_product(struct products *products, struct gemm gemm)
{
    if (products->count == PRODUCTS_MAX)
        return;
    size_t a = (size_t)(gemm.m * gemm.k), b = (size_t)(gemm.k * gemm.n), c = (size_t)(gemm.m * gemm.n);
    products->largest = a > products->largest ? a : products->largest;
    products->largest = b > products->largest ? b : products->largest;
    products->largest = c > products->largest ? c : products->largest;
    products->flops += 2.0 * (double)gemm.m * (double)gemm.n * (double)gemm.k;
    products->list[products->count++] = gemm;
}

// y = x W^T, dx = dy W, dW = dy^T x, of every linear node, over `rows` rows; as often as a lane's share holds that many.
static void collect(struct products *products, const struct graph *graph, int64_t rows)
{
    products->list = memory_allocate(PRODUCTS_MAX, sizeof *products->list);
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *node = graph->nodes[i];
        if (strcmp(node->op->name, "linear") != 0)
            continue;
        int64_t in = node->inputs[0]->width, out = node->outputs[0]->width;
        add_product(products,
                    (struct gemm){.transpose_b = true, .m = rows, .n = out, .k = in, .lda = in, .ldb = in, .ldc = out});
        if (node->inputs[0]->wants_gradient)
            add_product(products, (struct gemm){.m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in});
        add_product(products,
                    (struct gemm){.transpose_a = true, .m = out, .n = in, .k = rows, .lda = out, .ldb = in, .ldc = in});
    }
}

static void fill_buffers(struct products *products, int members)
{
    products->buffers = memory_allocate((size_t)members, sizeof *products->buffers);
    for (int member = 0; member < members; member++) {
        products->buffers[member] = memory_allocate(3 * products->largest, sizeof(float));
        for (size_t i = 0; i < 2 * products->largest; i++)
            products->buffers[member][i] = (float)random_uniform(5, (uint64_t)member, i) - 0.5f;
    }
}

static void free_products(struct products *products, int members)
{
    for (int member = 0; products->buffers && member < members; member++)
        free(products->buffers[member]);
    free(products->buffers);
    free(products->list);
}

static void multiply(void *context, int member, int size)
{
    const struct products *products = context;
    float *a = products->buffers[member], *b = a + products->largest, *c = b + products->largest;
    (void)size;
    for (int repeat = 0; repeat < products->repeats; repeat++)
        for (int i = 0; i < products->count; i++)
            gemm_run_float(&products->list[i], 1, a, b, 0, c);
}

// FLOP/s of all members together.
static double product_rate(struct products *products, struct team *team)
{
    double start = clock_seconds();
    team_run(team, multiply, products);
    return (double)team_size(team) * products->repeats * products->flops / (clock_seconds() - start);
}

static struct batch random_batch(const struct run *run, int32_t *tokens)
{
    int64_t rows = run->train.batch * run->model.seq_len;
    uint64_t key = random_key((uint64_t)run->seed, "bench", 0);
    for (int64_t row = 0; row < rows; row++) {
        tokens[row] = (int32_t)random_below(key, (uint64_t)row, 0, (uint64_t)run->model.vocab);
        tokens[rows + row] = (int32_t)random_below(key, (uint64_t)row, 1, (uint64_t)run->model.vocab);
        tokens[2 * rows + row] = (int32_t)(row % run->model.seq_len);
    }
    return (struct batch){run->train.batch, tokens, tokens + rows, tokens + 2 * rows};
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static double time_steps(struct trainer *trainer, const struct batch *batch, int steps)
{
    double start = clock_seconds();
    for (int step = 0; step < steps; step++)
        trainer_step(trainer, batch, step);
    return (clock_seconds() - start) / steps;
}

static void measure(struct trainer *trainer, const struct batch *batch, struct products *products, int ways, double seconds,
                    struct train_bench *result)
{
    double tokens[ROUNDS], peaks[ROUNDS], fractions[ROUNDS];
    double step_flops = model_step_flops(&trainer->train_graph, batch->sequences);
    double step_tokens = (double)(batch->sequences * trainer->train_graph.time);
    time_steps(trainer, batch, 2);
    double step_seconds = time_steps(trainer, batch, 2), slice = seconds / (ROUNDS * (1 + ways));
    for (int i = 0; i < ways; i++) {
        products[i].repeats = 1;
        product_rate(&products[i], trainer->team);
        double rate = product_rate(&products[i], trainer->team);
        double repeats = slice * rate / (products[i].flops * team_size(trainer->team));
        products[i].repeats = repeats < 1 ? 1 : (int)repeats;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double steps = slice / step_seconds, peak = 0;
        double spent = time_steps(trainer, batch, steps < 1 ? 1 : (int)steps);
        for (int i = 0; i < ways; i++) {
            double rate = product_rate(&products[i], trainer->team);
            peak = rate > peak ? rate : peak;
        }
        tokens[round] = step_tokens / spent;
        peaks[round] = peak;
        fractions[round] = step_flops / spent / peak;
    }
    result->tokens_per_s = median(tokens, ROUNDS);
    result->model_flops_per_s = result->tokens_per_s / step_tokens * step_flops;
    result->gemm_peak_flops_per_s = median(peaks, ROUNDS);
    result->fraction_of_peak = median(fractions, ROUNDS);
    result->spread = (fractions[ROUNDS - 1] - fractions[0]) / result->fraction_of_peak;
    result->rounds = ROUNDS;
}

bool train_bench_run(const struct run *run, const struct train_bench_options *options, struct train_bench *result,
                     struct error *error)
{
    struct trainer trainer = {0};
    struct products products[2] = {0}; // cut as the passes cut a lane's share, and the share in one piece
    const struct trainer_options trainer_options = {.threads = options->threads};
    size_t base = resident_bytes();
    int64_t share = (run->train.batch + run->train.lanes - 1) / run->train.lanes;
    int32_t *tokens = memory_allocate((size_t)(3 * run->train.batch * run->model.seq_len), sizeof *tokens);
    *result = (struct train_bench){.threads = options->threads};
    bool done = trainer_open(&trainer, run, &trainer_options, error);
    if (done) {
        int members = team_size(trainer.team);
        struct batch batch = random_batch(run, tokens);
        time_steps(&trainer, &batch, 1);
        result->planned_bytes = base + trainer_bytes(&trainer);
        result->peak_rss_bytes = resident_peak_bytes();
        collect(&products[0], &trainer.train_graph, trainer.train_graph.sequences * run->model.seq_len);
        collect(&products[1], &trainer.train_graph, share * run->model.seq_len);
        for (int i = 0; i < 2; i++)
            fill_buffers(&products[i], members);
        measure(&trainer, &batch, products, 2, options->seconds, result);
        for (int i = 0; i < 2; i++)
            free_products(&products[i], members);
    }
    trainer_close(&trainer);
    free(tokens);
    return done;
}
