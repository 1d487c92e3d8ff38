// verb_train.c: `ablate train`: one run in this process, printed as it goes. Nothing is stored.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/file.h"
#include "bench/profile_table.h"
#include "bench/trace.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "report/layout.h"
#include "report/number.h"
#include "train/train.h"

struct train_verb_options {
    int64_t threads;
    const char *checkpoint, *weights;
    bool profile;
    const char *trace;
};

static const struct option options[] = {
    {"threads", OPTION_INT, offsetof(struct train_verb_options, threads), .fallback = "0", .min = 0, .max = 1024,
     .unit = "threads", .help = "at most train.lanes of them do work; 0: as many as there are cores"},
    {"checkpoint", OPTION_TEXT, offsetof(struct train_verb_options, checkpoint), .fallback = "", .unit = "FILE",
     .help = "written every train.checkpoint_every steps and at the end; an existing one is continued"},
    {"profile", OPTION_BOOL, offsetof(struct train_verb_options, profile), .fallback = "false",
     .help = "a table of where the time of up to 20 steps went, after 3 to warm up; with --json or --csv nothing else"},
    {"trace", OPTION_TEXT, offsetof(struct train_verb_options, trace), .fallback = "results/profile.json", .unit = "FILE",
     .help = "where --profile writes those steps for chrome://tracing or Perfetto"},
    {"weights", OPTION_TEXT, offsetof(struct train_verb_options, weights), .fallback = "results/weights", .unit = "FOLDER",
     .help = "where train.keep_weights=true keeps the last weights, and init=run(ID) finds those of a run"},
    {0},
};

// Rows are printed once a step (or an evaluation) is whole: when the step of the next row differs.
struct printer {
    enum output_format format;
    int64_t step, steps; // of the line being gathered; -1: none
    struct flow line;
    double tokens_per_s, printed_at;
    const char *trace; // of --profile, else NULL
};

enum { LINE_INDENT = 13 };              // behind "step   100   "
static const double LINE_SECONDS = 0.5; // between two lines of steps for people

// Metrics that a person reads, and how they are called there; the others are for --json and --csv.
static const struct {
    const char *name, *label;
} shown[] = {
    {"train_loss", "loss"},
    {"gradient_norm", "gradient norm"},
    {"learning_rate", "lr"},
    {"val_loss", "validation loss"},
    {"val_accuracy", "accuracy"},
    {"val_bits_per_byte", "bits per byte"},
    {"val_perplexity", "perplexity"},
    {"val_excess", "above the floor"},
    {"test_loss", "test loss"},
    {"test_accuracy", "accuracy"},
    {"test_standard_error", "standard error"},
    {"test_bits_per_byte", "bits per byte"},
    {"test_perplexity", "perplexity"},
    {"test_excess", "above the floor"},
};

// The name without the attention of eval_as that it was evaluated with.
static bool is_name(const char *told, const char *name)
{
    size_t length = strcspn(told, "@");
    return strlen(name) == length && !strncmp(told, name, length);
}

static const char *label_of(const char *name)
{
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (is_name(name, shown[i].name))
            return shown[i].label;
    return NULL;
}

static void flush_line(struct printer *printer)
{
    if (printer->line.column)
        flow_end(&printer->line);
    fflush(stdout);
}

// `attention`: "@full", what it was evaluated with, or NULL.
static void begin_line(struct printer *printer, int64_t step, const char *attention)
{
    char piece[32];
    snprintf(piece, sizeof piece, attention ? "step %5lld as " : "step %5lld   ", (long long)step);
    flow_add(&printer->line, "", piece);
    if (attention)
        flow_add(&printer->line, "", attention + 1);
}

static void begin(void *context, const struct train_facts *facts, int64_t resumed_from_step)
{
    const struct printer *printer = context;
    if (printer->format == OUTPUT_CSV && !printer->trace)
        printf("step,name,value\n");
    if (printer->format == OUTPUT_JSON && !printer->trace)
        printf("{\"parameters\": %lld, \"flops\": %.0f, \"planned_bytes\": %zu}\n", (long long)facts->parameters, facts->flops,
               facts->planned_bytes);
    if (printer->format != OUTPUT_TEXT)
        return;
    printf("%s parameters, %s FLOPs, %s of memory planned\n", number_count((double)facts->parameters).text,
           number_count(facts->flops).text, number_bytes((double)facts->planned_bytes).text);
    if (resumed_from_step)
        printf("continued from step %lld\n", (long long)resumed_from_step);
}

static void print_row(const struct printer *printer, int64_t step, const char *name, double value)
{
    if (printer->trace)
        return;
    if (printer->format == OUTPUT_CSV)
        printf("%lld,%s,%.17g\n", (long long)step, name, value);
    else if (isfinite(value))
        printf("{\"step\": %lld, \"name\": \"%s\", \"value\": %.17g}\n", (long long)step, name, value);
    else
        printf("{\"step\": %lld, \"name\": \"%s\", \"value\": null}\n", (long long)step, name);
}

static void metric(void *context, int64_t step, const char *name, double value)
{
    struct printer *printer = context;
    const char *label = label_of(name);
    char piece[64];
    if (printer->format != OUTPUT_TEXT) {
        print_row(printer, step, name, value);
        return;
    }
    bool is_step = !strcmp(name, "train_loss"), is_evaluation = is_name(name, "val_loss") || is_name(name, "test_loss");
    if (is_evaluation)
        flush_line(printer);
    if (is_step) {
        double now = clock_seconds();
        bool due = step == 0 || step == printer->steps - 1 || now - printer->printed_at >= LINE_SECONDS;
        flush_line(printer);
        printer->step = due ? step : -1;
        printer->printed_at = due ? now : printer->printed_at;
    }
    if (is_evaluation)
        printer->step = step;
    if (!label || printer->step != step)
        return;
    if (!printer->line.column)
        begin_line(printer, step, strchr(name, '@'));
    snprintf(piece, sizeof piece, "%s %.4g", label, value);
    flow_add(&printer->line, "  ", piece);
    if (!strcmp(name, "learning_rate") && printer->tokens_per_s > 0) {
        snprintf(piece, sizeof piece, "%s tok/s", number_count(printer->tokens_per_s).text);
        flow_add(&printer->line, "  ", piece);
    }
}

static void throughput(void *context, int64_t step, double tokens_per_s)
{
    struct printer *printer = context;
    printer->tokens_per_s = tokens_per_s;
    if (printer->format != OUTPUT_TEXT)
        print_row(printer, step, "tokens_per_s", tokens_per_s);
}

static void event(void *context, int64_t step, const char *kind, double value, double threshold, const char *detail)
{
    struct printer *printer = context;
    if (printer->format == OUTPUT_JSON && !printer->trace)
        printf("{\"step\": %lld, \"event\": \"%s\", \"detail\": \"%s\"}\n", (long long)step, kind, detail ? detail : "");
    if (printer->format != OUTPUT_TEXT)
        return;
    flush_line(printer);
    printf("step %5lld  %s: %s (%g, limit %g)\n", (long long)step, kind, detail ? detail : "", value, threshold);
}

static bool commit(void *context, int64_t step, struct error *error)
{
    (void)context, (void)step, (void)error;
    return true;
}

static const struct column profile_columns[] = {
    {.name = "component"},
    {.name = "op"},
    {.name = "pass"},
    {.name = "calls", .number = true},
    {.name = "seconds", .heading = "ms", .number = true},
    {.name = "share", .heading = "%", .number = true},
    {.name = "flops_per_s", .heading = "GFLOP/s", .number = true},
    {.name = "bytes_per_s", .heading = "GB/s", .number = true},
    {.name = "fraction_of_peak", .heading = "of peak", .number = true},
};
enum { COMPONENT, OP, PASS, CALLS, SECONDS, SHARE, FLOPS, BYTES, FRACTION };

static void add_row(struct table *table, const struct profile_row *row, bool for_people)
{
    double per_s = row->seconds > 0 ? 1 / row->seconds : 0, giga = for_people ? 1e-9 : 1;
    bool parameters = !strcmp(row->pass, phase_names[PHASE_BACKWARD_PARAMETERS]);
    table_row(table);
    // For people, what is no op of a component stands where components do: its names are long.
    bool is_part = for_people && !*row->component && !*row->pass;
    table_cell(table, COMPONENT, "%s", is_part ? row->op : row->component);
    table_cell(table, OP, "%s", is_part ? "" : row->op);
    table_cell(table, PASS, "%s", for_people && parameters ? "weights" : row->pass);
    if (row->calls > 0)
        table_cell(table, CALLS, "%.0f", row->calls);
    table_cell(table, SECONDS, for_people ? "%.3f" : "%.9g", row->seconds * (for_people ? 1e3 : 1));
    table_cell(table, SHARE, for_people ? "%.1f" : "%.6g", row->share * (for_people ? 100 : 1));
    if (row->flops > 0)
        table_cell(table, FLOPS, for_people ? "%.1f" : "%.6g", giga * row->flops * per_s);
    if (row->bytes > 0)
        table_cell(table, BYTES, for_people ? "%.1f" : "%.6g", giga * row->bytes * per_s);
    if (!isnan(row->fraction))
        table_cell(table, FRACTION, for_people ? "%.2f" : "%.6g", row->fraction);
}

static bool profiled(void *context, const struct profile *profile, struct team *team, struct error *error)
{
    struct printer *printer = context;
    struct profile_table summary;
    struct table table;
    flush_line(printer);
    if (!profile_table_open(&summary, profile, team, error))
        return false;
    table_open(&table, profile_columns, sizeof profile_columns / sizeof *profile_columns);
    for (int i = 0; i < summary.count; i++)
        add_row(&table, &summary.rows[i], printer->format == OUTPUT_TEXT);
    if (printer->format == OUTPUT_TEXT)
        printf("\n%lld steps of %.3f ms, on %d thread%s\n", (long long)summary.steps, 1e3 * summary.step_seconds,
               team_size(team), team_size(team) > 1 ? "s" : "");
    table_print(&table, printer->format, stdout);
    table_close(&table);
    profile_table_close(&summary);
    if (!trace_write(printer->trace, profile, error))
        return false;
    if (printer->format == OUTPUT_TEXT)
        printf("of peak: products of what the registers multiply, others of what the memory\n"
               "moves (caches: above 1).\n"
               "%s: these steps for chrome://tracing or https://ui.perfetto.dev\n\n",
               printer->trace);
    return true;
}

static bool set_all(const struct request *request, struct run *run, struct error *error)
{
    int before = error->count;
    run_defaults(run, request->arena);
    for (const char *const *pair = request->set; *pair; pair++)
        run_set_pair(run, *pair, request->arena, error);
    if (error->count == before)
        run_resolve(run, error);
    error->is_request = error->count > before;
    return error->count == before;
}

static bool run(const struct request *request, struct error *error)
{
    const struct train_verb_options *chosen = request->options;
    struct run *trained = arena_allocate(request->arena, 1, sizeof *trained);
    if (!set_all(request, trained, error))
        return false;
    struct printer printer = {
        .format = request->format,
        .step = -1,
        .line = {.file = stdout, .width = terminal_columns(stdout, TERMINAL_USUAL), .indent = LINE_INDENT, .keep_whole = true},
        .steps = trained->train.steps,
        .trace = chosen->profile ? chosen->trace : NULL};
    struct train_options how = {
        .threads = chosen->threads > 0 ? (int)chosen->threads : cpu_cores(),
        .checkpoint = chosen->checkpoint[0] ? chosen->checkpoint : NULL,
        .keeps = true,
        .profiles = chosen->profile,
        .weights = chosen->weights,
    };
    const char *notice = gemm_notice(run_gemm_way(trained));
    if (notice && request->format == OUTPUT_TEXT)
        terminal_print(stdout, "%s", notice);
    struct train_sink sink = {&printer, begin, metric, throughput, event, commit, profiled};
    struct train_result result;
    bool done = train_run(trained, &how, &sink, &result, error);
    flush_line(&printer);
    if (done && request->format == OUTPUT_TEXT)
        printf("%s in %s, %s tok/s, %s of memory at most\n", result.state == TRAIN_DIVERGED ? "diverged" : "finished",
               number_duration(result.seconds).text, number_count(result.tokens_per_s).text,
               number_bytes((double)result.peak_rss_bytes).text);
    if (done && trained->train.keep_weights && result.state == TRAIN_FINISHED && request->format == OUTPUT_TEXT)
        printf("kept in %s; another run starts from it with init=\"run(%s)\"\n", chosen->weights, result.run);
    return done;
}

const struct verb verb_train = {
    .name = "train",
    .summary = "trains one run and prints its losses",
    .example = "ablate train --set ffn=swiglu --set train.steps=200",
    .options = options,
    .options_size = sizeof(struct train_verb_options),
    .tables = true,
    .sets = true,
    .run = run,
};
