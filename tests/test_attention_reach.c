// test_attention_reach.c: how far back a model of windows can look, against the formulas of the papers.
#include <criterion/criterion.h>
#include <string.h>

#include "check/probe.h"
#include "check/subject.h"

enum { TIME = 48, QUERY = TIME - 1 };

// Whether the loss of the last query has a gradient at the learned vector of each position.
static void find_reach(const char *attention, const char *layers, bool reached[TIME])
{
    struct arena arena = {0};
    struct error error = {0};
    struct run run;
    struct probe probe;
    subject_run(&run, NULL, SUBJECT_DEFAULTS, &arena);
    cr_assert(run_set(&run, "attention", attention, &arena, &error) && run_set(&run, "position", "learned", &arena, &error) &&
                  run_set(&run, "model.n_layer", layers, &arena, &error) &&
                  run_set(&run, "model.seq_len", "48", &arena, &error) && run_resolve(&run, &error),
              "%s", error.text);
    const struct probe_request request = {
        .run = &run, .real = REAL_DOUBLE, .mode = GRAPH_TRAIN, .sequences = 1, .time = TIME, .threads = 1, .lanes = 1};
    cr_assert(probe_open(&probe, &request, &error), "%s", error.text);
    for (int t = 0; t < TIME; t++)
        probe.targets[t] = t == QUERY ? 1 : -1;
    probe_train(&probe);
    const struct parameter *table = parameters_find(&probe.parameters, "model.embed_positions.weight");
    const double *gradients = (const double *)executor_gradients(probe.executor) + table->offset;
    for (int64_t j = 0; j < TIME; j++) {
        reached[j] = false;
        for (int64_t d = 0; d < table->shape[1]; d++)
            reached[j] |= gradients[j * table->shape[1] + d] != 0;
    }
    probe_close(&probe);
    arena_close(&arena);
}

// Longformer's section 3.1, causal: n layers reach n (window - 1) dilation positions back, and not one further.
Test(attention_reach, windows_add_up_over_layers)
{
    static const struct {
        const char *attention, *layers;
        int window, dilation, layer_count;
    } cases[] = {
        {"sliding(window=4)", "2", 4, 1, 2},
        {"sliding(window=4)", "5", 4, 1, 5},
        {"sliding(window=1)", "3", 1, 1, 3},
        {"sliding(window=4, dilation=3)", "3", 4, 3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool reached[TIME];
        find_reach(cases[i].attention, cases[i].layers, reached);
        for (int j = 0; j < TIME; j++) {
            int age = QUERY - j, dilation = cases[i].dilation;
            bool want = age % dilation == 0 && age <= cases[i].layer_count * (cases[i].window - 1) * dilation;
            cr_expect_eq(reached[j], want, "%s, %s layers: %d positions back: %d", cases[i].attention, cases[i].layers, age,
                         reached[j]);
        }
    }
}

// A window schedule over the layers reaches the sum of its windows; one full layer reaches everything.
Test(attention_reach, layers_of_different_windows_add_up)
{
    bool reached[TIME];
    find_reach("[\"sliding(window=3)\", \"sliding(window=6)\", \"sliding(window=11)\"]", "3", reached);
    for (int j = 0; j < TIME; j++)
        cr_expect_eq(reached[j], QUERY - j <= 2 + 5 + 10, "%d positions back", QUERY - j);
    find_reach("[\"sliding(window=3)\", \"full\"]", "2", reached);
    for (int j = 0; j < TIME; j++)
        cr_expect(reached[j], "%d positions back", QUERY - j);
}

// Child et al. 2019, section 4.2: two layers of a strided pattern connect every position to every earlier one, one does not.
Test(attention_reach, two_strided_layers_reach_everything)
{
    bool reached[TIME];
    find_reach("strided(stride=7)", "2", reached);
    for (int j = 0; j < TIME; j++)
        cr_expect(reached[j], "%d positions back", QUERY - j);
    find_reach("strided(stride=7)", "1", reached);
    for (int j = 0; j < TIME; j++)
        cr_expect_eq(reached[j], QUERY - j < 7 || (QUERY - j) % 7 == 0, "%d positions back, one layer", QUERY - j);
}

// A position that all later ones see carries what the windows cannot.
Test(attention_reach, globals_reach_the_start_at_once)
{
    bool reached[TIME];
    find_reach("longformer(window=4, globals=2)", "1", reached);
    for (int j = 0; j < TIME; j++)
        cr_expect_eq(reached[j], j < 2 || QUERY - j < 4, "position %d", j);
}
