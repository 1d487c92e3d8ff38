// train_bench.c: see train_bench.h.
#include "bench/train_bench.h"

#include <gsl/gsl_statistics_double.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/resident.h"
#include "bench/machine.h"
#include "bench/products.h"
#include "bench/ratio.h"
#include "train/trainer.h"

enum { ROUNDS = 9, WAYS = 2 };

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

static double time_steps(struct trainer *trainer, const struct batch *batch, int steps)
{
    double start = clock_seconds();
    for (int step = 0; step < steps; step++)
        trainer_step(trainer, batch, step);
    return (clock_seconds() - start) / steps;
}

static void measure(struct trainer *trainer, const struct batch *batch, struct products *const *products, double seconds,
                    struct train_bench *result)
{
    int repeats[WAYS];
    double tokens[ROUNDS], peaks[ROUNDS], registers[ROUNDS], fractions[ROUNDS], products_fractions[ROUNDS];
    double step_flops = model_step_flops(&trainer->train_graph, batch->sequences);
    double step_tokens = (double)(batch->sequences * trainer->train_graph.time);
    time_steps(trainer, batch, 2);
    double step_seconds = time_steps(trainer, batch, 2), slice = seconds / (ROUNDS * (1 + WAYS));
    for (int i = 0; i < WAYS; i++) {
        products_rate(products[i], trainer->team, 1);
        double rate = products_rate(products[i], trainer->team, 1);
        double fit = slice * rate / (products_flops(products[i]) * team_size(trainer->team));
        repeats[i] = fit < 1 ? 1 : (int)fit;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double steps = slice / step_seconds, peak = 0;
        double spent = time_steps(trainer, batch, steps < 1 ? 1 : (int)steps);
        for (int i = 0; i < WAYS; i++) {
            double rate = products_rate(products[i], trainer->team, repeats[i]);
            peak = rate > peak ? rate : peak;
        }
        registers[round] = machine_fma_flops_per_s_over(trainer->team, slice / 2);
        tokens[round] = step_tokens / spent;
        peaks[round] = peak;
        products_fractions[round] = peak / registers[round];
        fractions[round] = step_flops / spent / peak;
    }
    result->tokens_per_s = ratio_median(tokens, ROUNDS);
    result->model_flops_per_s = result->tokens_per_s / step_tokens * step_flops;
    result->gemm_peak_flops_per_s = ratio_median(peaks, ROUNDS);
    result->fraction_of_peak = ratio_median(fractions, ROUNDS);
    result->fma_peak_flops_per_s = ratio_median(registers, ROUNDS);
    result->products_fraction_of_fma = ratio_median(products_fractions, ROUNDS);
    result->spread = (gsl_stats_max(fractions, 1, ROUNDS) - gsl_stats_min(fractions, 1, ROUNDS)) / result->fraction_of_peak;
    result->rounds = ROUNDS;
}

bool train_bench_run(const struct run *run, const struct train_bench_options *options, struct train_bench *result,
                     struct error *error)
{
    struct trainer trainer = {0};
    struct products *products[WAYS] = {0}; // cut as the passes cut a lane's share, and the share in one piece
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
        const struct graph *graph = &trainer.train_graph;
        products[0] = products_open(graph, graph->sequences * graph->time, members, error);
        products[1] = products_open(graph, share * graph->time, members, error);
        done = products[0] && products[1];
        if (done)
            measure(&trainer, &batch, products, options->seconds, result);
        for (int i = 0; i < WAYS; i++)
            products_close(products[i]);
    }
    trainer_close(&trainer);
    free(tokens);
    return done;
}
