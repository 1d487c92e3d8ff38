// screen_table.c: the columns of a screen's table, and what stands in their cells.
#include "report/screen_parts.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "report/layout.h"
#include "report/number.h"

// The name of the metric without the part of the data it was read on and the attention: "loss".
static const char *metric_word(const struct screen *screen)
{
    static const char *const parts[] = {"val_", "test_", "train_"};
    const char *word = screen->comparison->view->metric;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strncmp(word, parts[i], strlen(parts[i])) && word[strlen(parts[i])])
            word += strlen(parts[i]);
    return layout_visible(screen->arena, arena_format(screen->arena, "%.*s", (int)strcspn(word, "@"), word));
}

static const char *const verdict_colours[] = {
    [VERDICT_NONE] = NULL,
    [VERDICT_BETTER] = "\033[32m",
    [VERDICT_WORSE] = "\033[31m",
    [VERDICT_EQUIVALENT] = "\033[36m",
    [VERDICT_NOT_DISTINGUISHABLE] = NULL,
    [VERDICT_DIVERGED] = "\033[35m",
};

static const char *text_of_number(const struct screen *screen, struct number number)
{
    return arena_copy_text(screen->arena, number.text);
}

static const char *fixed(const struct screen *screen, double value, bool plus)
{
    return text_of_number(screen, number_fixed(value, screen->decimals, plus));
}

static const char *name_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return layout_visible(screen->arena, arm->name);
}

static const char *seeds_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    int seeds = screen->comparison->view->seed_count;
    return arm->finished == seeds ? arena_format(screen->arena, "%d", seeds)
                                  : arena_format(screen->arena, "%d/%d", arm->finished, seeds);
}

static const char *value_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return fixed(screen, isfinite(screen->comparison->floor) ? arm->excess : arm->value, false);
}

static const char *delta_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return arm->is_baseline ? "" : fixed(screen, arm->difference.delta, true);
}

// Both ends padded to the longest of the column, so that commas line up.
static const char *interval_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    int low = 0, high = 0;
    if (arm->is_baseline || !isfinite(arm->difference.low))
        return arm->is_baseline ? "" : "-";
    for (int a = 0; a < screen->comparison->arm_count; a++) {
        const struct difference *difference = &screen->comparison->arms[a].difference;
        int own_low = (int)strlen(number_fixed(difference->low, screen->decimals, true).text);
        int own_high = (int)strlen(number_fixed(difference->high, screen->decimals, true).text);
        low = own_low > low ? own_low : low;
        high = own_high > high ? own_high : high;
    }
    return arena_format(screen->arena, "[%*s, %*s]", low, number_fixed(arm->difference.low, screen->decimals, true).text, high,
                        number_fixed(arm->difference.high, screen->decimals, true).text);
}

static const char *p_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return arm->is_baseline ? "" : text_of_number(screen, number_p(arm->difference.p));
}

const char *screen_verdict(const struct screen *screen, const struct comparison_arm *arm)
{
    const struct experiment_view *view = screen->comparison->view;
    if (arm->diverged > 0)
        return arena_format(screen->arena, "diverged %d of %d", arm->diverged, view->seed_count);
    if (!isnan(arm->missed))
        return arena_format(screen->arena, "misses %s", number_exact(screen->comparison->requirement.least).text);
    if (arm->is_baseline)
        return "";
    if (arm->difference.verdict == VERDICT_DIVERGED)
        return "base diverged";
    if (arm->difference.verdict == VERDICT_EQUIVALENT)
        return arena_format(screen->arena, "equivalent (±%s)", number_exact(view->margin).text);
    if (!arm->counted && arm->pending == 0)
        return "too few runs";
    return arm->difference.verdict == VERDICT_NONE ? "-" : verdict_names[arm->difference.verdict];
}

// A star where the machine was shared by some of the runs; by all of them, a note says it once.
static const char *speed_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    int marked = 0;
    for (int a = 0; a < screen->comparison->arm_count; a++)
        marked += screen->comparison->arms[a].shared_machine;
    const char *star = marked == 0 || marked == screen->comparison->arm_count ? "" : arm->shared_machine ? "*" : " ";
    return arena_format(screen->arena, "%s%s", number_count(arm->tokens_per_s).text, star);
}

static const char *memory_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return text_of_number(screen, number_bytes(arm->peak_bytes));
}

static const char *parameters_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return text_of_number(screen, number_count(arm->parameters));
}

static const char *flops_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return text_of_number(screen, number_count(arm->flops));
}

static const char *time_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    return text_of_number(screen, number_duration(arm->seconds));
}

// Beyond tenfold either way an interval says nothing: two seeds on a busy machine give one of thousands of percent.
static bool says_nothing(const struct difference *speed) { return speed->low < -log(10) || speed->high > log(10); }

static const char *relative_speed_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    const struct difference *speed = &arm->speed;
    if (arm->is_baseline || !isfinite(speed->delta))
        return arm->is_baseline ? "" : "-";
    if (!isfinite(speed->low))
        return arena_format(screen->arena, "%+.1f%%", 100 * expm1(speed->delta));
    if (says_nothing(speed))
        return arena_format(screen->arena, "%+.1f%% [unknown]", 100 * expm1(speed->delta));
    return arena_format(screen->arena, "%+.1f%% [%+.1f, %+.1f]", 100 * expm1(speed->delta), 100 * expm1(speed->low),
                        100 * expm1(speed->high));
}

typedef const char *cell_function(const struct screen *screen, const struct comparison_arm *arm);

// Every column: those with `optional` are printed when the option at that offset is set.
static const struct screen_column {
    const char *heading; // NULL: says the interval's level; "": the metric
    cell_function *cell;
    const char *brief;
    bool right, is_optional;
    size_t option;
} columns[] = {
    {"change from base", name_cell, .brief = "change", .right = false},
    {"n", seeds_cell, .right = true},
    {"", value_cell, .right = true},
    {"delta", delta_cell, .right = true},
    {NULL, interval_cell, .right = false},
    {"p", p_cell, .right = false},
    {"verdict", screen_verdict, .right = false},
    {"tok/s", speed_cell, .right = true},
    {"memory", memory_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, memory)},
    {"parameters", parameters_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, parameters)},
    {"FLOPs", flops_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, flops)},
    {"time/run", time_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, time)},
    {"tok/s, exploratory", relative_speed_cell, .right = false, .is_optional = true,
     .option = offsetof(struct screen_options, time)},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static bool is_wanted(const struct screen *screen, const struct screen_column *column)
{
    return !column->is_optional || *(const bool *)((const char *)screen->options + column->option);
}

static const char *heading_of(const struct screen *screen, const struct screen_column *column, bool is_brief)
{
    if (!column->heading)
        return arena_format(screen->arena, is_brief ? "%.4g%% interval" : "%.4g%% simultaneous",
                            100 * (1 - screen->comparison->alpha));
    if (!*column->heading)
        return metric_word(screen);
    return is_brief && column->brief ? column->brief : column->heading;
}

static struct grid make_grid(const struct screen *screen, const struct screen_column *const *chosen, int count)
{
    const struct comparison *comparison = screen->comparison;
    struct grid_column *heads = arena_allocate(screen->arena, (size_t)count, sizeof *heads);
    struct grid_cell *cells = arena_allocate(screen->arena, (size_t)count * (size_t)comparison->arm_count, sizeof *cells),
                     *cell = cells;
    for (int i = 0; i < count; i++)
        heads[i] = (struct grid_column){.heading = heading_of(screen, chosen[i], false),
                                        .brief = heading_of(screen, chosen[i], true),
                                        .right = chosen[i]->right};
    for (int a = 0; a < comparison->arm_count; a++)
        for (int i = 0; i < count; i++, cell++) {
            const struct comparison_arm *arm = &comparison->arms[a];
            cell->text = chosen[i]->cell(screen, arm);
            if (screen->options->colour && chosen[i]->cell == screen_verdict)
                cell->colour = verdict_colours[arm->diverged ? VERDICT_DIVERGED : arm->difference.verdict];
        }
    return (struct grid){.columns = heads, .column_count = count, .row_count = comparison->arm_count, .cells = cells};
}

struct grid screen_grid(const struct screen *screen)
{
    const struct screen_column *chosen[COLUMN_COUNT];
    int count = 0;
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (is_wanted(screen, &columns[i]))
            chosen[count++] = &columns[i];
    return make_grid(screen, chosen, count);
}

// Optional columns that do not fit beside the others follow in a table of their own.
void screen_table(const struct screen *screen)
{
    const struct screen_column *chosen[COLUMN_COUNT], *optional[COLUMN_COUNT];
    int count = 0, optional_count = 1, always = 0;
    optional[0] = &columns[0];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (!is_wanted(screen, &columns[i]))
            continue;
        chosen[count++] = &columns[i];
        if (columns[i].is_optional)
            optional[optional_count++] = &columns[i];
        else
            always++;
    }
    struct grid grid = make_grid(screen, chosen, count);
    if (optional_count > 1 && grid_width_least(&grid) > screen->width) {
        grid = make_grid(screen, chosen, always);
        grid_print(&grid, screen->width, screen->file);
        fputc('\n', screen->file);
        grid = make_grid(screen, optional, optional_count);
    }
    grid_print(&grid, screen->width, screen->file);
}
