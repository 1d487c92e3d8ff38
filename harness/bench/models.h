// models.h: the models whose speed this project is held to, and what each must reach: one table behind `make bench` and the
// README.
//
// Every row trains in a process of its own (`ablate bench train --json`), so that its peak of memory is its own. Called by
// `ablate bench models`.
#ifndef BENCH_MODELS_H
#define BENCH_MODELS_H

#include "base/error.h"
#include "base/memory.h"

// What products run on decides how much can be asked.
enum bench_unit { BENCH_FP32, BENCH_BF16_AMX, BENCH_BF16_AVX512, BENCH_UNITS };

enum { BENCH_SETTINGS_MAX = 16 };
struct bench_model {
    const char *name, *meaning;
    const char *settings[BENCH_SETTINGS_MAX]; // KEY=VALUE, over the defaults; NULL-ended
    double wanted[BENCH_UNITS];
    const char *beside; // the model whose FLOP/s are the whole of which a share is wanted; NULL: its own products alone
};
extern const struct bench_model bench_models[]; // ended by name NULL
// Of the register peak, what the fp32 products must reach themselves, so that no slow peak flatters.
extern const double bench_products_wanted;

struct bench_model_result {
    const struct bench_model *model;
    const char *precision, *isa;
    double tokens_per_s, flops_per_s;
    double fraction, wanted; // wanted NaN: nothing is asked of this precision on these units
    double gemm_peak_flops_per_s, fma_peak_flops_per_s, products_fraction_of_fma;
    double planned_bytes, peak_rss_bytes, spread;
};
struct bench_models_options {
    int64_t threads;                                                          // 0: one for each core
    double seconds;                                                           // of each model
    void (*progress)(const struct bench_model *model, const char *precision); // before each; may be NULL
};
// Trains every model in every precision that has units of its own on this CPU, in turn. `results` holds [*count] in the arena.
bool bench_models_run(const struct bench_models_options *options, struct arena *arena,
                      const struct bench_model_result **results, int *count, struct error *error);

#endif
