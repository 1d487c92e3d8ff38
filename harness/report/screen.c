// screen.c: header and table of a comparison; screen_notes.c says the rest.
#include "report/screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/layout.h"
#include "report/number.h"
#include "report/screen_notes.h"

// ---- Digits -------------------------------------------------------------------------------------------------------------------

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool reads_as_zero(double value, int decimals) { return fabs(value) < 0.5 * pow(10, -decimals); }

// Two digits of the typical half-width; more where the nearer end of an interval without 0 would read as 0, so that what is
// printed agrees with the verdict.
int screen_decimals(const struct comparison *comparison, struct arena *arena)
{
    double *widths = arena_allocate(arena, (size_t)comparison->arm_count, sizeof *widths);
    size_t count = 0;
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct difference *difference = &comparison->arms[a].difference;
        if (difference->high > difference->low)
            widths[count++] = (difference->high - difference->low) / 2;
    }
    if (count == 0)
        return number_decimals(NAN);
    qsort(widths, count, sizeof *widths, ascending);
    int decimals = number_decimals(widths[(count - 1) / 2]);
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct difference *difference = &comparison->arms[a].difference;
        bool excludes_zero = difference->low > 0 || difference->high < 0;
        double nearer = fmin(fabs(difference->low), fabs(difference->high));
        while (excludes_zero && decimals < 6 && reads_as_zero(nearer, decimals))
            decimals++;
    }
    return decimals;
}

// ---- Header -------------------------------------------------------------------------------------------------------------------

// "1.1M parameters", "1.0M to 1.3M parameters"; "" where unknown.
static const char *range_text(struct arena *arena, double least, double most, const char *what)
{
    if (!isfinite(least))
        return "";
    struct number low = number_count(least), high = number_count(most);
    if (!strcmp(low.text, high.text))
        return arena_format(arena, "%s %s", low.text, what);
    return arena_format(arena, "%s to %s %s", low.text, high.text, what);
}

static const char *setting_text(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    double parameters[2] = {NAN, NAN}, steps[2] = {NAN, NAN};
    const char *data = NULL;
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct comparison_arm *arm = &comparison->arms[a];
        int64_t own = 0;
        parameters[0] = fmin(parameters[0], arm->parameters);
        parameters[1] = fmax(parameters[1], arm->parameters);
        if (arm->steps && text_to_int(arm->steps, &own)) {
            steps[0] = fmin(steps[0], (double)own);
            steps[1] = fmax(steps[1], (double)own);
        }
        if (arm->data)
            data = !data || !strcmp(data, arm->data) ? arm->data : "several data";
    }
    const char *parts[] = {data ? layout_visible(screen->arena, data) : "",
                           range_text(screen->arena, parameters[0], parameters[1], "parameters"),
                           range_text(screen->arena, steps[0], steps[1], "steps")};
    struct text text = {0};
    text_add(&text, "%s", layout_visible(screen->arena, comparison->view->name));
    const char *between = "  ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!*parts[i])
            continue;
        text_add(&text, "%s%s", between, parts[i]);
        between = ", ";
    }
    const char *copy = arena_copy_text(screen->arena, text.data);
    text_free(&text);
    return copy;
}

// The name of the metric without the part of the data it was read on: "loss".
static const char *metric_word(const struct screen *screen)
{
    const char *metric = screen->comparison->view->metric, *rest = strchr(metric, '_');
    return layout_visible(screen->arena, rest && rest[1] ? rest + 1 : metric);
}

// "test_loss" -> "test loss above the floor (nats per byte; floor 0.912)".
const char *screen_metric(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const char *unit = comparison_unit(comparison);
    bool has_floor = isfinite(comparison->floor);
    struct text text = {0};
    text_add(&text, "%s%s", layout_visible(screen->arena, comparison->view->metric), has_floor ? " above the floor" : "");
    for (char *c = text.data; *c; c++)
        if (*c == '_')
            *c = ' ';
    const char *between = " (";
    if (*unit) {
        text_add(&text, "%s%s", between, unit);
        between = "; ";
    }
    if (has_floor) {
        text_add(&text, "%sfloor %.*f", between, screen->decimals, comparison->floor);
        between = "; ";
    }
    if (comparison->view->maximize) {
        text_add(&text, "%smore is better", between);
        between = "; ";
    }
    text_add(&text, "%s", *between == ';' ? ")" : "");
    const char *copy = arena_copy_text(screen->arena, text.data);
    text_free(&text);
    return copy;
}

const char *screen_spread(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    if (!isfinite(comparison->seed_deviation))
        return "";
    struct number deviation = number_small(comparison->seed_deviation, screen->decimals);
    double pairing = comparison->pairing;
    if (!isfinite(pairing))
        return arena_format(screen->arena, "seed SD %s", deviation.text);
    return arena_format(screen->arena, "seed SD %s; pairing %s %.0f%% %s the variance", deviation.text,
                        pairing < 0 ? "adds" : "removes", fabs(100 * pairing), pairing < 0 ? "to" : "of");
}

static void add_count(struct flow *flow, const struct screen *screen, int count, const char *what)
{
    if (count > 0)
        flow_add(flow, "   ", arena_format(screen->arena, "%d %s", count, what));
}

static void print_header(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    int runs = comparison->arm_count * comparison->view->seed_count;
    struct flow flow = {.file = screen->file, .width = screen->width, .indent = 2};
    double seconds = screen->options->elapsed > 0 ? screen->options->elapsed : comparison->seconds;
    flow_add(&flow, "   ", setting_text(screen));
    flow_add(&flow, "   ",
             arena_format(screen->arena, "%d arm%s x %d seed%s", comparison->arm_count, comparison->arm_count == 1 ? "" : "s",
                          comparison->view->seed_count, comparison->view->seed_count == 1 ? "" : "s"));
    if (comparison->pending > 0)
        flow_add(&flow, "   ", arena_format(screen->arena, "%d of %d runs to come", comparison->pending, runs));
    add_count(&flow, screen, comparison->diverged, "diverged");
    add_count(&flow, screen, comparison->failed, "failed");
    add_count(&flow, screen, comparison->excluded, "excluded");
    if (seconds > 0)
        flow_add(&flow, "   ", arena_format(screen->arena, "%s", number_duration(seconds).text));
    flow_end(&flow);
    flow_add(&flow, "   ", screen_metric(screen));
    if (*screen_spread(screen))
        flow_add(&flow, "   ", screen_spread(screen));
    flow_end(&flow);
    fputc('\n', screen->file);
}

// ---- Table --------------------------------------------------------------------------------------------------------------------

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
    if (arm->is_baseline)
        return "";
    if (arm->difference.verdict == VERDICT_DIVERGED)
        return "base diverged";
    if (arm->difference.verdict == VERDICT_EQUIVALENT)
        return arena_format(screen->arena, "equivalent (±%s)", number_small(view->margin, 0).text);
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

static const char *relative_speed_cell(const struct screen *screen, const struct comparison_arm *arm)
{
    const struct difference *speed = &arm->speed;
    if (arm->is_baseline || !isfinite(speed->delta))
        return arm->is_baseline ? "" : "-";
    if (!isfinite(speed->low))
        return arena_format(screen->arena, "%+.1f%%", 100 * expm1(speed->delta));
    return arena_format(screen->arena, "%+.1f%% [%+.1f, %+.1f]", 100 * expm1(speed->delta), 100 * expm1(speed->low),
                        100 * expm1(speed->high));
}

typedef const char *cell_function(const struct screen *screen, const struct comparison_arm *arm);

// Every column: those with `optional` are printed when the option at that offset is set.
static const struct screen_column {
    const char *heading; // NULL: says the interval's level; "": the metric
    cell_function *cell;
    bool right, is_optional;
    size_t option;
} columns[] = {
    {"change from base", name_cell, .right = false},
    {"n", seeds_cell, .right = true},
    {"", value_cell, .right = true},
    {"delta", delta_cell, .right = true},
    {NULL, interval_cell},
    {"p", p_cell},
    {"verdict", screen_verdict},
    {"tok/s", speed_cell, .right = true},
    {"memory", memory_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, memory)},
    {"parameters", parameters_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, parameters)},
    {"FLOPs", flops_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, flops)},
    {"time/run", time_cell, .right = true, .is_optional = true, .option = offsetof(struct screen_options, time)},
    {"tok/s, exploratory", relative_speed_cell, .is_optional = true, .option = offsetof(struct screen_options, time)},
};
enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

static bool is_wanted(const struct screen *screen, const struct screen_column *column)
{
    return !column->is_optional || *(const bool *)((const char *)screen->options + column->option);
}

static const char *heading_of(const struct screen *screen, const struct screen_column *column)
{
    if (!column->heading)
        return arena_format(screen->arena, "%.4g%% simultaneous", 100 * (1 - screen->comparison->alpha));
    return *column->heading ? column->heading : metric_word(screen);
}

static struct grid make_grid(const struct screen *screen, const struct screen_column *const *chosen, int count)
{
    const struct comparison *comparison = screen->comparison;
    struct grid_column *heads = arena_allocate(screen->arena, (size_t)count, sizeof *heads);
    struct grid_cell *cells = arena_allocate(screen->arena, (size_t)count * (size_t)comparison->arm_count, sizeof *cells),
                     *cell = cells;
    for (int i = 0; i < count; i++)
        heads[i] = (struct grid_column){.heading = heading_of(screen, chosen[i]), .right = chosen[i]->right};
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
static void print_table(const struct screen *screen)
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
    if (optional_count > 1 && grid_width(&grid, layout_width(columns[0].heading), 1) > screen->width) {
        grid = make_grid(screen, chosen, always);
        grid_print(&grid, screen->width, screen->file);
        fputc('\n', screen->file);
        grid = make_grid(screen, optional, optional_count);
    }
    grid_print(&grid, screen->width, screen->file);
}

void screen_print(const struct comparison *comparison, const struct screen_options *options, FILE *file)
{
    struct arena arena = {0};
    struct screen screen = {
        .comparison = comparison,
        .options = options,
        .file = file,
        .width = options->width > 0 ? options->width : 80,
        .decimals = screen_decimals(comparison, &arena),
        .arena = &arena,
    };
    print_header(&screen);
    print_table(&screen);
    screen_notes(&screen);
    screen_next(&screen);
    arena_close(&arena);
}
