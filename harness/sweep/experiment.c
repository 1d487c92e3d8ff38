// experiment.c: an experiment file read: its head, its plan of replicates, its metric; the rest is in experiment_*.c.
//
// One table names every section of a file. Refuses unknown ones with "did you mean", values of the wrong kind, and numbers out
// of range, each with file:line and all at once. Called by run, compare and every verb that takes an experiment file.
#include "sweep/experiment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/draft.h"

const char *const method_names[] = {"grid", "random", "ablation", NULL};
const char *const match_names[] = {"", "params", "flops", NULL};
static const char *const goal_names[] = {"minimize", "maximize", NULL};
static const char *const ablation_names[] = {"add", "remove", NULL};

// ---- Values of one kind -----------------------------------------------------------------------------------------------------

// The index of a word in a NULL-ended list; -1 with a mistake that names the nearest.
static int take_word(struct draft *draft, const struct yaml *node, const char *const *words)
{
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return -1;
    return draft_word(draft, node->line, arena_format(draft->arena, "%s: no", node->key), node->text, words);
}

static bool take_count(struct draft *draft, const struct yaml *node, int64_t min, int64_t max, int64_t *value)
{
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return false;
    int64_t number;
    if (!text_to_int(node->text, &number) || number < min || number > max)
        return draft_mistake(draft, node->line, "%s: \"%s\" is not a whole number, %lld to %lld", node->key, node->text,
                             (long long)min, (long long)max);
    *value = number;
    return true;
}

// ---- Sections ---------------------------------------------------------------------------------------------------------------

// Part of file names and of command lines, so it is one plain word.
static void take_name(struct draft *draft, struct yaml *node)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return;
    size_t length = strlen(node->text);
    if (length == 0 || length > 64 || strspn(node->text, plain) != length || node->text[0] == '.' || node->text[0] == '-')
        draft_mistake(draft, node->line, "name: \"%.80s\" is not one word of letters, digits, - and _", node->text);
    else
        draft->experiment->name = node->text;
}

static void take_description(struct draft *draft, struct yaml *node)
{
    if (draft_is_kind(draft, node, YAML_TEXT))
        draft->experiment->description = node->text;
}

static void take_lecture(struct draft *draft, struct yaml *node)
{
    if (draft_is_kind(draft, node, YAML_TEXT))
        draft->experiment->lecture = node->text;
}

static void take_method(struct draft *draft, struct yaml *node)
{
    int method = take_word(draft, node, method_names);
    draft->method = method >= 0 ? (enum method)method : METHOD_GRID;
    draft->method_line = node->line;
}

static void take_run_cap(struct draft *draft, struct yaml *node)
{
    take_count(draft, node, 1, EXPERIMENT_ARMS_MAX, &draft->run_cap);
}

static void take_seed(struct draft *draft, struct yaml *node) { take_count(draft, node, 0, INT64_MAX, &draft->random_seed); }

static void take_ablation(struct draft *draft, struct yaml *node)
{
    draft->remove = take_word(draft, node, ablation_names) == 1;
}

static void take_metric_name(struct draft *draft, struct yaml *node)
{
    const char *metric = draft_is_kind(draft, node, YAML_TEXT) ? draft_metric(draft, node->line, "metric", node->text) : NULL;
    draft->metric_line = node->line;
    if (metric)
        draft->experiment->metric = metric;
}

static void take_goal(struct draft *draft, struct yaml *node)
{
    draft->experiment->maximize = take_word(draft, node, goal_names) == 1;
}

static void take_margin(struct draft *draft, struct yaml *node)
{
    double margin;
    if (!draft_is_kind(draft, node, YAML_TEXT))
        return;
    if (!text_to_real(node->text, &margin) || margin <= 0)
        draft_mistake(draft, node->line, "margin: \"%s\" is not a number above 0", node->text);
    else
        draft->experiment->margin = margin;
}

static void take_metric(struct draft *draft, struct yaml *node)
{
    static const struct draft_section sections[] = {{"name", take_metric_name},
                                                    {"goal", take_goal},
                                                    {"margin", take_margin},
                                                    {NULL, NULL}};
    if (draft_is_kind(draft, node, YAML_MAP))
        draft_sections(draft, node, sections);
}

static void take_first(struct draft *draft, struct yaml *node)
{
    take_count(draft, node, 1, EXPERIMENT_REPLICATES_MAX, &draft->experiment->replicates);
}

static void take_max(struct draft *draft, struct yaml *node)
{
    take_count(draft, node, 1, EXPERIMENT_REPLICATES_MAX, &draft->experiment->replicates_max);
}

static void take_replicates(struct draft *draft, struct yaml *node)
{
    static const struct draft_section sections[] = {{"first", take_first}, {"max", take_max}, {NULL, NULL}};
    struct experiment *experiment = draft->experiment;
    if (node->kind != YAML_MAP) {
        take_first(draft, node);
        return;
    }
    draft_sections(draft, node, sections);
    if (experiment->replicates_max && experiment->replicates_max < experiment->replicates)
        draft_mistake(draft, node->line, "replicates: max %lld is below first %lld", (long long)experiment->replicates_max,
                      (long long)experiment->replicates);
}

static void take_match(struct draft *draft, struct yaml *node)
{
    if (!draft_is_kind(draft, node, YAML_MAP))
        return;
    if (node->count != 1) {
        draft_mistake(draft, node->line, "match: it takes one pair, as {params: ffn.d_ff}");
        return;
    }
    struct yaml *pair = node->first;
    struct yaml word = {.kind = YAML_TEXT, .key = "match", .text = pair->key, .line = pair->line};
    int match = take_word(draft, &word, match_names);
    if (match < 0 || !draft_is_kind(draft, pair, YAML_TEXT))
        return;
    struct error trouble = {0};
    if (!match_option_check((enum match)match, pair->text, &trouble)) {
        draft_carry(draft, pair->line, "", &trouble);
        return;
    }
    draft->match = (enum match)match;
    draft->match_option = pair->text;
    draft->match_line = pair->line;
    draft->experiment->match = arena_format(draft->arena, "%s by %s", pair->key, pair->text);
}

static const struct draft_section sections[] = {
    {"name", take_name},
    {"description", take_description},
    {"lecture", take_lecture},
    {"method", take_method},
    {"run_cap", take_run_cap},
    {"seed", take_seed},
    {"ablation", take_ablation},
    {"metric", take_metric},
    {"replicates", take_replicates},
    {"baseline", draft_baseline},
    {"eval_as", draft_eval_as},
    {"match", take_match},
    {"parameters", draft_parameters},
    {"arms", draft_arms},
    {"requires", draft_requires},
    {"claims", draft_claims},
    {NULL, NULL},
};

// ---- The whole file ---------------------------------------------------------------------------------------------------------

// "experiments/glu-variants.yaml" -> "glu-variants"
static const char *name_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    return arena_format(arena, "%.*s", (int)strcspn(base, "."), base);
}

static void take_changes(struct draft *draft, const struct experiment_changes *changes)
{
    struct experiment *experiment = draft->experiment;
    int64_t first = experiment->replicates;
    if (changes && changes->replicates > EXPERIMENT_REPLICATES_MAX)
        error_request(draft->error, "--replicates %lld: at most %d", (long long)changes->replicates, EXPERIMENT_REPLICATES_MAX);
    else if (changes && changes->replicates > 0)
        experiment->replicates = changes->replicates;
    experiment->extension_declared = experiment->replicates_max > first && experiment->replicates <= experiment->replicates_max;
    if (experiment->replicates_max < experiment->replicates)
        experiment->replicates_max = experiment->replicates;
    for (const char *const *pair = changes ? changes->set : NULL; pair && *pair; pair++) {
        const char *equals = strchr(*pair, '=');
        if (!equals)
            error_request(draft->error, "--set %s: not of the form key=value", *pair);
        else
            settings_put(&draft->command, draft->arena,
                         (struct set){.key = arena_format(draft->arena, "%.*s", (int)(equals - *pair), *pair),
                                      .value = equals + 1});
    }
}

// What must hold between sections.
static void check_method(struct draft *draft, const struct yaml *root)
{
    const struct yaml *cap = yaml_find(root, "run_cap"), *seed = yaml_find(root, "seed"),
                      *ablation = yaml_find(root, "ablation");
    if (draft->method == METHOD_RANDOM && !cap)
        draft_mistake(draft, draft->method_line, "method: random needs `run_cap:`, the number of arms to draw");
    if (draft->method != METHOD_RANDOM && cap)
        draft_mistake(draft, cap->line, "run_cap: it belongs to method: random");
    if (draft->method != METHOD_RANDOM && seed)
        draft_mistake(draft, seed->line, "seed: it belongs to method: random; runs are repeated by `replicates:`");
    if (draft->method != METHOD_ABLATION && ablation)
        draft_mistake(draft, ablation->line, "ablation: it belongs to method: ablation");
    for (int i = 0; i < draft->swept_count; i++) {
        const struct swept *swept = &draft->swept[i];
        if (swept->count == 0 && draft->method != METHOD_RANDOM)
            draft_mistake(draft, swept->line, "%s: a range is for method: random; name `values:` here", swept->key);
    }
}

static void read_text(struct draft *draft, const struct bytes *bytes, const struct experiment_changes *changes)
{
    struct experiment *experiment = draft->experiment;
    struct yaml *root;
    draft->path = experiment->file;
    experiment->text = arena_format(draft->arena, "%.*s", (int)bytes->count, (const char *)bytes->data);
    experiment->name = name_of(draft->arena, draft->path);
    hash_bytes(bytes->data, bytes->count, experiment->hash);
    yaml_parse(draft->path, bytes, draft->arena, &root, draft->error);
    if (root && root->kind != YAML_MAP) {
        draft_mistake(draft, root->line, "an experiment is a map of keys, such as `name:` and `parameters:`");
    } else if (root) {
        draft_mend(draft, root);
        draft_sections(draft, root, sections);
        check_method(draft, root);
        take_changes(draft, changes);
        if (draft_span(draft))
            draft_check_claims(draft, root);
    }
    experiment->notes = arena_copy_text(draft->arena, draft->notes.data ? draft->notes.data : "");
    text_free(&draft->notes);
}

bool experiment_read(const char *path, const struct experiment_changes *changes, struct experiment *experiment,
                     struct error *error)
{
    *experiment = (struct experiment){.metric = "val_loss", .margin = NAN, .replicates = 5, .description = "", .lecture = ""};
    struct error mistakes = {0};
    struct draft draft = {.experiment = experiment, .arena = &experiment->arena, .error = &mistakes, .random_seed = 1};
    struct bytes bytes = {0};
    if (!file_read(path, YAML_BYTES_MAX, &bytes, error)) {
        error->is_request = true;
        return false;
    }
    experiment->file = arena_copy_text(draft.arena, path);
    read_text(&draft, &bytes, changes);
    bytes_free(&bytes);
    if (mistakes.count > 0) {
        draft_report(&draft, error);
        experiment_close(experiment);
    }
    return mistakes.count == 0;
}

void experiment_close(struct experiment *experiment)
{
    free(experiment->arms);
    arena_close(&experiment->arena);
    *experiment = (struct experiment){0};
}
