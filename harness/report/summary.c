// summary.c: the sentences, generated from what the arms share and what differs among them; see summary.h.
#include "report/summary.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "report/number.h"

void summary_metric(const struct comparison *comparison, struct text *text)
{
    text_add(text, "%s%s", comparison->view->metric, isfinite(comparison->floor) ? " above the floor" : "");
}

// ---- The answer -------------------------------------------------------------------------------------------------------------

static const struct {
    enum verdict verdict;
    const char *one, *many;
} answers[] = {
    {VERDICT_BETTER, "is better", "are better"},
    {VERDICT_WORSE, "is worse", "are worse"},
    {VERDICT_EQUIVALENT, "is equivalent", "are equivalent"},
    {VERDICT_NOT_DISTINGUISHABLE, "is not distinguishable", "are not distinguishable"},
    {VERDICT_DIVERGED, "has no verdict because of diverged runs", "have no verdict because of diverged runs"},
    {VERDICT_NONE, "has no verdict", "have no verdict"},
};
enum { ANSWER_COUNT = sizeof answers / sizeof *answers };

static bool is_in(const struct comparison_arm *arm, enum verdict verdict)
{
    return !arm->is_baseline && arm->difference.verdict == verdict;
}

// "a, b and c are better"; returns how many.
static int add_group(const struct comparison *comparison, int answer, const char *lead, struct text *text)
{
    int count = 0, seen = 0;
    for (int i = 0; i < comparison->arm_count; i++)
        count += is_in(&comparison->arms[i], answers[answer].verdict);
    if (!count)
        return 0;
    text_add(text, "%s", lead);
    for (int i = 0; i < comparison->arm_count; i++) {
        if (!is_in(&comparison->arms[i], answers[answer].verdict))
            continue;
        text_add(text, "%s%s", seen == 0 ? "" : seen + 1 == count ? " and " : ", ", comparison->arms[i].name);
        seen++;
    }
    text_add(text, " %s", count == 1 ? answers[answer].one : answers[answer].many);
    return count;
}

void summary_answer(const struct comparison *comparison, struct text *text)
{
    if (!comparison->finished && !comparison->diverged) {
        text_add(text, "No run has finished yet, so there is no answer.");
        return;
    }
    if (comparison->arm_count < 2) {
        text_add(text, "There is one arm, so nothing is compared.");
        return;
    }
    text_add(text, "Against %s on %s", comparison->arms[comparison->view->baseline].name, comparison->view->metric);
    text_add(text, comparison->shared_count ? ", over %d shared seed%s: " : ": ", comparison->shared_count,
             comparison->shared_count == 1 ? "" : "s");
    const char *lead = "";
    for (int i = 0; i < ANSWER_COUNT; i++)
        if (add_group(comparison, i, lead, text))
            lead = "; ";
    text_add(text, comparison->pending ? "; %d of %d runs are still to come." : ".", comparison->pending,
             comparison->arm_count * comparison->view->seed_count);
}

void summary_declaration(const struct comparison *comparison, struct text *text)
{
    const struct experiment_view *view = comparison->view;
    if (view->declared_after)
        text_add(text, "exploratory: the %s was declared after %d of the runs had finished",
                 isfinite(view->margin) ? "margin" : "comparison", view->declared_after);
}

// ---- What it does not show --------------------------------------------------------------------------------------------------

// One value of all arms that have one, or NULL where they differ or none is known.
static const char *common(const struct comparison *comparison, size_t offset)
{
    const char *value = NULL;
    for (int i = 0; i < comparison->arm_count; i++) {
        const char *own = *(const char *const *)((const char *)&comparison->arms[i] + offset);
        if (!own || !*own)
            continue;
        if (value && strcmp(own, value) != 0)
            return NULL;
        value = own;
    }
    return value;
}

static void add_size(const struct comparison *comparison, struct text *text)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < comparison->arm_count; i++) {
        low = fmin(low, isfinite(comparison->arms[i].parameters) ? comparison->arms[i].parameters : INFINITY);
        high = fmax(high, isfinite(comparison->arms[i].parameters) ? comparison->arms[i].parameters : 0);
    }
    struct number small = number_count(low), large = number_count(high);
    if (high > 0)
        text_add(text, !strcmp(small.text, large.text) ? "models of %s parameters, " : "models of %s to %s parameters, ",
                 small.text, large.text);
}

void summary_limits(const struct comparison *comparison, struct text *text)
{
    const struct experiment_view *view = comparison->view;
    const char *data = common(comparison, offsetof(struct comparison_arm, data));
    const char *steps = common(comparison, offsetof(struct comparison_arm, steps));
    const char *rate = common(comparison, offsetof(struct comparison_arm, learning_rate));
    text_add(text, "The result holds for ");
    add_size(comparison, text);
    text_add(text, data ? "the data %s, " : "the data of each arm, ", data);
    text_add(text, steps ? "%s training steps and " : "the training steps of each arm and ", steps);
    text_add(text, "%d seed%s that all arms share", view->seed_count, view->seed_count == 1 ? "" : "s");
    text_add(text,
             rate ? ", with one learning rate (%s) for all arms, so an arm that would want another is not shown at its best"
                  : ", with the learning rates that the arms name",
             rate);
    text_add(text, ". It does not show what happens at other sizes, on other data or in longer training; ");
    text_add(text, "seeds vary initial weights and the order of the data, not the choice of the held-out text");
    if (isfinite(comparison->block_error))
        text_add(text, " (standard error over its blocks: %s)", number_small(comparison->block_error, 3).text);
    text_add(text, ".");
    if (view->match)
        text_add(text, " Arms are matched: %s.", view->match);
    if (!view->match && view->arm_count > 1)
        text_add(text, " Arms are not matched in parameters or FLOPs.");
}
