// figure_arms.c: the data of figures with a value a run: every seed beside its baseline, and the metric against its cost.
#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/figure_data.h"
#include "report/number.h"
#include "report/screen_parts.h"
#include "report/summary.h"

static double floor_of(const struct comparison *comparison) { return isfinite(comparison->floor) ? comparison->floor : 0; }

static void numbers(struct text *data, int count, const double *values)
{
    for (int i = 0; i < count; i++) {
        text_add(data, "\t");
        figure_data_number(data, values[i]);
    }
}

// ---- Every seed beside its baseline -----------------------------------------------------------------------------------------

struct pairs {
    const struct comparison *comparison;
    struct cast cast;
    struct arena arena;
    struct range value, delta;
    double reach; // differences beyond it are off the scale
};

static double seed_difference(const struct pairs *pairs, int arm, int seed)
{
    const struct comparison *comparison = pairs->comparison;
    return comparison->arms[arm].values[seed] - comparison->arms[comparison->view->baseline].values[seed];
}

// -1 or 1 when every seed's difference is beyond the reach, on that side; else 0.
static int side_off_scale(const struct pairs *pairs, int arm)
{
    int below = 0, above = 0, seeds = 0;
    for (int seed = 0; seed < pairs->comparison->view->seed_count; seed++) {
        double difference = seed_difference(pairs, arm, seed);
        seeds += isfinite(difference);
        below += difference < -pairs->reach;
        above += difference > pairs->reach;
    }
    return seeds && below == seeds ? -1 : seeds && above == seeds;
}

// One row an arm; its interval only where it has a verdict, for survivors are not averaged.
static void pairs_rows(struct pairs *pairs, struct text *data)
{
    const struct screen screen = {.comparison = pairs->comparison, .arena = &pairs->arena};
    figure_data_block(data, "colour slot, arm, difference, low, high, verdict");
    for (int i = 0; i < pairs->cast.count; i++) {
        const struct comparison_arm *arm = &pairs->comparison->arms[pairs->cast.arms[i]];
        const struct difference *difference = &arm->difference;
        bool shown = difference->verdict != VERDICT_DIVERGED;
        const double interval[] = {shown ? difference->delta : NAN, shown ? difference->low : NAN,
                                   shown ? difference->high : NAN};
        text_add(data, "%d\t", pairs->cast.slots[i]);
        figure_data_text(data, arm->name);
        numbers(data, 3, interval);
        text_add(data, "\t");
        figure_data_text(data, screen_verdict(&screen, arm));
        if (side_off_scale(pairs, pairs->cast.arms[i]) && shown)
            text_add(data, " (%s)",
                     number_fixed(difference->delta, screen_decimals(pairs->comparison, &pairs->arena), true).text);
        text_add(data, "\n");
        for (int j = 0; j < 3; j++)
            if (fabs(interval[j]) <= pairs->reach)
                range_offer(&pairs->delta, interval[j]);
    }
}

static void pairs_seeds(struct pairs *pairs, struct text *data)
{
    const struct comparison *comparison = pairs->comparison;
    const double *baseline = comparison->arms[comparison->view->baseline].values;
    double floor = floor_of(comparison);
    figure_data_block(data, "arm (its line above), baseline, arm, difference of a seed");
    text_add(data, "NULL\tNULL\tNULL\tNULL\n");
    for (int i = 0; i < pairs->cast.count; i++) {
        const double *values = comparison->arms[pairs->cast.arms[i]].values;
        for (int seed = 0; seed < comparison->view->seed_count; seed++) {
            double difference = seed_difference(pairs, pairs->cast.arms[i], seed);
            const double line[] = {baseline[seed] - floor, values[seed] - floor, difference};
            text_add(data, "%d", i + 1);
            numbers(data, 3, line);
            text_add(data, "\n");
            range_offer(&pairs->value, line[0]);
            if (fabs(difference) > pairs->reach)
                continue;
            range_offer(&pairs->value, line[1]);
            range_offer(&pairs->delta, difference);
        }
    }
}

static void pairs_diverged(const struct pairs *pairs, struct text *data)
{
    figure_data_block(data, "arm (its line above), number of a run that diverged");
    text_add(data, "NULL\tNULL\n");
    for (int i = 0; i < pairs->cast.count; i++)
        for (int j = 0; j < pairs->comparison->arms[pairs->cast.arms[i]].diverged; j++)
            text_add(data, "%d\t%d\n", i + 1, j);
}

static void pairs_off_scale(const struct pairs *pairs, struct text *data)
{
    figure_data_block(data, "arm (its line above), edge of the scale that it is beyond");
    text_add(data, "NULL\tNULL\n");
    for (int i = 0; i < pairs->cast.count; i++) {
        int side = side_off_scale(pairs, pairs->cast.arms[i]);
        const double edge = side < 0 ? pairs->delta.low : pairs->delta.high;
        if (!side)
            continue;
        text_add(data, "%d", i + 1);
        numbers(data, 1, &edge);
        text_add(data, "\n");
    }
}

static void pairs_facts(const struct figure *figure, const struct pairs *pairs, struct text *data)
{
    struct text value = {0}, delta = {0};
    const char *unit = comparison_unit(pairs->comparison);
    summary_metric(pairs->comparison, &value);
    text_add(&delta, *unit ? "difference (%s)" : "difference%s", unit);
    figure_data_fact(data, "title", figure->title);
    figure_data_fact(data, "xlabel", value.data);
    figure_data_fact(data, "deltalabel", delta.data);
    figure_data_fact_number(data, "named", 0);
    figure_data_fact_number(data, "valuelow", pairs->value.low);
    figure_data_fact_number(data, "valuehigh", pairs->value.high);
    figure_data_fact_number(data, "deltalow", pairs->delta.low);
    figure_data_fact_number(data, "deltahigh", pairs->delta.high);
    figure_data_fact_number(data, "margin", pairs->comparison->view->margin);
    text_free(&value);
    text_free(&delta);
}

bool figure_pairs_write(const struct figure *figure, const struct figure_source *source, struct text *data, struct error *error)
{
    (void)error;
    struct text blocks = {0};
    struct pairs pairs = {.comparison = source->comparison,
                          .value = range_empty,
                          .delta = {0, 0},
                          .reach = figure_data_reach(source->comparison)};
    double margin = source->comparison->view->margin;
    cast_choose(pairs.comparison, false, &pairs.arena, &pairs.cast);
    pairs_rows(&pairs, &blocks);
    pairs_seeds(&pairs, &blocks);
    pairs_diverged(&pairs, &blocks);
    range_offer(&pairs.delta, margin);
    range_offer(&pairs.delta, -margin);
    range_widen(&pairs.value, 0.08);
    range_widen(&pairs.delta, 0.05);
    pairs_off_scale(&pairs, &blocks);
    pairs_facts(figure, &pairs, data);
    text_add(data, "%s", blocks.data);
    text_free(&blocks);
    arena_close(&pairs.arena);
    return true;
}

// ---- The metric against a cost ----------------------------------------------------------------------------------------------

static double largest_cost(const struct figure *figure, const struct comparison *comparison)
{
    double largest = 0;
    for (int i = 0; i < comparison->arm_count; i++)
        for (int seed = 0; seed < comparison->view->seed_count; seed++)
            largest = fmax(largest, figure->cost.value(&comparison->view->arms[i].runs[seed]));
    return largest;
}

struct cost_blocks {
    struct text seeds, means, diverged;
    struct range cost, value;
};

static void cost_arm(const struct figure *figure, const struct comparison *comparison, int line, int place, double size,
                     struct cost_blocks *blocks)
{
    const struct comparison_arm *arm = &comparison->arms[place];
    double floor = floor_of(comparison), sums[2] = {0, 0};
    int count = 0;
    for (int seed = 0; seed < comparison->view->seed_count; seed++) {
        const struct run_view *run = &comparison->view->arms[place].runs[seed];
        const double point[] = {figure->cost.value(run) / size, arm->values[seed] - floor};
        if (run->state == RUN_DIVERGED && !run->exclusion) {
            text_add(&blocks->diverged, "%d", line);
            numbers(&blocks->diverged, 1, point);
            text_add(&blocks->diverged, "\n");
            range_offer(&blocks->cost, point[0]);
        }
        if (!isfinite(point[0]) || !isfinite(point[1]))
            continue;
        text_add(&blocks->seeds, "%d", line);
        numbers(&blocks->seeds, 2, point);
        text_add(&blocks->seeds, "\n");
        range_offer(&blocks->cost, point[0]);
        range_offer(&blocks->value, point[1]);
        sums[0] += point[0];
        sums[1] += point[1];
        count++;
    }
    if (!count || arm->diverged) // survivors are not averaged
        return;
    const double mean[] = {sums[0] / count, sums[1] / count};
    text_add(&blocks->means, "%d", line);
    numbers(&blocks->means, 2, mean);
    text_add(&blocks->means, "\n");
}

bool figure_cost_write(const struct figure *figure, const struct figure_source *source, struct text *data, struct error *error)
{
    (void)error;
    const struct comparison *comparison = source->comparison;
    struct arena arena = {0};
    struct cast cast;
    cast_choose(comparison, true, &arena, &cast);
    const struct figure_unit *unit = figure_unit_for(figure->cost.units, largest_cost(figure, comparison));
    struct cost_blocks blocks = {.cost = range_empty, .value = range_empty};
    for (int i = 0; i < cast.count; i++)
        cost_arm(figure, comparison, i + 1, cast.arms[i], unit->size, &blocks);
    range_widen(&blocks.cost, 0.08);
    range_widen(&blocks.value, 0.08);
    struct text x_label = {0}, y_label = {0};
    text_add(&x_label, *unit->name ? "%s (%s)" : "%s%s", figure->cost.what, unit->name);
    summary_metric(comparison, &y_label);
    figure_data_fact(data, "title", figure->title);
    figure_data_fact(data, "xlabel", x_label.data);
    figure_data_fact(data, "ylabel", y_label.data);
    figure_data_fact_number(data, "named", cast.named);
    figure_data_fact_number(data, "xlow", blocks.cost.low);
    figure_data_fact_number(data, "xhigh", blocks.cost.high);
    figure_data_fact_number(data, "ylow", blocks.value.low);
    figure_data_fact_number(data, "yhigh", blocks.value.high);
    figure_data_arms(data, comparison, &cast, NULL);
    figure_data_block(data, "arm (its line above), cost, value of a seed");
    text_add(data, "NULL\tNULL\tNULL\n%s", blocks.seeds.data ? blocks.seeds.data : "");
    figure_data_block(data, "arm (its line above), mean cost, mean value");
    text_add(data, "NULL\tNULL\tNULL\n%s", blocks.means.data ? blocks.means.data : "");
    figure_data_block(data, "arm (its line above), cost of a run that diverged");
    text_add(data, "NULL\tNULL\n%s", blocks.diverged.data ? blocks.diverged.data : "");
    text_free(&x_label);
    text_free(&y_label);
    text_free(&blocks.seeds);
    text_free(&blocks.means);
    text_free(&blocks.diverged);
    arena_close(&arena);
    return true;
}
