// screen.c: a comparison's header; the table is screen_table.c's, the sentences under it screen_notes.c's.
#include "report/screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/layout.h"
#include "report/number.h"
#include "report/screen_parts.h"

// ---- Digits -----------------------------------------------------------------------------------------------------------------

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

// ---- Header -----------------------------------------------------------------------------------------------------------------

// "1.1M parameters", "1.0M to 1.3M parameters"; "" where unknown.
static const char *range_text(struct arena *arena, double least, double most, const char *what)
{
    if (!isfinite(least))
        return "";
    // Up to 9999 a count is written out: 2000 steps, 829k parameters.
    const double written_out = 9999;
    struct number low = most <= written_out ? number_fixed(least, 0, false) : number_count(least);
    struct number high = most <= written_out ? number_fixed(most, 0, false) : number_count(most);
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
    return text_keep(&text, screen->arena);
}

// "test_loss" -> "test loss above the floor (nats per byte; floor 0.912)".
const char *screen_metric(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const char *unit = comparison_unit(comparison);
    bool has_floor = isfinite(comparison->floor);
    struct text text = {0};
    const char *metric = layout_visible(screen->arena, comparison->view->metric);
    bool is_validation = !strncmp(metric, "val_", 4);
    text_add(&text, "%s%s%s", is_validation ? "validation_" : "", metric + (is_validation ? 4 : 0),
             has_floor ? " above the floor" : "");
    for (char *c = text.data; *c && *c != '@'; c++)
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
    return text_keep(&text, screen->arena);
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
        flow_add(&flow, "   ",
                 arena_format(screen->arena, "%s%s", number_duration(seconds).text,
                              screen->options->elapsed > 0 ? "" : " of runs"));
    flow_end(&flow);
    flow_add(&flow, "   ", screen_metric(screen));
    if (*screen_spread(screen))
        flow_add(&flow, "   ", screen_spread(screen));
    flow_end(&flow);
    fputc('\n', screen->file);
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
    screen_table(&screen);
    screen_notes(&screen);
    screen_next(&screen);
    arena_close(&arena);
}
