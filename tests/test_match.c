// test_match.c: which width or depth or number of steps makes an arm cost what the baseline costs.
#include <criterion/criterion.h>
#include <math.h>

#include "sweep/draft.h"

// A made-up cost: 1000 per layer plus 3 per step and layer.
static bool count_made_up(const struct run *run, struct match_cost *cost, struct error *error)
{
    (void)error;
    cost->params = 1000.0 * (double)run->model.n_layer + (double)run->model.d_model;
    cost->flops = 3.0 * (double)(run->train.steps * run->model.n_layer);
    return true;
}

struct solution {
    enum match match;
    const char *option;
    double target;
    const char *value;
};
static const struct solution solutions[] = {
    {MATCH_FLOPS, "train.steps", 12000, "1000"},  // 3 * 4 layers * 1000
    {MATCH_FLOPS, "train.steps", 12007, "1001"},  // 12012 is 5 too many, 12000 7 too few
    {MATCH_PARAMS, "model.n_layer", 7600, "7"},   // 7128 is nearer than 8128
    {MATCH_PARAMS, "model.d_model", 4131, "128"}, // steps of 8: 4128
    {MATCH_PARAMS, "model.n_layer", 10, "1"},     // nothing smaller exists
};

// The nearest value, wherever the target lies.
Test(match, the_nearest_value_is_found)
{
    for (size_t i = 0; i < sizeof solutions / sizeof *solutions; i++) {
        const struct solution *s = &solutions[i];
        struct run run;
        struct arena arena = {0};
        struct error error = {0};
        struct text text = {0};
        double left = NAN;
        run_defaults(&run, &arena);
        cr_assert(match_solve(&run, s->match, s->option, s->target, count_made_up, &arena, &left, &error), "%s", error.text);
        run_print(&run, s->option, &text);
        cr_expect_str_eq(text.data, s->value, "%s for %g: %s", s->option, s->target, text.data);
        struct match_cost cost;
        count_made_up(&run, &cost, &error);
        double got = s->match == MATCH_PARAMS ? cost.params : cost.flops;
        cr_expect(fabs(left - (got - s->target) / s->target) < 1e-12, "left %g", left);
        text_free(&text);
        arena_close(&arena);
    }
}

// Fewer layers than a list over them has entries would leave some of it out.
Test(match, no_layer_of_a_list_is_solved_away)
{
    struct run run;
    struct arena arena = {0};
    struct error error = {0};
    double left = NAN;
    run_defaults(&run, &arena);
    cr_assert(run_set_pair(&run, "attention=[\"full\", \"sliding\", \"strided\"]", &arena, &error), "%s", error.text);
    cr_assert(match_solve(&run, MATCH_PARAMS, "model.n_layer", 1128, count_made_up, &arena, &left, &error), "%s", error.text);
    cr_expect_eq(run.model.n_layer, 3, "%lld layers", (long long)run.model.n_layer);
    arena_close(&arena);
}
