// figure_data.c: fields, facts, arms and ranges of a figure's data file.
#include "report/figure_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// ---- Which arms are told apart ----------------------------------------------------------------------------------------------

struct candidate {
    int arm, rank;
    double size;
};

// Lower ranks first: an answer on the metric, then the rest, then what is there to be no different.
static int rank_of(const struct comparison_arm *arm)
{
    enum verdict verdict = arm->difference.verdict;
    if (arm->is_baseline)
        return 0;
    if (verdict == VERDICT_BETTER || verdict == VERDICT_WORSE || verdict == VERDICT_DIVERGED)
        return 1;
    return arm->is_placebo ? 3 : 2;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *first = a, *second = b;
    if (first->rank != second->rank)
        return first->rank - second->rank;
    if (first->size != second->size)
        return first->size > second->size ? -1 : 1;
    return first->arm - second->arm;
}

static int compare_arms(const void *a, const void *b)
{
    return ((const struct candidate *)a)->arm - ((const struct candidate *)b)->arm;
}

void cast_choose(const struct comparison *comparison, bool with_baseline, struct arena *arena, struct cast *cast)
{
    struct candidate *candidates = arena_allocate(arena, (size_t)comparison->arm_count, sizeof *candidates);
    int count = 0, named_max = SLOT_NAMED_MAX + with_baseline;
    for (int i = 0; i < comparison->arm_count; i++) {
        const struct comparison_arm *arm = &comparison->arms[i];
        double size = fabs(arm->difference.delta);
        if (with_baseline || !arm->is_baseline)
            candidates[count++] = (struct candidate){i, rank_of(arm), isfinite(size) ? size : 0};
    }
    *cast = (struct cast){.count = count, .named = count < named_max ? count : named_max};
    cast->arms = arena_allocate(arena, (size_t)count, sizeof *cast->arms);
    cast->slots = arena_allocate(arena, (size_t)count, sizeof *cast->slots);
    qsort(candidates, (size_t)count, sizeof *candidates, compare_candidates);
    // The chosen keep the experiment's order among themselves, so that an arm has one colour in all figures.
    qsort(candidates, (size_t)cast->named, sizeof *candidates, compare_arms);
    int slot = SLOT_BASELINE;
    for (int i = 0; i < count; i++) {
        cast->arms[i] = candidates[i].arm;
        bool is_baseline = comparison->arms[candidates[i].arm].is_baseline;
        cast->slots[i] = is_baseline ? SLOT_BASELINE : i < cast->named ? ++slot : SLOT_OTHERS;
    }
}

// ---- Fields, facts, blocks --------------------------------------------------------------------------------------------------

void figure_data_text(struct text *data, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            text_add(data, "\xe2\x80\x9d"); // gnuplot ends a field at a double quote
        else if (*c == '\\')
            text_add(data, "\\\\"); // or it would read \n as a line end
        else
            text_add(data, "%c", (unsigned char)*c < ' ' ? ' ' : *c);
    }
}

// gnuplot takes "5e+02" for an integer and stumbles over the rest; "5.0e+02" it reads.
static void add_real(struct text *data, double value)
{
    char digits[40];
    int length = snprintf(digits, sizeof digits, "%.9g", value);
    char *exponent = strchr(digits, 'e');
    int mantissa = exponent ? (int)(exponent - digits) : length;
    text_add(data, "%.*s%s%s", mantissa, digits, exponent && !strchr(digits, '.') ? ".0" : "", exponent ? exponent : "");
}

void figure_data_number(struct text *data, double value)
{
    if (isfinite(value))
        add_real(data, value);
    else
        text_add(data, "NULL");
}

void figure_data_fact(struct text *data, const char *name, const char *value)
{
    text_add(data, "%s\t", name);
    figure_data_text(data, value);
    text_add(data, "\n");
}

void figure_data_fact_number(struct text *data, const char *name, double value)
{
    if (!isfinite(value))
        return;
    text_add(data, "%s\t", name);
    add_real(data, value);
    text_add(data, "\n");
}

void figure_data_block(struct text *data, const char *columns) { text_add(data, "\n\n# %s\n", columns); }

void figure_data_arms(struct text *data, const struct comparison *comparison, const struct cast *cast, const bool *off_scale)
{
    figure_data_block(data, "colour slot, arm");
    for (int i = 0; i < cast->count; i++) {
        text_add(data, "%d\t", cast->slots[i]);
        figure_data_text(data, comparison->arms[cast->arms[i]].name);
        text_add(data, "%s\n", off_scale && off_scale[i] ? " (off the scale)" : "");
    }
}

const struct figure_unit figure_bytes[] = {{1, "bytes"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}, {.name = NULL}};

const struct figure_unit *figure_unit_for(const struct figure_unit *units, double largest)
{
    const struct figure_unit *unit = units;
    while (unit[1].name && unit[1].size <= largest)
        unit++;
    return unit;
}

// ---- Ranges -----------------------------------------------------------------------------------------------------------------

const struct range range_empty = {INFINITY, -INFINITY};

void range_offer(struct range *range, double value)
{
    if (!isfinite(value))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

void range_widen(struct range *range, double share)
{
    if (range->low > range->high)
        *range = (struct range){0, 1};
    double air = share * (range->high - range->low);
    if (air <= 1e-9 * fabs(range->high))
        air = range->high != 0 ? 0.1 * fabs(range->high) : 1;
    range->low -= air;
    range->high += air;
}

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double figure_data_reach(const struct comparison *comparison)
{
    enum { TIMES_MEDIAN = 8 };
    double *ends = memory_allocate((size_t)comparison->arm_count + 1, sizeof *ends), reach = INFINITY;
    int count = 0;
    for (int i = 0; i < comparison->arm_count; i++) {
        const struct difference *difference = &comparison->arms[i].difference;
        if (isfinite(difference->low))
            ends[count++] = fmax(fabs(difference->low), fabs(difference->high));
    }
    if (count > 2) {
        qsort(ends, (size_t)count, sizeof *ends, compare_reals);
        reach = TIMES_MEDIAN * ends[count / 2];
    }
    free(ends);
    return reach;
}
