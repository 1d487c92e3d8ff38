// figure.c: the table of figures, and how one is written and drawn.
#include "report/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

static double cost_parameters(const struct run_view *run) { return run->parameters > 0 ? (double)run->parameters : NAN; }
static double cost_flops(const struct run_view *run) { return run->flops > 0 ? run->flops : NAN; }
static double cost_seconds(const struct run_view *run) { return run->seconds > 0 ? run->seconds : NAN; }
static double cost_memory(const struct run_view *run) { return run->peak_bytes > 0 ? run->peak_bytes : NAN; }

static const struct figure_unit counts[] = {{1, ""}, {1e3, "thousand"}, {1e6, "million"}, {1e9, "billion"}, {.name = NULL}};
static const struct figure_unit flops[] = {{1, "FLOP"},     {1e9, "GFLOP"},  {1e12, "TFLOP"},
                                           {1e15, "PFLOP"}, {1e18, "EFLOP"}, {.name = NULL}};
static const struct figure_unit times[] = {{1, "s"}, {120, "min"}, {7200, "h"}, {.name = NULL}};

#define BAND_READING                                                                                                           \
    "Line: mean over the seeds; band: lowest to highest seed. An arm with a diverged run is drawn run by run, a cross where "  \
    "it diverged."
#define COST_READING "Small dots: seeds; large dot: their mean. A cross at the top: a run that diverged, at its cost."

const struct figure figures[] = {
    {.name = "pairs",
     .compares = true,
     .title = "Every seed, and the difference it makes",
     .script = "pairs.gp",
     .write = figure_pairs_write,
     .reading =
         "Left: a line for every seed, from the baseline (ring) to the arm (dot). Right: the differences of the seeds, and "
         "their mean (square) with its simultaneous interval. Shaded: the margin of equivalence. Crosses: diverged runs. "
         "Arrows: off the scale."},
    {.name = "validation-loss",
     .title = "Validation loss",
     .script = "curves.gp",
     .write = figure_curves_write,
     .reading = BAND_READING,
     .curve = {.metric = "val_loss", .is_loss = true, .excess = "val_excess", .settled = 0.1}},
    {.name = "delta",
     .compares = true,
     .title = "Difference to the baseline over training",
     .script = "curves.gp",
     .write = figure_curves_write,
     .reading = "Paired by seed, arm minus baseline. " BAND_READING " The bands are no intervals; the verdict is the table's.",
     .curve = {.metric = "val_loss", .is_loss = true, .difference = true, .settled = 0.25}},
    {.name = "training-loss",
     .title = "Training loss, smoothed",
     .script = "curves.gp",
     .write = figure_curves_write,
     .reading = "A running mean over 1/40 of the training. " BAND_READING,
     .curve = {.metric = "train_loss", .is_loss = true, .smooth = true, .settled = 0.1}},
    {.name = "gradient-norm",
     .title = "Gradient norm, smoothed",
     .script = "curves.gp",
     .write = figure_curves_write,
     .reading = "Before clipping, a running mean over 1/40 of the training. " BAND_READING,
     .curve = {.metric = "gradient_norm", .smooth = true, .logarithmic = true}},
    {.name = "parameters",
     .title = "Loss against parameters",
     .script = "cost.gp",
     .write = figure_cost_write,
     .reading = COST_READING,
     .cost = {cost_parameters, "parameters", counts}},
    {.name = "flops",
     .title = "Loss against training FLOPs",
     .script = "cost.gp",
     .write = figure_cost_write,
     .reading = COST_READING " Matrix products, forward and backward.",
     .cost = {cost_flops, "training, products", flops}},
    {.name = "time",
     .title = "Loss against training time",
     .script = "cost.gp",
     .write = figure_cost_write,
     .reading = COST_READING,
     .cost = {cost_seconds, "time of a run", times}},
    {.name = "memory",
     .title = "Loss against peak memory",
     .script = "cost.gp",
     .write = figure_cost_write,
     .reading = COST_READING,
     .cost = {cost_memory, "peak memory of a run", figure_bytes}},
    {.name = "length",
     .title = "Training against the length of a sequence",
     .script = "length.gp",
     .metrics = "tokens_per_s and activation_bytes",
     .lacks = figure_length_lacks,
     .write = figure_length_write,
     .reading =
         "A mark: a run. A line: the power of the length T that fits its marks best, by least squares of the logarithms; its "
         "exponent stands below with its standard error. Left: time of a token. Right: activations and workspace of a "
         "sequence, "
         "as planned, without parameters, gradients and moments."},
    {.name = NULL},
};

const struct figure *figure_find(const char *name, struct error *error)
{
    struct nearest nearest;
    struct text names = {0};
    nearest_open(&nearest, name);
    for (const struct figure *figure = figures; figure->name; figure++) {
        if (!strcmp(figure->name, name)) {
            text_free(&names);
            return figure;
        }
        nearest_offer(&nearest, figure->name);
        text_add(&names, "%s%s", names.length ? ", " : "", figure->name);
    }
    error_request(error, "no figure \"%s\"%s There are: %s", name, nearest_suggestion(&nearest).text, names.data);
    text_free(&names);
    return NULL;
}

// ---- Scripts ----------------------------------------------------------------------------------------------------------------

static const size_t script_limit = 1 << 20;
static const char shared_script[] = "style.gp";

// plots/ stands beside the program, beside the folder it was built into, or where it is run from.
static void script_path(const char *script, struct text *path)
{
    static const char *const places[] = {"", "/.."};
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = length > 0 ? memrchr(program, '/', (size_t)length) : NULL;
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        text_add(path, "%.*s%s/plots/%s", (int)(slash - program), program, places[i], script);
        if (!access(path->data, R_OK))
            return;
        text_free(path);
    }
    text_add(path, "plots/%s", script);
}

static bool script_copy(const char *script, const char *folder, struct error *error)
{
    struct text from = {0}, to = {0};
    struct bytes bytes = {0};
    script_path(script, &from);
    text_add(&to, "%s/%s", folder, script);
    bool done = file_read(from.data, script_limit, &bytes, error) && file_replace(to.data, bytes.data, bytes.count, error);
    bytes_free(&bytes);
    text_free(&from);
    text_free(&to);
    return done;
}

static bool scripts_copy(const char *script, const char *folder, struct error *error)
{
    return script_copy(shared_script, folder, error) && script_copy(script, folder, error);
}

const char *figure_lacks(const struct figure *figure, const struct comparison *comparison)
{
    if (comparison->finished + comparison->diverged == 0)
        return "no run has finished yet";
    if (figure->compares && comparison->arm_count < 2)
        return "the baseline is the only arm";
    return figure->lacks ? figure->lacks(comparison) : NULL;
}

// ---- Writing and drawing ----------------------------------------------------------------------------------------------------

void figure_provenance(const struct figure *figure, const struct comparison *comparison, struct text *text)
{
    const struct experiment_view *view = comparison->view;
    bool above_floor = isfinite(comparison_floor(comparison));
    const char *metric = figure->metrics ? figure->metrics : view->metric;
    if (figure->curve.metric)
        metric = above_floor && figure->curve.excess ? figure->curve.excess : figure->curve.metric;
    text_add(text, "%s of the finished and diverged runs of experiment %s, %d arms x %d seeds", metric, view->name,
             view->arm_count, view->seed_count);
}

bool figure_leave(const char *folder, const char *name, const char *script, const struct text *data, struct error *error)
{
    struct text path = {0};
    text_add(&path, "%s/%s.tsv", folder, name);
    bool done = folder_create(folder, error) && file_replace(path.data, data->data, data->length, error) &&
                scripts_copy(script, folder, error);
    text_free(&path);
    return done;
}

const char *figure_terminal(const char *file, struct error *error)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    for (int i = 0; dot && dot > name && gnuplot_terminals[i]; i++)
        if (!strcmp(dot + 1, gnuplot_terminals[i]))
            return gnuplot_terminals[i];
    error_request(error, "--plot %s: name a file that ends in .svg, .png or .pdf", file);
    return NULL;
}

bool figure_draw_file(const char *file, const char *script, const struct text *data, struct error *error)
{
    struct arena arena = {0};
    const char *terminal = figure_terminal(file, error);
    if (!terminal)
        return false;
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    const char *folder = slash ? arena_format(&arena, "%.*s", (int)(slash - file), file) : ".";
    const char *figure = arena_format(&arena, "%.*s", (int)(dot - name), name);
    bool done =
        figure_leave(folder, figure, script, data, error) &&
        gnuplot_draw(&(struct drawing){.folder = folder, .script = script, .figure = figure, .terminal = terminal}, error);
    arena_close(&arena);
    return done;
}

bool figure_prepare(const struct figure *figure, const struct figure_source *source, const char *folder, struct error *error)
{
    struct text data = {0};
    text_add(&data, "# ");
    figure_provenance(figure, source->comparison, &data);
    text_add(&data, "\n# Draw it in this folder: gnuplot -c %s %s svg (or png, pdf)\n", figure->script, figure->name);
    bool done = figure->write(figure, source, &data, error) && figure_leave(folder, figure->name, figure->script, &data, error);
    text_free(&data);
    return done;
}

bool figure_draw(const struct figure *figure, const char *folder, const char *terminal, bool logarithmic, struct error *error)
{
    return gnuplot_draw(&(struct drawing){.folder = folder,
                                          .script = figure->script,
                                          .figure = figure->name,
                                          .terminal = terminal,
                                          .logarithmic = logarithmic},
                        error);
}
