// models.c: see models.h.
#include "bench/models.h"

#include <math.h>
#include <string.h>

#include "bench/command.h"
#include "registry/registry.h"

const double bench_products_wanted = 0.65;

const struct bench_model bench_models[] = {
    {.name = "A",
     .meaning = "4 layers, d_model 256, 8 heads, T 256, batch 8, GELU, LayerNorm, learned positions",
     .settings = {"model.n_layer=4", "model.d_model=256", "model.n_head=8", "model.seq_len=256", "model.vocab=256",
                  "train.batch=8", "ffn=gelu", "norm=layernorm", "position=learned"},
     .wanted = {0.82, 0.50, 0.70}},
    {.name = "B",
     .meaning = "2 layers, d_model 128, 4 heads, T 128, batch 16, else as A",
     .settings = {"model.n_layer=2", "model.d_model=128", "model.n_head=4", "model.seq_len=128", "model.vocab=256",
                  "train.batch=16", "ffn=gelu", "norm=layernorm", "position=learned"},
     .wanted = {0.74, 0.52, 0.62}},
    {.name = "C",
     .meaning = "6 layers, d_model 384, 6 heads, T 256, batch 8, SwiGLU, RMSNorm, rope",
     .settings = {"model.n_layer=6", "model.d_model=384", "model.n_head=6", "model.seq_len=256", "model.vocab=256",
                  "train.batch=8", "ffn=swiglu", "norm=rmsnorm", "position=rope"},
     .wanted = {0.85, 0.62, 0.75}},
    {.name = "D",
     .meaning = "as A with T 1024, batch 4; its FLOP/s as a share of A's",
     .settings = {"model.n_layer=4", "model.d_model=256", "model.n_head=8", "model.seq_len=1024", "model.vocab=256",
                  "train.batch=4", "ffn=gelu", "norm=layernorm", "position=learned"},
     .wanted = {0.88, 0.80, 0.85},
     .beside = "A"},
    {.name = NULL},
};

enum { MODELS = sizeof bench_models / sizeof *bench_models - 1, WORDS_MAX = 2 * BENCH_SETTINGS_MAX + 16 };

static double wanted_of(const struct bench_model *model, const char *precision, const char *isa)
{
    if (!strcmp(precision, "fp32"))
        return model->wanted[BENCH_FP32];
    if (strcmp(precision, "bf16") != 0)
        return NAN;
    return !strcmp(isa, "amx")           ? model->wanted[BENCH_BF16_AMX]
           : !strcmp(isa, "avx512_bf16") ? model->wanted[BENCH_BF16_AVX512]
                                         : NAN;
}

struct reading {
    struct bench_model_result *result;
    struct arena *arena;
};

static void read_result(void *context, const struct json_t *object)
{
    const struct reading *reading = context;
    struct bench_model_result *result = reading->result;
    result->isa = arena_copy_text(reading->arena, command_word(object, "isa"));
    result->tokens_per_s = command_number(object, "tokens_per_s");
    result->flops_per_s = command_number(object, "model_flops_per_s");
    result->fraction = command_number(object, "fraction_of_peak");
    result->gemm_peak_flops_per_s = command_number(object, "gemm_peak_flops_per_s");
    result->fma_peak_flops_per_s = command_number(object, "fma_peak_flops_per_s");
    result->products_fraction_of_fma = command_number(object, "products_fraction_of_fma");
    result->planned_bytes = command_number(object, "planned_bytes");
    result->peak_rss_bytes = command_number(object, "peak_rss_bytes");
    result->spread = command_number(object, "spread");
}

static bool train(const struct bench_models_options *options, struct arena *arena, struct bench_model_result *result,
                  struct error *error)
{
    const char *words[WORDS_MAX] = {"bench", "train", "--json"};
    int count = 3;
    words[count++] = arena_format(arena, "--threads=%lld", (long long)options->threads);
    words[count++] = arena_format(arena, "--seconds=%g", options->seconds);
    words[count++] = arena_format(arena, "--set=precision=%s", result->precision);
    for (int i = 0; result->model->settings[i]; i++)
        words[count++] = arena_format(arena, "--set=%s", result->model->settings[i]);
    struct text output = {0};
    const struct reading reading = {result, arena};
    bool done = command_run(COMMAND_SELF, words, &output, error) &&
                command_lines(COMMAND_SELF, &output, read_result, (void *)&reading, error);
    text_free(&output);
    return done;
}

// A precision whose operands are rounded and multiplied in fp32 here has fp32's speed: it is not trained to show that.
static bool is_measured(const struct component *component)
{
    return component->slot == SLOT_PRECISION && !gemm_notice(gemm_rule(GEMM_AUTO, component->precision.products));
}

bool bench_models_run(const struct bench_models_options *options, struct arena *arena,
                      const struct bench_model_result **results, int *count, struct error *error)
{
    int precisions = 0;
    for (const struct component *const *list = registry_list(); *list; list++)
        precisions += is_measured(*list);
    struct bench_model_result *kept = arena_allocate(arena, (size_t)(precisions * MODELS), sizeof *kept);
    *count = 0;
    for (const struct component *const *list = registry_list(); *list; list++) {
        const struct bench_model_result *first = &kept[*count];
        for (const struct bench_model *model = bench_models; is_measured(*list) && model->name; model++) {
            struct bench_model_result *result = &kept[(*count)++];
            *result = (struct bench_model_result){.model = model, .precision = (*list)->name};
            if (options->progress)
                options->progress(model, result->precision);
            if (!train(options, arena, result, error))
                return false;
            for (const struct bench_model_result *whole = first; model->beside && whole < result; whole++)
                if (!strcmp(whole->model->name, model->beside))
                    result->fraction = result->flops_per_s / whole->flops_per_s;
            result->wanted = wanted_of(model, result->precision, result->isa);
        }
    }
    *results = kept;
    return true;
}
