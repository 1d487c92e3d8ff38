// figure_curves.c: the data of figures over the training steps: a band over the seeds of every arm, or its runs one by one.
//
// An arm with a diverged run is shown run by run, up to where each ended: survivors are not averaged. Steps count the training
// steps done. Failed, excluded and missing runs have no line.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure.h"
#include "report/figure_data.h"

// One run's series, smoothed and thinned.
struct curve {
    int64_t count, diverged_at; // diverged_at: step, or -1
    int64_t *steps;
    double *values;
};
struct curves {
    const struct figure *figure;
    const struct figure_source *source;
    const char *metric;
    bool above_floor;
    struct arena arena;
    struct cast cast;
    struct curve *runs; // [arm of the cast, seed]
    int seeds;
};

enum { POINTS_MAX = 240, WINDOWS_PER_TRAINING = 40, LOGARITHMIC_FROM = 5 };

// ---- From the store to curves -----------------------------------------------------------------------------------------------

// The running mean over `window` values up to and with i; what is not finite makes it so.
static double running_mean(const double *values, int64_t i, int64_t window)
{
    int64_t begin = i + 1 > window ? i + 1 - window : 0;
    double sum = 0;
    for (int64_t j = begin; j <= i; j++)
        sum += values[j];
    return sum / (double)(i + 1 - begin);
}

static void curve_make(struct curves *all, const struct series *series, bool counts_from_zero, struct curve *curve)
{
    int64_t window = all->figure->curve.smooth ? series->count / WINDOWS_PER_TRAINING + 1 : 1;
    int64_t stride = (series->count + POINTS_MAX - 1) / POINTS_MAX;
    curve->steps = arena_allocate(&all->arena, (size_t)(series->count / (stride ? stride : 1)) + 2, sizeof *curve->steps);
    curve->values = arena_allocate(&all->arena, (size_t)(series->count / (stride ? stride : 1)) + 2, sizeof *curve->values);
    for (int64_t i = 0; i < series->count; i++) {
        // A thinned curve keeps the same steps in every run, whatever its length, and its own last one.
        if (i % stride && i + 1 < series->count)
            continue;
        curve->steps[curve->count] = series->steps[i] + counts_from_zero;
        curve->values[curve->count++] = running_mean(series->values, i, window);
    }
}

static bool curve_read(struct curves *all, const struct run_view *run, struct curve *curve, struct error *error)
{
    struct series series;
    *curve = (struct curve){.diverged_at = -1};
    if ((run->state != RUN_FINISHED && run->state != RUN_DIVERGED) || run->exclusion)
        return true;
    if (!view_series(all->source->store, run->id, all->metric, &all->arena, &series, error))
        return false;
    // Values of a training step count from 0, evaluations carry the steps done.
    curve_make(all, &series, strncmp(all->metric, "val_", 4) != 0, curve);
    curve->diverged_at = run->state == RUN_DIVERGED ? run->diverged_at : -1;
    return true;
}

// arm - baseline at the steps that both have.
static void curve_subtract(struct curve *arm, const struct curve *baseline)
{
    int64_t kept = 0;
    for (int64_t i = 0, j = 0; i < arm->count; i++) {
        while (j < baseline->count && baseline->steps[j] < arm->steps[i])
            j++;
        if (j == baseline->count || baseline->steps[j] != arm->steps[i])
            continue;
        arm->steps[kept] = arm->steps[i];
        arm->values[kept++] = arm->values[i] - baseline->values[j];
    }
    arm->count = kept;
    if (arm->diverged_at < 0)
        arm->diverged_at = baseline->diverged_at;
}

static bool curves_read(struct curves *all, struct error *error)
{
    const struct experiment_view *view = all->source->comparison->view;
    bool difference = all->figure->curve.difference;
    all->seeds = view->seed_count;
    all->runs = arena_allocate(&all->arena, (size_t)all->cast.count * (size_t)all->seeds, sizeof *all->runs);
    for (int seed = 0; seed < all->seeds; seed++) {
        struct curve baseline;
        if (difference && !curve_read(all, &view->arms[view->baseline].runs[seed], &baseline, error))
            return false;
        for (int i = 0; i < all->cast.count; i++) {
            struct curve *curve = &all->runs[i * all->seeds + seed];
            if (!curve_read(all, &view->arms[all->cast.arms[i]].runs[seed], curve, error))
                return false;
            if (difference)
                curve_subtract(curve, &baseline);
        }
    }
    return true;
}

// ---- From curves to the data file -------------------------------------------------------------------------------------------

static bool any_diverged(const struct curves *all, int arm)
{
    for (int seed = 0; seed < all->seeds; seed++)
        if (all->runs[arm * all->seeds + seed].diverged_at >= 0)
            return true;
    return false;
}

static const double *value_at(const struct curve *curve, int64_t step)
{
    for (int64_t i = 0; i < curve->count; i++)
        if (curve->steps[i] == step)
            return &curve->values[i];
    return NULL;
}

// Where every run that has a curve has a value: mean, lowest and highest.
static void write_band(const struct curves *all, int arm, struct text *data)
{
    const struct curve *runs = &all->runs[arm * all->seeds], *first = NULL;
    for (int seed = 0; seed < all->seeds && !first; seed++)
        if (runs[seed].count)
            first = &runs[seed];
    size_t before = data->length;
    for (int64_t i = 0; first && !any_diverged(all, arm) && i < first->count; i++) {
        struct range range = range_empty;
        double sum = 0;
        int count = 0;
        bool complete = true;
        for (int seed = 0; seed < all->seeds; seed++) {
            const double *value = value_at(&runs[seed], first->steps[i]);
            complete = complete && (value ? isfinite(*value) : !runs[seed].count);
            if (value && isfinite(*value)) {
                sum += *value;
                count++;
                range_offer(&range, *value);
            }
        }
        if (!complete)
            continue;
        text_add(data, "%lld\t", (long long)first->steps[i]);
        figure_data_number(data, sum / count);
        text_add(data, "\t");
        figure_data_number(data, range.low);
        text_add(data, "\t");
        figure_data_number(data, range.high);
        text_add(data, "\n");
    }
    if (data->length == before)
        text_add(data, "NULL\tNULL\tNULL\tNULL\n");
}

static void write_runs(const struct curves *all, int arm, struct text *data)
{
    bool diverged = any_diverged(all, arm), any = false;
    for (int seed = 0; diverged && seed < all->seeds; seed++) {
        const struct curve *curve = &all->runs[arm * all->seeds + seed];
        text_add(data, any && curve->count ? "\n" : "");
        for (int64_t i = 0; i < curve->count; i++) {
            text_add(data, "%lld\t", (long long)curve->steps[i]);
            figure_data_number(data, curve->values[i]);
            text_add(data, "\n");
            any = true;
        }
    }
    if (!any)
        text_add(data, "NULL\tNULL\n");
}

// A cross at the last finite value of a run that diverged, inside the range.
static void write_crosses(const struct curves *all, struct range range, struct text *data)
{
    text_add(data, "NULL\tNULL\tNULL\n"); // a block without a line would not count
    for (int i = 0; i < all->cast.count; i++) {
        for (int seed = 0; seed < all->seeds; seed++) {
            const struct curve *curve = &all->runs[i * all->seeds + seed];
            int64_t last = curve->count - 1;
            while (last >= 0 && !isfinite(curve->values[last]))
                last--;
            if (curve->diverged_at < 0)
                continue;
            double value = last >= 0 ? curve->values[last] : range.high;
            int64_t step = last >= 0 ? curve->steps[last] : curve->diverged_at;
            text_add(data, "%d\t%lld\t", i + 1, (long long)step);
            figure_data_number(data, fmax(range.low, fmin(range.high, value)));
            text_add(data, "\n");
        }
    }
}

// Whether an arm's difference at the end is one that the axis is not made for.
static bool is_off_scale(const struct curves *all, int arm)
{
    const struct difference *difference = &all->source->comparison->arms[all->cast.arms[arm]].difference;
    return all->figure->curve.difference && fabs(difference->delta) > figure_data_reach(all->source->comparison);
}

static bool is_scaled_for(const struct curves *all, const struct curve *curve)
{
    return curve->diverged_at < 0 && !is_off_scale(all, (int)((curve - all->runs) / all->seeds));
}

// What the vertical axis must hold: runs that did not diverge, after their first steps.
static struct range vertical_range(const struct curves *all, int64_t steps, bool *logarithmic)
{
    struct range range = range_empty;
    if (all->figure->curve.difference)
        range_offer(&range, 0);
    const struct curve *end = all->runs + all->cast.count * all->seeds;
    for (int pass = 0; pass < 2 && range.low >= range.high; pass++) // other runs only when there is nothing else
        for (const struct curve *curve = all->runs; curve < end; curve++)
            for (int64_t i = 0; i < curve->count && (pass || is_scaled_for(all, curve)); i++)
                if ((double)curve->steps[i] >= all->figure->curve.settled * (double)steps)
                    range_offer(&range, curve->values[i]);
    // Less than that holds hardly a mark at 1, 2 or 5, and a straight axis shows it as well.
    *logarithmic = *logarithmic && range.low > 0 && range.high > LOGARITHMIC_FROM * range.low;
    if (*logarithmic) {
        double air = pow(range.high / range.low, 0.04);
        return (struct range){range.low / air, range.high * air};
    }
    range_widen(&range, 0.05);
    return range;
}

static int64_t last_step(const struct curves *all)
{
    int64_t last = 1;
    for (int i = 0; i < all->cast.count * all->seeds; i++)
        if (all->runs[i].count && all->runs[i].steps[all->runs[i].count - 1] > last)
            last = all->runs[i].steps[all->runs[i].count - 1];
    return last;
}

static void write_facts(const struct curves *all, struct range range, int64_t steps, bool logarithmic, struct text *data)
{
    const struct figure *figure = all->figure;
    struct text label = {0};
    const char *unit = figure->curve.is_loss ? comparison_unit(all->source->comparison) : "";
    if (figure->curve.difference)
        text_add(&label, *unit ? "difference (%s)" : "difference of %s", *unit ? unit : figure->curve.metric);
    else
        text_add(&label, "%s%s", *unit ? unit : figure->curve.metric, all->above_floor ? " above the floor" : "");
    figure_data_fact(data, "title", figure->title);
    figure_data_fact(data, "xlabel", "training steps");
    figure_data_fact(data, "ylabel", label.data);
    figure_data_fact_number(data, "named", all->cast.named);
    figure_data_fact_number(data, "xhigh", (double)steps);
    figure_data_fact_number(data, "ylow", range.low);
    figure_data_fact_number(data, "yhigh", range.high);
    figure_data_fact(data, "yscale", logarithmic ? "log" : "linear");
    if (figure->curve.difference)
        figure_data_fact_number(data, "zero", 0);
    text_free(&label);
}

bool figure_curves_write(const struct figure *figure, const struct figure_source *source, struct text *data,
                         struct error *error)
{
    bool above_floor = figure->curve.excess && isfinite(comparison_floor(source->comparison));
    struct curves all = {.figure = figure,
                         .source = source,
                         .above_floor = above_floor,
                         .metric = above_floor ? figure->curve.excess : figure->curve.metric};
    cast_choose(source->comparison, !figure->curve.difference, &all.arena, &all.cast);
    bool done = curves_read(&all, error);
    if (done) {
        bool logarithmic = figure->curve.logarithmic || above_floor;
        int64_t steps = last_step(&all);
        struct range range = vertical_range(&all, steps, &logarithmic);
        write_facts(&all, range, steps, logarithmic, data);
        bool *off_scale = arena_allocate(&all.arena, (size_t)all.cast.count, sizeof *off_scale);
        for (int i = 0; i < all.cast.count; i++)
            off_scale[i] = is_off_scale(&all, i);
        figure_data_arms(data, source->comparison, &all.cast, off_scale);
        for (int i = 0; i < all.cast.count; i++) {
            figure_data_block(data, "steps, mean, lowest, highest seed of an arm");
            write_band(&all, i, data);
        }
        for (int i = 0; i < all.cast.count; i++) {
            figure_data_block(data, "steps, value of the runs of an arm of which one diverged");
            write_runs(&all, i, data);
        }
        figure_data_block(data, "arm (its line above), steps, value where a run diverged");
        write_crosses(&all, range, data);
    }
    arena_close(&all.arena);
    return done;
}
