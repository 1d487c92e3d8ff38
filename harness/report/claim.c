// claim.c: reads claims from the stored file and judges each.
#include "report/claim.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "registry/run.h"

const char *const outcome_names[] = {
    [OUTCOME_OPEN] = "open",
    [OUTCOME_REPRODUCED] = "reproduced",
    [OUTCOME_CONTRADICTED] = "contradicted",
    [OUTCOME_EQUIVALENT] = "no difference that matters",
    [OUTCOME_NOT_DISTINGUISHABLE] = "not distinguishable",
};

struct reading {
    struct store *store;
    const struct comparison *comparison;
    struct arena *arena;
    struct error *error;
};

// ---- What was measured ------------------------------------------------------------------------------------------------------

static int arm_named(const struct comparison *comparison, const char *name)
{
    for (int a = 0; a < comparison->arm_count; a++)
        if (!strcmp(comparison->arms[a].name, name))
            return a;
    return -1;
}

// Why an arm cannot be judged, or NULL.
static const char *hindrance(const struct reading *reading, const char *name, int arm)
{
    const struct comparison_arm *own = arm < 0 ? NULL : &reading->comparison->arms[arm];
    const char *reason = !own                  ? "is no arm of this experiment"
                         : own->diverged       ? "diverged"
                         : !isnan(own->missed) ? "misses what is required"
                         : own->pending        ? "has runs still to come"
                         : !own->counted       ? "has too few runs"
                                               : NULL;
    return reason ? arena_format(reading->arena, "%s %s", name, reason) : NULL;
}

// [2, shared_count], the right side first: the difference is left - right.
static bool read_values(const struct reading *reading, struct claim *claim, const int *arms, double *values)
{
    const struct comparison *comparison = reading->comparison;
    const struct measurement *sides[] = {&claim->expected.right, &claim->expected.left};
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < comparison->shared_count; i++) {
            double *value = &values[side * comparison->shared_count + i];
            if (!sides[side]->metric) {
                *value = sides[side]->number;
                continue;
            }
            const struct run_view *run = &comparison->view->arms[arms[side]].runs[comparison->shared[i]];
            if (!view_final(reading->store, run->id, sides[side]->metric, value, reading->error))
                return false;
            if (!isfinite(*value))
                claim->why = arena_format(reading->arena, "no value of %s", sides[side]->metric);
        }
    return true;
}

static double mean(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

// The difference that the table of all arms shows already, so that a page says one thing; false where it is another one.
static bool take_from_family(const struct comparison *comparison, const int *arms, struct claim *claim)
{
    const char *metric = comparison->view->metric;
    if (!claim->expected.right.metric)
        return false;
    const struct comparison_arm *right = &comparison->arms[arms[0]], *left = &comparison->arms[arms[1]];
    if (strcmp(claim->expected.left.metric, metric) || strcmp(claim->expected.right.metric, metric) ||
        right->is_baseline == left->is_baseline)
        return false;
    claim->difference = right->is_baseline ? left->difference : right->difference;
    if (left->is_baseline) {
        claim->difference.delta = -right->difference.delta;
        claim->difference.low = -right->difference.high;
        claim->difference.high = -right->difference.low;
    }
    return claim->of_family = true;
}

// The margin is declared for the primary metric, and holds for it under every attention it is evaluated with.
static double margin_for(const struct comparison *comparison, const struct claim *claim)
{
    const char *primary = comparison->view->metric;
    size_t length = strcspn(primary, "@");
    const struct measurement *sides[] = {&claim->expected.left, &claim->expected.right};
    for (int i = 0; i < 2; i++)
        if (sides[i]->metric && (strcspn(sides[i]->metric, "@") != length || strncmp(sides[i]->metric, primary, length) != 0))
            return NAN;
    return comparison->view->margin;
}

// Alike is what lies within the margin as a whole, and unlike what lies outside of it as a whole; without a margin nothing is
// alike.
static enum outcome judge(const struct claim *claim, double margin)
{
    const struct difference *difference = &claim->difference;
    double least = isnan(margin) ? 0 : margin;
    if (claim->expected.relation == RELATION_ALIKE)
        return difference->within_margin                              ? OUTCOME_REPRODUCED
               : difference->high < -least || difference->low > least ? OUTCOME_CONTRADICTED
                                                                      : OUTCOME_NOT_DISTINGUISHABLE;
    bool below = difference->high<0, above = difference->low> 0;
    if (below || above)
        return below == (claim->expected.relation == RELATION_BELOW) ? OUTCOME_REPRODUCED : OUTCOME_CONTRADICTED;
    return difference->within_margin ? OUTCOME_EQUIVALENT : OUTCOME_NOT_DISTINGUISHABLE;
}

static bool measure(const struct reading *reading, struct claim *claim)
{
    const struct comparison *comparison = reading->comparison;
    const struct measurement *right = &claim->expected.right, *left = &claim->expected.left;
    const int arms[] = {right->metric ? arm_named(comparison, right->arm) : -1, arm_named(comparison, left->arm)};
    int seeds = comparison->shared_count;
    claim->why = hindrance(reading, left->arm, arms[1]);
    if (!claim->why && right->metric)
        claim->why = hindrance(reading, right->arm, arms[0]);
    if (!claim->why && seeds < 2)
        claim->why = "fewer than two seeds are complete in every arm";
    double *values = arena_allocate(reading->arena, 2 * (size_t)seeds, sizeof *values);
    if (claim->why)
        return true;
    if (!read_values(reading, claim, arms, values))
        return false;
    if (claim->why)
        return true;
    claim->seeds = seeds;
    claim->right = mean(values, seeds);
    claim->left = mean(values + seeds, seeds);
    const double margin = margin_for(comparison, claim);
    const struct sample sample = {.arms = 1, .seeds = seeds, .values = values, .alpha = STATISTICS_ALPHA, .margin = margin};
    if (!take_from_family(comparison, arms, claim))
        statistics_compare(&sample, &claim->difference);
    claim->outcome = judge(claim, margin);
    claim->why = "";
    return true;
}

// ---- What was claimed -------------------------------------------------------------------------------------------------------

static const char *text_of(const struct yaml *claim, const char *key)
{
    const struct yaml *entry = yaml_find(claim, key);
    return entry && entry->kind == YAML_TEXT ? entry->text : "";
}

// {relu: 1.677, unit: log-perplexity} -> "relu: 1.677; log-perplexity"
static const char *published_text(const struct yaml *published, struct arena *arena)
{
    struct text text = {0};
    for (const struct yaml *entry = published && published->kind == YAML_MAP ? published->first : NULL; entry;
         entry = entry->next) {
        bool is_unit = !strcmp(entry->key, "unit");
        if (entry->kind == YAML_TEXT)
            text_add(&text, "%s%s%s%s", text.length ? "; " : "", is_unit ? "" : entry->key, is_unit ? "" : ": ", entry->text);
    }
    return text_keep(&text, arena);
}

bool claims_read(struct store *store, const struct comparison *comparison, struct arena *arena, int *count,
                 struct claim **claims, struct error *error)
{
    const struct reading reading = {.store = store, .comparison = comparison, .arena = arena, .error = error};
    const struct yaml *list = yaml_find(comparison_file(comparison->view, arena), "claims");
    *count = 0;
    *claims = list ? arena_allocate(arena, (size_t)list->count, sizeof **claims) : NULL;
    for (const struct yaml *entry = list && list->kind == YAML_LIST ? list->first : NULL; entry; entry = entry->next) {
        struct claim *claim = &(*claims)[(*count)++];
        struct error trouble = {0};
        *claim = (struct claim){.says = text_of(entry, "says"),
                                .source = text_of(entry, "source"),
                                .published = published_text(yaml_find(entry, "published"), arena),
                                .left = NAN,
                                .right = NAN,
                                .difference = difference_unknown};
        if (!expectation_parse(text_of(entry, "expect"), arena, &claim->expected, &trouble)) {
            claim->why = arena_copy_text(arena, trouble.text);
            continue;
        }
        if (!measure(&reading, claim))
            return false;
    }
    return true;
}
