// figure_length.c: see figure_length.h.
#include "report/figure_length.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/figure_data.h"
#include "report/number.h"

// ---- Powers -----------------------------------------------------------------------------------------------------------------

static bool is_known(const struct length_point *point, enum length_panel panel)
{
    return isfinite(point->values[panel]) && point->values[panel] > 0;
}

// Whether no point before this one has its length.
static bool is_first(const struct length_line *line, int place)
{
    for (int i = 0; i < place; i++)
        if (line->points[i].length == line->points[place].length)
            return false;
    return true;
}

int length_count(const struct length_line *line)
{
    int count = 0;
    for (int i = 0; i < line->count; i++)
        count += is_first(line, i);
    return count;
}

struct power power_fit(const struct length_line *line, enum length_panel panel)
{
    struct power power = {NAN, NAN, NAN};
    double *x = memory_allocate((size_t)line->count, sizeof *x), *y = memory_allocate((size_t)line->count, sizeof *y);
    double intercept, slope, variances[3], squares;
    size_t count = 0;
    for (int i = 0; i < line->count; i++)
        if (is_known(&line->points[i], panel)) {
            x[count] = log(line->points[i].length);
            y[count++] = log(line->points[i].values[panel]);
        }
    if (count == (size_t)line->count && length_count(line) >= LENGTH_LEAST) {
        gsl_fit_linear(x, 1, y, 1, count, &intercept, &slope, &variances[0], &variances[1], &variances[2], &squares);
        power = (struct power){.value = slope, .error = sqrt(variances[2]), .scale = exp(intercept)};
    }
    free(x);
    free(y);
    return power;
}

// ---- The data file ----------------------------------------------------------------------------------------------------------

static const struct figure_unit times[] = {{1e-9, "ns"}, {1e-6, "\xc2\xb5s"}, {1e-3, "ms"}, {1, "s"}, {.name = NULL}};
static const struct {
    const char *what, *low, *high, *label;
    const struct figure_unit *units;
} panels[LENGTH_PANELS] = {[LENGTH_SECONDS] = {"time of a token", "timelow", "timehigh", "timelabel", times},
                           [LENGTH_BYTES] = {"memory of a sequence", "memorylow", "memoryhigh", "memorylabel", figure_bytes}};

// What an axis holds, with the same share of a decade at both ends.
static struct range axis(const struct length_line *lines, int count, int panel)
{
    struct range range = range_empty;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < lines[i].count; j++) {
            const struct length_point *point = &lines[i].points[j];
            range_offer(&range, panel == LENGTH_PANELS                      ? point->length
                                : is_known(point, (enum length_panel)panel) ? point->values[panel]
                                                                            : NAN);
        }
    if (range.low > range.high)
        return (struct range){1, 10};
    double air = fmax(1.15, pow(range.high / range.low, 0.06));
    return (struct range){range.low / air, range.high * air};
}

// "T^.97 ± .02"
static void add_power(struct text *data, struct power power)
{
    enum { DECIMALS = 2 };
    if (!isfinite(power.value)) {
        text_add(data, "\t-");
        return;
    }
    bool exact = power.error < 0.5 * pow(10, -DECIMALS);
    text_add(data, "\tT^%s %s%s", number_fixed(power.value, DECIMALS, false).text, exact ? "\xc2\xb1 <" : "\xc2\xb1 ",
             number_fixed(exact ? pow(10, -DECIMALS) : power.error, DECIMALS, false).text);
}

static void write_lines(const struct length_line *lines, int count, const struct figure_unit *const units[LENGTH_PANELS],
                        struct text *data)
{
    figure_data_block(data,
                      "colour slot, attention, its powers of time and memory, and their scales (0: no fit) and exponents");
    for (int i = 0; i < count; i++) {
        struct power powers[LENGTH_PANELS];
        text_add(data, "%d\t", i < SLOT_NAMED_MAX ? i + 1 : SLOT_OTHERS);
        figure_data_text(data, lines[i].label);
        for (int panel = 0; panel < LENGTH_PANELS; panel++) {
            powers[panel] = power_fit(&lines[i], (enum length_panel)panel);
            add_power(data, powers[panel]);
        }
        for (int panel = 0; panel < LENGTH_PANELS; panel++) {
            text_add(data, "\t");
            bool fits = isfinite(powers[panel].value);
            figure_data_number(data, fits ? powers[panel].scale / units[panel]->size : 0);
            text_add(data, "\t");
            figure_data_number(data, fits ? powers[panel].value : 0);
        }
        text_add(data, "\n");
    }
}

static void write_points(const struct length_line *lines, int count, const struct figure_unit *const units[LENGTH_PANELS],
                         struct text *data)
{
    figure_data_block(data, "line (its place above), length, time, memory");
    for (int i = 0; i < count; i++)
        for (int j = 0; j < lines[i].count; j++) {
            text_add(data, "%d\t%.0f", i + 1, lines[i].points[j].length);
            for (int panel = 0; panel < LENGTH_PANELS; panel++) {
                text_add(data, "\t");
                figure_data_number(data, lines[i].points[j].values[panel] / units[panel]->size);
            }
            text_add(data, "\n");
        }
}

void length_write(const char *title, const struct length_line *lines, int count, struct text *data)
{
    struct range lengths = axis(lines, count, LENGTH_PANELS);
    const struct figure_unit *units[LENGTH_PANELS];
    figure_data_fact(data, "title", title);
    figure_data_fact(data, "xlabel", "length T (tokens)");
    figure_data_fact(data, "named", "0");
    figure_data_fact_number(data, "xlow", lengths.low);
    figure_data_fact_number(data, "xhigh", lengths.high);
    for (int panel = 0; panel < LENGTH_PANELS; panel++) {
        struct range values = axis(lines, count, panel);
        struct text label = {0};
        units[panel] = figure_unit_for(panels[panel].units, sqrt(values.low * values.high));
        text_add(&label, "%s (%s)", panels[panel].what, units[panel]->name);
        figure_data_fact(data, panels[panel].label, label.data);
        figure_data_fact_number(data, panels[panel].low, values.low / units[panel]->size);
        figure_data_fact_number(data, panels[panel].high, values.high / units[panel]->size);
        text_free(&label);
    }
    write_lines(lines, count, units, data);
    write_points(lines, count, units, data);
}

bool length_draw(const char *file, const char *title, const struct length_line *lines, int count, struct error *error)
{
    struct text data = {0};
    length_write(title, lines, count, &data);
    bool done = figure_draw_file(file, "length.gp", &data, error);
    text_free(&data);
    return done;
}
