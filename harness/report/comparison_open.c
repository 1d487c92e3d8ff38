// comparison_open.c: reads from the store what a comparison is made of.
//
// It refuses an experiment file that no stored experiment came from. Called by every verb that answers from stored runs.
#include "report/comparison.h"

#include <math.h>
#include <string.h>

static bool is_file(const char *word)
{
    const char *dot = strrchr(word, '.');
    return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

// The same path, or one is the end of the other: "demo.yaml" means "experiments/demo.yaml".
static bool is_same_file(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    const char *longer = length_a > length_b ? a : b, *shorter = length_a > length_b ? b : a;
    size_t more = strlen(longer) - strlen(shorter);
    return !strcmp(longer + more, shorter) && (more == 0 || longer[more - 1] == '/');
}

// The newest experiment that was read from this file.
static bool name_of_file(struct store *store, const char *file, struct arena *arena, const char **name, struct error *error)
{
    const char *const *names;
    const char *plain = strncmp(file, "./", 2) ? file : file + 2;
    if (!view_experiments(store, arena, &names, error))
        return false;
    for (; *names; names++) {
        struct experiment_view view;
        if (!view_open(store, *names, arena, &view, error))
            return false;
        if (view.file && is_same_file(view.file, plain)) {
            *name = *names;
            return true;
        }
    }
    return error_request(error, "%s: no experiment in the database was read from this file; run it first: ablate run %s", file,
                         file);
}

// "val_loss" -> "val_excess", "val_loss@full" -> "val_excess@full": what training tells beside the loss where the data knows
// its floor; NULL for other metrics.
static const char *excess_of(const char *metric, struct arena *arena)
{
    int stem = (int)(strcspn(metric, "@") - strlen("_loss"));
    return comparison_metric_is(metric, "_loss") ? arena_format(arena, "%.*s_excess%s", stem, metric, strchrnul(metric, '@'))
                                                 : NULL;
}

// Of losses: of the same evaluation on the test part.
static const char *block_error_of(const char *metric, struct arena *arena)
{
    return comparison_metric_is(metric, "_loss") ? arena_format(arena, "test_standard_error%s", strchrnul(metric, '@')) : NULL;
}

struct reading {
    struct store *store;
    struct arena *arena;
    struct error *error;
    const struct experiment_view *view;
};

// Per run, [arm_count, seed_count]; NaN throughout where there is no such metric.
static bool read_finals(const struct reading *reading, const char *metric, const double **finals)
{
    size_t arms = (size_t)reading->view->arm_count, seeds = (size_t)reading->view->seed_count;
    double *values = arena_allocate(reading->arena, arms * seeds, sizeof *values);
    for (size_t i = 0; i < arms * seeds; i++) {
        const struct run_view *run = &reading->view->arms[i / seeds].runs[i % seeds];
        values[i] = NAN;
        if (metric && run->state == RUN_FINISHED && !view_final(reading->store, run->id, metric, &values[i], reading->error))
            return false;
    }
    *finals = values;
    return true;
}

// Per arm, from its first run that the store holds.
static bool read_options(const struct reading *reading, const char *key, const char *const **options)
{
    const struct experiment_view *view = reading->view;
    const char **values = arena_allocate(reading->arena, (size_t)view->arm_count, sizeof *values);
    for (int a = 0; a < view->arm_count; a++)
        for (int s = 0; s < view->seed_count && !values[a]; s++) {
            const char *run = view->arms[a].runs[s].id;
            if (*run && !view_option(reading->store, run, key, reading->arena, &values[a], reading->error))
                return false;
        }
    *options = values;
    return true;
}

const struct yaml *comparison_file(const struct experiment_view *view, struct arena *arena)
{
    struct error unread = {0};
    struct yaml *root = NULL;
    char *text = arena_copy_text(arena, view->text);
    const struct bytes bytes = {.data = (unsigned char *)text, .count = strlen(text)};
    return yaml_parse(view->file, &bytes, arena, &root, &unread) ? root : NULL;
}

// As the stored file says; a text that is none of ours requires nothing.
static struct requirement read_requirement(const struct reading *reading)
{
    struct requirement requirement = {0};
    struct error unread = {0};
    const struct yaml *entry = yaml_find(comparison_file(reading->view, reading->arena), "requires");
    if (entry && entry->kind == YAML_TEXT && requirement_parse(entry->text, reading->arena, &requirement, &unread))
        return requirement;
    return (struct requirement){0};
}

bool comparison_open(struct store *store, const char *experiment, struct arena *arena, struct comparison *comparison,
                     struct error *error)
{
    struct experiment_view *view = arena_allocate(arena, 1, sizeof *view);
    const struct reading reading = {.store = store, .arena = arena, .error = error, .view = view};
    struct comparison_values values;
    if (is_file(experiment) && !name_of_file(store, experiment, arena, &experiment, error))
        return false;
    if (!view_open(store, experiment, arena, view, error))
        return false;
    if (view->arm_count < 1 || view->seed_count < 1)
        return error_add(error, "experiment \"%s\": the database holds no run of it; run it again: ablate run %s", view->name,
                         view->file);
    values.requirement = read_requirement(&reading);
    values.required = NULL;
    bool done = read_finals(&reading, view->metric, &values.metric) &&
                (!values.requirement.metric || read_finals(&reading, values.requirement.metric, &values.required)) &&
                read_finals(&reading, excess_of(view->metric, arena), &values.excess) &&
                read_finals(&reading, block_error_of(view->metric, arena), &values.block_error) &&
                read_options(&reading, "data", &values.data) && read_options(&reading, "train.steps", &values.steps) &&
                read_options(&reading, "train.lr", &values.learning_rate) &&
                read_options(&reading, "attention", &values.attention) &&
                read_options(&reading, "model.seq_len", &values.length);
    if (done)
        comparison_make(view, &values, arena, comparison);
    return done;
}
