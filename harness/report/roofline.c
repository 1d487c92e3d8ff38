// roofline.c: see roofline.h. Labels are placed here, where a point's neighbours are known, and drawn by plots/roofline.gp.
#include "report/roofline.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/figure.h"
#include "report/figure_data.h"

enum { OPS_MAX = 64, PASSES = 2, REPETITIONS_MAX = 1000, NAME_SIZE = 48 };
static const char *const passes[PASSES] = {"forward", "backward"};

struct mark {
    double intensity, rate; // FLOP/byte, FLOP/s; NaN: nothing to show
    double x, y;            // pixels from the lower left corner of the plot
};
struct spot {
    char name[NAME_SIZE];
    double flops; // of the forward shape that was chosen
    struct mark marks[PASSES];
    double label_x, label_y; // the left end of its middle line, pixels
};
struct roofline {
    struct spot ops[OPS_MAX];
    int count;
    double peak, bandwidth; // FLOP/s, bytes/s
    struct range x, y;      // of the axes: powers of ten
};

// What roofline.gp lays out: the plot's size, and the size of letters by gnuplot's own guess.
static const double plot_wide = 440, plot_tall = 330, letter_wide = 5.8, letter_tall = 12;

static double middle(const struct store_benchmark *benchmark)
{
    double sorted[REPETITIONS_MAX];
    size_t count = benchmark->count < REPETITIONS_MAX ? (size_t)benchmark->count : REPETITIONS_MAX;
    if (count == 0)
        return NAN;
    memcpy(sorted, benchmark->seconds, count * sizeof *sorted);
    gsl_sort(sorted, 1, count);
    return gsl_stats_median_from_sorted_data(sorted, 1, count);
}

// "op/linear/forward/rows:..." is of the op "linear"; the rest, from the pass on, is in `rest`.
static bool op_of(const char *benchmark, char name[NAME_SIZE], const char **rest)
{
    if (strncmp(benchmark, "op/", 3) != 0)
        return false;
    size_t length = strcspn(benchmark + 3, "/");
    snprintf(name, NAME_SIZE, "%.*s", (int)length, benchmark + 3);
    *rest = benchmark + 3 + length;
    return **rest == '/';
}

static struct mark mark_of(const struct store_benchmark *benchmark)
{
    double seconds = middle(benchmark);
    bool shown = benchmark->flops > 0 && benchmark->bytes > 0 && seconds > 0;
    return (struct mark){.intensity = shown ? benchmark->flops / benchmark->bytes : NAN,
                         .rate = shown ? benchmark->flops / seconds : NAN};
}

static const struct store_benchmark *find(const struct store_benchmark_set *set, const char *op, const char *pass,
                                          const char *shape)
{
    char name[256];
    snprintf(name, sizeof name, "op/%s/%s%s", op, pass, shape);
    for (int i = 0; i < set->count; i++)
        if (!strcmp(set->benchmarks[i].name, name))
            return &set->benchmarks[i];
    return NULL;
}

static struct spot *op_named(struct roofline *roofline, const char *name)
{
    for (int i = 0; i < roofline->count; i++)
        if (!strcmp(roofline->ops[i].name, name))
            return &roofline->ops[i];
    if (roofline->count == OPS_MAX)
        return NULL;
    struct spot *op = &roofline->ops[roofline->count++];
    *op = (struct spot){.flops = -1};
    snprintf(op->name, sizeof op->name, "%s", name);
    return op;
}

static void choose_ops(struct roofline *roofline, const struct store_benchmark_set *set)
{
    for (int i = 0; i < set->count; i++) {
        char name[NAME_SIZE];
        const char *rest;
        size_t length = strlen(passes[0]);
        if (!op_of(set->benchmarks[i].name, name, &rest) || strncmp(rest + 1, passes[0], length) != 0 ||
            !(set->benchmarks[i].flops > 0))
            continue;
        struct spot *op = op_named(roofline, name);
        if (!op || set->benchmarks[i].flops <= op->flops)
            continue;
        const struct store_benchmark *backward = find(set, name, passes[1], rest + 1 + length);
        op->flops = set->benchmarks[i].flops;
        op->marks[0] = mark_of(&set->benchmarks[i]);
        op->marks[1] = backward ? mark_of(backward) : (struct mark){NAN, NAN, 0, 0};
    }
}

// ---- Axes and labels --------------------------------------------------------------------------------------------------------

static void widen_to_decades(struct range *range)
{
    range->low = pow(10, floor(log10(range->low)));
    range->high = pow(10, ceil(log10(range->high)));
}

static double place(const struct range *range, double value, double size)
{
    return log10(value / range->low) / log10(range->high / range->low) * size;
}

static void choose_axes(struct roofline *roofline, const struct store_benchmark_set *set)
{
    roofline->peak = set->fma_flops_per_s;
    roofline->bandwidth = set->triad_bytes_per_s;
    roofline->x = roofline->y = range_empty;
    range_offer(&roofline->x, set->fma_flops_per_s / set->triad_bytes_per_s);
    range_offer(&roofline->y, set->fma_flops_per_s);
    for (int i = 0; i < roofline->count; i++)
        for (int pass = 0; pass < PASSES; pass++) {
            range_offer(&roofline->x, roofline->ops[i].marks[pass].intensity);
            range_offer(&roofline->y, roofline->ops[i].marks[pass].rate);
        }
    widen_to_decades(&roofline->x);
    widen_to_decades(&roofline->y);
    for (int i = 0; i < roofline->count; i++)
        for (int pass = 0; pass < PASSES; pass++) {
            struct mark *mark = &roofline->ops[i].marks[pass];
            mark->x = place(&roofline->x, mark->intensity, plot_wide);
            mark->y = place(&roofline->y, mark->rate, plot_tall);
        }
}

// Where the roof lies above pixel x.
static double roof_height(const struct roofline *roofline, double x)
{
    double intensity = roofline->x.low * pow(roofline->x.high / roofline->x.low, x / plot_wide);
    return place(&roofline->y, fmin(intensity * roofline->bandwidth, roofline->peak), plot_tall);
}

static double label_wide(const struct spot *op) { return letter_wide * (double)strlen(op->name); }

// How much of a label at (x, y) would lie on marks, on the `placed` labels before it, or outside the plot.
static double overlap(const struct roofline *roofline, int op, int placed, double x, double y)
{
    double wide = label_wide(&roofline->ops[op]), sum = 0;
    if (x < 2 || x + wide > plot_wide - 2 || y < letter_tall / 2 || y > plot_tall - letter_tall / 2)
        sum += 1000;
    for (int i = 0; i < roofline->count; i++)
        for (int pass = 0; pass < PASSES; pass++) {
            const struct mark *mark = &roofline->ops[i].marks[pass];
            if (mark->x > x - 5 && mark->x < x + wide + 5 && fabs(mark->y - y) < letter_tall / 2 + 4)
                sum += 10;
        }
    for (int i = 0; i < placed; i++) {
        const struct spot *other = &roofline->ops[i];
        double shared = fmin(x + wide, other->label_x + label_wide(other)) - fmax(x, other->label_x);
        if (shared > -3 && fabs(y - other->label_y) < letter_tall)
            sum += 20 + shared;
    }
    for (double step = 0; step <= wide; step += letter_wide)
        if (fabs(roof_height(roofline, x + step) - y) < letter_tall / 2 + 3)
            sum += 5;
    return sum;
}

// The nearest free place around the forward mark, in growing rings.
static void place_label(struct roofline *roofline, int index)
{
    enum { RINGS = 14, TURNS = 24 };
    struct spot *op = &roofline->ops[index];
    double least = INFINITY, wide = label_wide(op);
    for (int ring = 0; ring < RINGS && least > 0; ring++)
        for (int turn = 0; turn < TURNS && least > 0; turn++) {
            double angle = 2 * M_PI * turn / TURNS, reach = 10 + 8 * ring;
            double x = op->marks[0].x + reach * cos(angle) - wide * (1 - cos(angle)) / 2,
                   y = op->marks[0].y + reach * sin(angle);
            double cost = overlap(roofline, index, index, x, y);
            if (cost < least) {
                least = cost;
                op->label_x = x;
                op->label_y = y;
            }
        }
}

// ---- The file ---------------------------------------------------------------------------------------------------------------

static void write_data(const struct roofline *roofline, const struct store_benchmark_set *set, struct text *data)
{
    static const char *const labels[PASSES] = {"forward", "backward"};
    figure_data_fact(data, "title", "Ops under the machine's roof, one thread");
    figure_data_fact(data, "xlabel", "arithmetic intensity (FLOP per byte)");
    figure_data_fact(data, "ylabel", "GFLOP/s");
    figure_data_fact(data, "named", "2");
    figure_data_fact_number(data, "peak", set->fma_flops_per_s / 1e9);
    figure_data_fact_number(data, "bandwidth", set->triad_bytes_per_s / 1e9);
    figure_data_fact_number(data, "xlow", roofline->x.low);
    figure_data_fact_number(data, "xhigh", roofline->x.high);
    figure_data_fact_number(data, "ylow", roofline->y.low / 1e9);
    figure_data_fact_number(data, "yhigh", roofline->y.high / 1e9);
    figure_data_fact_number(data, "plotwide", plot_wide);
    figure_data_fact_number(data, "plottall", plot_tall);
    figure_data_block(data, "slot\tlabel");
    for (int pass = 0; pass < PASSES; pass++)
        text_add(data, "%d\t%s\n", pass + 1, labels[pass]);
    figure_data_block(
        data,
        "op\tforward intensity\tGFLOP/s\tbackward intensity\tGFLOP/s\tlabel x\tlabel y\tline x\tline y (shares of the plot)");
    for (int i = 0; i < roofline->count; i++) {
        const struct spot *op = &roofline->ops[i];
        figure_data_text(data, op->name);
        for (int pass = 0; pass < PASSES; pass++) {
            text_add(data, "\t");
            figure_data_number(data, op->marks[pass].intensity);
            text_add(data, "\t");
            figure_data_number(data, op->marks[pass].rate / 1e9);
        }
        // The line ends at the nearest point of the label; beside the dot there is none.
        double end_x = fmin(fmax(op->marks[0].x, op->label_x - 2), op->label_x + label_wide(op) + 2);
        double end_y = op->label_y + (op->marks[0].y > op->label_y ? 0.4 : -0.4) * letter_tall;
        if (hypot(end_x - op->marks[0].x, op->label_y - op->marks[0].y) < 16)
            end_x = end_y = NAN;
        text_add(data, "\t%.5f\t%.5f\t", op->label_x / plot_wide, op->label_y / plot_tall);
        figure_data_number(data, end_x / plot_wide);
        text_add(data, "\t");
        figure_data_number(data, end_y / plot_tall);
        text_add(data, "\n");
    }
}

bool roofline_draw(const struct store_benchmark_set *set, const char *file, struct error *error)
{
    struct text data = {0};
    struct roofline *roofline = memory_allocate(1, sizeof *roofline);
    choose_ops(roofline, set);
    bool done = roofline->count > 0 || error_request(error, "no op was measured, so there is nothing to draw; measure "
                                                            "some: ablate bench op/");
    if (done) {
        choose_axes(roofline, set);
        for (int i = 0; i < roofline->count; i++)
            place_label(roofline, i);
        write_data(roofline, set, &data);
        done = figure_draw_file(file, "roofline.gp", &data, error);
    }
    free(roofline);
    text_free(&data);
    return done;
}
