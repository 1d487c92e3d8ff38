// verb_verify.c: `ablate verify DIR...`: models and trainings held against values computed elsewhere.
//
// A case is a folder with case.yaml (keys of a run, one a line), weights.safetensors and expected.safetensors; see
// check/verify.h for what is compared and how. A case that names a component which is not there is reported as such: it has not
// passed, and it does not make the exit status 1, for nothing that exists was found wrong.
#include <math.h>
#include <string.h>

#include "cli/table.h"
#include "check/case.h"
#include "check/verify.h"
#include "registry/run.h"

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

static bool verify_folder(const char *folder, const char *const *set, int threads, struct report *report, struct arena *arena,
                          struct error *error)
{
    struct run run;
    if (!case_read(folder, &run, &report->reason, arena, error))
        return false;
    if (report->reason)
        report->outcome = ABSENT;
    for (int i = 0; !report->reason && set[i]; i++)
        run_set_pair(&run, set[i], arena, error);
    if (error->count || (!report->reason && !run_resolve(&run, error)))
        return false;
    return report->reason || verify_case(folder, &run, threads, &report->verdict, error);
}

static struct report verify_one(const char *folder, const char *const *set, int threads, struct arena *arena,
                                struct error *error)
{
    struct report report = {.outcome = FAILED};
    struct error trouble = {0};
    if (!verify_folder(folder, set, threads, &report, arena, &trouble)) {
        report.outcome = FAILED;
        report.reason = arena_format(arena, "%.*s", (int)strcspn(trouble.text, "\n"), trouble.text);
        error->is_request |= trouble.is_request;
    } else if (report.outcome != ABSENT) {
        report.outcome = report.verdict.passed ? PASSED : FAILED;
        if (report.outcome == FAILED)
            report.reason = isnan(report.verdict.worst_error)
                                ? "not a number"
                                : arena_format(arena, "the error is above %g", report.verdict.limit);
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
        struct report report = verify_one(request->words[i], request->set, (int)chosen->threads, request->arena, error);
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
    .sets = true,
    .run = run,
};
