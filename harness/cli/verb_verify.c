// verb_verify.c: `ablate verify DIR...`: models and trainings held against values computed elsewhere.
//
// A case is a folder with case.yaml (keys of a run, one a line), weights.safetensors and expected.safetensors; see train/verify.h
// for what is compared and how. A case that names a component which is not there is reported as such: it has not passed, and it
// does not make the exit status 1, for nothing that exists was found wrong.
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "registry/run.h"
#include "sweep/yaml.h"
#include "train/verify.h"

struct verify_options {
    int64_t threads;
};
static const struct option options[] = {
    {"threads", OPTION_INT, offsetof(struct verify_options, threads), .fallback = "2", .min = 1, .max = 64,
     .help = "that carry the two lanes; changes no bit"},
    {0},
};

enum outcome { PASSED, FAILED, ABSENT };
struct report {
    enum outcome outcome;
    struct verdict verdict;
    const char *reason; // why it has not passed; NULL when it has
};

// The first component that the value of a slot names and that is not there, or NULL. `value` is one entry.
static const char *absent_component(const char *key, const char *value, struct arena *arena)
{
    struct error unread = {0};
    enum slot slot = slot_find(key, &unread);
    if (slot == SLOT_COUNT)
        return NULL;
    const char *name = arena_format(arena, "%.*s", (int)strcspn(value, "( "), value);
    if ((slot_facts[slot].off && !strcmp(name, slot_facts[slot].off)) || registry_find(slot, name, &unread))
        return NULL;
    return arena_format(arena, "%s=%s is not among the components", key, name);
}

// A YAML list becomes the list that run_set reads: ["a(x=1)", "b"].
static const char *value_of(const struct yaml *entry, struct arena *arena)
{
    if (entry->kind == YAML_TEXT)
        return entry->text;
    const char *list = "";
    for (const struct yaml *item = entry->first; item; item = item->next)
        list = arena_format(arena, "%s%s\"%s\"", list, *list ? ", " : "", item->kind == YAML_TEXT ? item->text : "");
    return arena_format(arena, "[%s]", list);
}

static const char *find_absent(const struct yaml *root, struct arena *arena)
{
    const char *absent = NULL;
    for (const struct yaml *entry = root->first; entry && !absent; entry = entry->next) {
        if (entry->kind == YAML_TEXT)
            absent = absent_component(entry->key, entry->text, arena);
        for (const struct yaml *item = entry->kind == YAML_LIST ? entry->first : NULL; item && !absent; item = item->next)
            absent = item->kind == YAML_TEXT ? absent_component(entry->key, item->text, arena) : NULL;
    }
    return absent;
}

static bool set_keys(const char *path, const struct yaml *root, struct run *run, struct arena *arena, struct error *error)
{
    bool done = true;
    run_defaults(run, arena);
    run->slots[SLOT_DATA] = (struct setting){.count = 1}; // a case brings its own tokens
    for (const struct yaml *entry = root->first; entry; entry = entry->next) {
        struct error trouble = {0};
        if (run_set(run, entry->key, value_of(entry, arena), arena, &trouble))
            continue;
        done = error_add_at(error, path, entry->line, "%.*s", (int)strcspn(trouble.text, "\n"), trouble.text);
        error->is_request = true;
    }
    return done && run_resolve(run, error);
}

static bool verify_folder(const char *folder, int threads, struct report *report, struct arena *arena, struct error *error)
{
    const char *path = arena_format(arena, "%s/case.yaml", folder);
    struct bytes bytes;
    struct yaml *root = NULL;
    struct run run;
    if (!file_read(path, YAML_BYTES_MAX, &bytes, error)) {
        error->is_request = true;
        return false;
    }
    bool done = yaml_parse(path, &bytes, arena, &root, error);
    if (done && root->kind != YAML_MAP)
        done = error_add_at(error, path, root->line, "keys of a run were expected, one a line, such as \"ffn: swiglu\"");
    error->is_request = !done;
    report->reason = done ? find_absent(root, arena) : NULL;
    if (report->reason)
        report->outcome = ABSENT;
    else
        done = done && set_keys(path, root, &run, arena, error) && verify_case(folder, &run, threads, &report->verdict, error);
    bytes_free(&bytes);
    return done;
}

static struct report verify_one(const char *folder, int threads, struct arena *arena, struct error *error)
{
    struct report report = {.outcome = FAILED};
    struct error trouble = {0};
    if (!verify_folder(folder, threads, &report, arena, &trouble)) {
        report.outcome = FAILED;
        report.reason = arena_format(arena, "%.*s", (int)strcspn(trouble.text, "\n"), trouble.text);
        error->is_request |= trouble.is_request;
    } else if (report.outcome != ABSENT) {
        report.outcome = report.verdict.passed ? PASSED : FAILED;
        if (report.outcome == FAILED)
            report.reason = arena_format(arena, "the error is above %g", report.verdict.limit);
    }
    return report;
}

enum { COLUMN_CASE, COLUMN_PASSED, COLUMN_TENSOR, COLUMN_ERROR, COLUMN_REASON, COLUMNS };
static const struct column columns[COLUMNS] = {
    [COLUMN_CASE] = {.name = "case"},
    [COLUMN_PASSED] = {.name = "passed", .number = true},
    [COLUMN_TENSOR] = {.name = "worst_tensor", .heading = "worst tensor"},
    [COLUMN_ERROR] = {.name = "worst_error", .heading = "error", .number = true},
    [COLUMN_REASON] = {.name = "reason"},
};

static void add_row(struct table *table, const char *folder, const struct report *report, struct arena *arena)
{
    char *name = arena_copy_text(arena, folder);
    for (size_t end = strlen(name); end > 1 && name[end - 1] == '/'; end--)
        name[end - 1] = '\0';
    const char *slash = strrchr(name, '/');
    table_row(table);
    table_cell(table, COLUMN_CASE, "%s", slash && slash[1] ? slash + 1 : name);
    table_cell(table, COLUMN_PASSED, "%s", report->outcome == PASSED ? "true" : "false");
    if (*report->verdict.worst_tensor) {
        table_cell(table, COLUMN_TENSOR, "%s", report->verdict.worst_tensor);
        table_cell(table, COLUMN_ERROR, "%.2e", report->verdict.worst_error);
    }
    if (report->reason)
        table_cell(table, COLUMN_REASON, "%s", report->reason);
}

static bool run(const struct request *request, struct error *error)
{
    const struct verify_options *chosen = request->options;
    struct table table;
    int counts[ABSENT + 1] = {0};
    table_open(&table, columns, COLUMNS);
    for (int i = 0; i < request->word_count; i++) {
        struct report report = verify_one(request->words[i], (int)chosen->threads, request->arena, error);
        counts[report.outcome]++;
        add_row(&table, request->words[i], &report, request->arena);
    }
    table_print(&table, request->format, stdout);
    table_close(&table);
    if (request->format == OUTPUT_TEXT)
        printf("%d passed, %d failed, %d need a component that is not there\n", counts[PASSED], counts[FAILED], counts[ABSENT]);
    return counts[FAILED] == 0 || error_add(error, "%d of %d cases failed", counts[FAILED], request->word_count);
}

const struct verb verb_verify = {
    .name = "verify",
    .summary = "hold models and trainings against values computed elsewhere",
    .words_help = "DIR...",
    .words_min = 1,
    .words_max = -1,
    .example = "ablate verify tests/oracle/llama-gqa",
    .options = options,
    .options_size = sizeof(struct verify_options),
    .tables = true,
    .run = run,
};
