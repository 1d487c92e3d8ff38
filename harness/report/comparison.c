// comparison.c: sorts runs into those that count and those that do not, and hands what counts to the statistics.
#include "report/comparison.h"

#include <math.h>
#include <string.h>

static bool counts_as_run(const struct run_view *run)
{
    return (run->state == RUN_FINISHED || run->state == RUN_DIVERGED) && !run->exclusion;
}

// ---- Which runs count -------------------------------------------------------------------------------------------------------

static void gap_add(struct comparison *comparison, const struct comparison_arm *arm, const struct run_view *run,
                    const char *reason)
{
    comparison->gaps[comparison->gap_count++] = (struct comparison_gap){
        .arm = arm->name,
        .seed = run->seed,
        .state = run->state,
        .reason = reason,
        .diverged_at = run->diverged_at,
    };
}

// A finished run without a value of the metric counts as failed: nothing is filled in for it.
static void sort_run(struct comparison *comparison, struct comparison_arm *arm, const struct run_view *run, double value,
                     struct arena *arena)
{
    if (run->exclusion) {
        arm->excluded++;
        gap_add(comparison, arm, run, arena_format(arena, "excluded: %s", run->exclusion));
    } else if (run->state == RUN_DIVERGED) {
        arm->diverged++;
        gap_add(comparison, arm, run, NULL);
    } else if (run->state == RUN_FAILED) {
        arm->failed++;
        gap_add(comparison, arm, run, NULL);
    } else if (run->state == RUN_FINISHED && !isfinite(value)) {
        arm->failed++;
        gap_add(comparison, arm, run, arena_format(arena, "no value of %s", comparison->view->metric));
    } else if (run->state == RUN_FINISHED) {
        arm->finished++;
    } else {
        arm->pending++;
    }
}

// The least value of an arm's finished runs, where the experiment requires more; -inf: one of them has none.
static double missed_by(const struct comparison *comparison, const double *required, const struct comparison_arm *arm)
{
    double least = INFINITY;
    for (int s = 0; required && s < comparison->view->seed_count; s++)
        if (isfinite(arm->values[s]))
            least = fmin(least, isfinite(required[s]) ? required[s] : -INFINITY);
    return least >= comparison->requirement.least ? NAN : least;
}

static void sort_runs(const struct comparison_values *from, struct comparison *comparison, struct arena *arena)
{
    const struct experiment_view *view = comparison->view;
    int seeds = view->seed_count, few = seeds < 2 ? seeds : 2;
    comparison->gaps = arena_allocate(arena, (size_t)view->arm_count * (size_t)seeds, sizeof *comparison->gaps);
    for (int a = 0; a < view->arm_count; a++) {
        struct comparison_arm *arm = &comparison->arms[a];
        double *values = arena_allocate(arena, (size_t)seeds, sizeof *values);
        for (int s = 0; s < seeds; s++) {
            const struct run_view *run = &view->arms[a].runs[s];
            double value = from->metric[(size_t)a * (size_t)seeds + (size_t)s];
            sort_run(comparison, arm, run, value, arena);
            values[s] = run->state == RUN_FINISHED && !run->exclusion && isfinite(value) ? value : NAN;
        }
        arm->values = values;
        arm->missed = missed_by(comparison, from->required ? from->required + (size_t)a * (size_t)seeds : NULL, arm);
        arm->counted = arm->diverged == 0 && isnan(arm->missed) && arm->finished + arm->pending >= few;
        comparison->finished += arm->finished;
        comparison->pending += arm->pending;
        comparison->diverged += arm->diverged;
        comparison->failed += arm->failed;
        comparison->excluded += arm->excluded;
    }
    for (int a = 0; a < view->arm_count; a++) {
        struct comparison_arm *arm = &comparison->arms[a];
        arm->compared = arm->counted && !arm->is_baseline && comparison->arms[view->baseline].counted;
        comparison->compared += arm->compared;
    }
}

static void find_shared_seeds(struct comparison *comparison, struct arena *arena)
{
    int *shared = arena_allocate(arena, (size_t)comparison->view->seed_count, sizeof *shared);
    for (int s = 0; s < comparison->view->seed_count; s++) {
        int counted = 0, complete = 0;
        for (int a = 0; a < comparison->arm_count; a++) {
            counted += comparison->arms[a].counted;
            complete += comparison->arms[a].counted && isfinite(comparison->arms[a].values[s]);
        }
        if (counted > 0 && complete == counted)
            shared[comparison->shared_count++] = s;
    }
    comparison->shared = shared;
}

// ---- What a run cost --------------------------------------------------------------------------------------------------------

static double unless_zero(double value) { return value > 0 ? value : NAN; }

static void arm_costs(const struct experiment_view *view, const struct arm_view *from, struct comparison_arm *arm)
{
    double log_speed = 0, seconds = 0;
    int runs = 0;
    arm->peak_bytes = arm->parameters = arm->parameters_without_embeddings = arm->flops = NAN;
    for (int s = 0; s < view->seed_count; s++) {
        const struct run_view *run = &from->runs[s];
        if (!counts_as_run(run))
            continue;
        runs++;
        log_speed += log(run->tokens_per_s);
        seconds += run->seconds;
        arm->shared_machine |= run->shared_machine;
        arm->peak_bytes = fmax(arm->peak_bytes, unless_zero(run->peak_bytes));
        arm->parameters = fmax(arm->parameters, unless_zero((double)run->parameters));
        arm->parameters_without_embeddings =
            fmax(arm->parameters_without_embeddings, unless_zero((double)run->parameters_without_embeddings));
        arm->flops = fmax(arm->flops, unless_zero(run->flops));
    }
    arm->tokens_per_s = runs && isfinite(log_speed) ? exp(log_speed / runs) : NAN;
    arm->seconds = runs ? seconds / runs : NAN;
}

static void costs(struct comparison *comparison)
{
    const struct experiment_view *view = comparison->view;
    double per_seed = 0;
    for (int a = 0; a < comparison->arm_count; a++) {
        arm_costs(view, &view->arms[a], &comparison->arms[a]);
        if (isfinite(comparison->arms[a].seconds))
            per_seed += comparison->arms[a].seconds;
        for (int s = 0; s < view->seed_count; s++) {
            double seconds = view->arms[a].runs[s].seconds;
            comparison->seconds += isfinite(seconds) ? seconds : 0;
        }
    }
    comparison->seconds_per_seed = per_seed > 0 ? per_seed : NAN;
}

// ---- The answer -------------------------------------------------------------------------------------------------------------

static double mean_over_shared(const struct comparison *comparison, const double *values)
{
    double sum = 0;
    for (int i = 0; i < comparison->shared_count; i++)
        sum += values[comparison->shared[i]];
    return comparison->shared_count ? sum / comparison->shared_count : NAN;
}

// Rows of a sample: the baseline, then every arm that is compared; `from` is [arm_count, seed_count].
static double *gather(const struct comparison *comparison, const double *from, struct arena *arena)
{
    size_t rows = (size_t)comparison->compared + 1, n = (size_t)comparison->shared_count, row = 1;
    double *values = arena_allocate(arena, rows * n, sizeof *values);
    for (int a = 0; a < comparison->arm_count; a++) {
        if (!comparison->arms[a].compared && !comparison->arms[a].is_baseline)
            continue;
        double *to = values + (comparison->arms[a].is_baseline ? 0 : row++) * n;
        for (size_t i = 0; i < n; i++)
            to[i] = from[(size_t)a * (size_t)comparison->view->seed_count + (size_t)comparison->shared[i]];
    }
    return values;
}

static void compare_metric(struct comparison *comparison, const double *metric, struct arena *arena)
{
    struct sample sample = {
        .arms = comparison->compared,
        .seeds = comparison->shared_count,
        .values = gather(comparison, metric, arena),
        .alpha = comparison->alpha,
        .margin = comparison->view->margin,
        .maximize = comparison->view->maximize,
    };
    struct difference *differences = arena_allocate(arena, (size_t)sample.arms, sizeof *differences), *next = differences;
    statistics_compare(&sample, differences);
    comparison->seed_deviation = statistics_seed_deviation(&sample);
    comparison->pairing = sample.arms > 0 ? statistics_pairing(&sample) : NAN;
    for (int a = 0; a < comparison->arm_count; a++) {
        struct comparison_arm *arm = &comparison->arms[a];
        if (!arm->compared)
            continue;
        arm->difference = *next++;
        if (arm->difference.verdict == VERDICT_NOT_DISTINGUISHABLE)
            arm->seeds_needed = statistics_seeds_needed(&arm->difference, sample.arms, sample.alpha, arm->difference.delta);
    }
}

// Speeds multiply, so their logarithms are compared: a delta of -.05 is 5% slower.
static void compare_speed(struct comparison *comparison, struct arena *arena)
{
    int seeds = comparison->view->seed_count;
    double *logs = arena_allocate(arena, (size_t)comparison->arm_count * (size_t)seeds, sizeof *logs);
    for (int a = 0; a < comparison->arm_count; a++)
        for (int s = 0; s < seeds; s++)
            logs[a * seeds + s] = log(comparison->view->arms[a].runs[s].tokens_per_s);
    struct sample sample = {
        .arms = comparison->compared,
        .seeds = comparison->shared_count,
        .values = gather(comparison, logs, arena),
        .alpha = comparison->alpha,
        .margin = NAN,
        .maximize = true,
    };
    for (int i = 0; i < (sample.arms + 1) * sample.seeds; i++)
        if (!isfinite(sample.values[i]))
            return;
    struct difference *differences = arena_allocate(arena, (size_t)sample.arms, sizeof *differences), *next = differences;
    statistics_compare(&sample, differences);
    for (int a = 0; a < comparison->arm_count; a++)
        if (comparison->arms[a].compared)
            comparison->arms[a].speed = *next++;
}

static void compare_divergences(struct comparison *comparison)
{
    const struct comparison_arm *baseline = &comparison->arms[comparison->view->baseline];
    int baseline_runs = baseline->finished + baseline->diverged;
    for (int a = 0; a < comparison->arm_count; a++) {
        struct comparison_arm *arm = &comparison->arms[a];
        if (arm->is_baseline || arm->diverged + baseline->diverged == 0)
            continue;
        arm->difference.verdict = VERDICT_DIVERGED;
        arm->divergence_p = statistics_fisher(arm->diverged, arm->finished + arm->diverged, baseline->diverged, baseline_runs);
    }
}

// A floor is one number or none: excesses over different floors do not belong into one column.
static void find_floor(struct comparison *comparison, const double *excess)
{
    size_t seeds = (size_t)comparison->view->seed_count;
    double floor = NAN;
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct comparison_arm *arm = &comparison->arms[a];
        for (int i = 0; arm->counted && i < comparison->shared_count; i++) {
            size_t s = (size_t)comparison->shared[i];
            double own = arm->values[s] - excess[(size_t)a * seeds + s];
            if (!isfinite(own) || fabs(own - floor) > 1e-6 * fabs(own))
                return;
            floor = own;
        }
    }
    comparison->floor = floor;
}

static double mean_block_error(const struct comparison *comparison, const double *block_error)
{
    double sum = 0;
    int arms = 0;
    for (int a = 0; a < comparison->arm_count; a++)
        if (comparison->arms[a].counted) {
            sum += mean_over_shared(comparison, block_error + (size_t)a * (size_t)comparison->view->seed_count);
            arms++;
        }
    return arms ? sum / arms : NAN;
}

static void name_arms(const struct comparison_values *values, struct comparison *comparison)
{
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct arm_view *from = &comparison->view->arms[a];
        comparison->arms[a] = (struct comparison_arm){
            .name = from->name,
            .differs = from->differs,
            .is_placebo = from->is_placebo,
            .is_baseline = a == comparison->view->baseline,
            .value = NAN,
            .excess = NAN,
            .difference = difference_unknown,
            .divergence_p = NAN,
            .speed = difference_unknown,
            .data = values->data[a],
            .steps = values->steps[a],
            .learning_rate = values->learning_rate[a],
            .attention = values->attention[a],
            .length = values->length[a],
        };
    }
}

void comparison_make(const struct experiment_view *view, const struct comparison_values *values, struct arena *arena,
                     struct comparison *comparison)
{
    *comparison = (struct comparison){
        .view = view,
        .requirement = values->requirement,
        .arm_count = view->arm_count,
        .arms = arena_allocate(arena, (size_t)view->arm_count, sizeof *comparison->arms),
        .alpha = view->extension_declared ? statistics_look_alpha(view->looks) : STATISTICS_ALPHA,
        .exploratory = (view->looks > 1 && !view->extension_declared) || view->declared_after > 0,
        .floor = NAN,
        .seed_deviation = NAN,
        .pairing = NAN,
        .block_error = NAN,
    };
    name_arms(values, comparison);
    sort_runs(values, comparison, arena);
    find_shared_seeds(comparison, arena);
    costs(comparison);
    find_floor(comparison, values->excess);
    comparison->block_error = mean_block_error(comparison, values->block_error);
    for (int a = 0; a < comparison->arm_count; a++) {
        struct comparison_arm *arm = &comparison->arms[a];
        arm->value = arm->counted ? mean_over_shared(comparison, arm->values) : NAN;
        arm->excess = arm->value - comparison->floor;
    }
    if (comparison->arms[view->baseline].counted)
        compare_metric(comparison, values->metric, arena);
    if (comparison->compared > 0)
        compare_speed(comparison, arena);
    compare_divergences(comparison);
}

bool comparison_metric_is(const char *metric, const char *end)
{
    size_t length = strcspn(metric, "@"), tail = strlen(end);
    return length >= tail && !strncmp(metric + length - tail, end, tail);
}

const char *comparison_unit(const struct comparison *comparison)
{
    static const char *const of_bytes[] = {"prose", "text"};
    if (!comparison_metric_is(comparison->view->metric, "_loss") && !comparison_metric_is(comparison->view->metric, "_excess"))
        return "";
    const char *data = comparison->arms[comparison->view->baseline].data;
    if (!data || !*data)
        return "nats";
    for (size_t i = 0; i < sizeof of_bytes / sizeof *of_bytes; i++)
        if (!strncmp(data, of_bytes[i], strlen(of_bytes[i])))
            return "nats per byte";
    return "nats per token";
}

double comparison_floor(const struct comparison *comparison)
{
    return comparison_metric_is(comparison->view->metric, "_excess") ? 0 : comparison->floor;
}
