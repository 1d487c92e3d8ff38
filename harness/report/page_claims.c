// page_claims.c: what was claimed beside what was measured, and every arm under every attention it was evaluated with.
#include <math.h>
#include <string.h>

#include "registry/registry.h"
#include "registry/run.h"
#include "report/claim.h"
#include "report/html.h"
#include "report/number.h"
#include "report/page_sections.h"

// ---- Claims -----------------------------------------------------------------------------------------------------------------

static const char *outcome_class(enum outcome outcome)
{
    static const char *const classes[] = {[OUTCOME_OPEN] = "none",
                                          [OUTCOME_REPRODUCED] = "pass",
                                          [OUTCOME_CONTRADICTED] = "fail",
                                          [OUTCOME_EQUIVALENT] = "equivalent",
                                          [OUTCOME_NOT_DISTINGUISHABLE] = "not"};
    return classes[outcome];
}

static void add_claim(struct page *page, const struct claim *claim)
{
    const struct expectation *expected = &claim->expected;
    const struct difference *difference = &claim->difference;
    int decimals = number_decimals((difference->high - difference->low) / 2);
    decimals = decimals < 2 ? 2 : decimals > 4 ? 4 : decimals;
    html_add(&page->html, "<tr><td><span class=\"%s\">%s</span></td><td class=\"w\">%s<br><span class=\"from\">%s</span></td>",
             outcome_class(claim->outcome), outcome_names[claim->outcome], claim->says, claim->source);
    if (claim->outcome == OUTCOME_OPEN) {
        html_add(&page->html, "<td class=\"w\" colspan=\"2\">%s</td>", claim->why);
    } else {
        const char mark[] = {relation_marks[expected->relation], '\0'};
        html_add(&page->html, "<td class=\"w\">%s ", expected->left.arm);
        html_number(&page->html, number_fixed(claim->left, decimals, false).text);
        const char *right = expected->right.metric ? expected->right.metric : expected->left.metric;
        html_add(&page->html, " %s %s%s", mark, expected->right.metric ? expected->right.arm : "",
                 expected->right.metric ? " " : "");
        html_number(&page->html, number_fixed(claim->right, decimals, false).text);
        bool same = !strcmp(expected->left.metric, right);
        html_add(&page->html, "<br><span class=\"from\">%s%s%s</span></td><td>", expected->left.metric, same ? "" : " against ",
                 same ? "" : right);
        html_number(&page->html,
                    arena_format(page->arena, "%s [%s, %s]%s", number_fixed(difference->delta, decimals, true).text,
                                 number_fixed(difference->low, decimals, true).text,
                                 number_fixed(difference->high, decimals, true).text, claim->of_family ? "" : " alone"));
        text_add(&page->html, "</td>");
    }
    html_add(&page->html, "<td class=\"w\">%s</td></tr>\n", *claim->published ? claim->published : "no number");
}

bool page_claims(struct page *page, struct error *error)
{
    struct claim *claims;
    int count, seeds = page->comparison->shared_count;
    if (!claims_read(page->source->store, page->comparison, page->arena, &count, &claims, error))
        return false;
    if (!count)
        return true;
    text_add(&page->html, "<section id=\"claims\">\n<h2>Claims</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>outcome</th>"
                          "<th>claim</th><th>measured</th><th>difference, 95%%</th><th>published</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < count; i++)
        add_claim(page, &claims[i]);
    text_add(&page->html, "</tbody></table></div>\n");
    page_from(
        page,
        "the claims of the experiment file as stored, and the last values of its runs, paired over %d seed%s. An interval "
        "holds for all arms at once, as in the answer; one marked alone is that claim's own. Published numbers are of "
        "other models and data, and stand here for their order",
        seeds, seeds == 1 ? "" : "s");
    text_add(&page->html, "</section>\n");
    return true;
}

// ---- One training, several attentions ---------------------------------------------------------------------------------------

// The attentions of eval_as as metrics name them; 0 where there are none.
static bool read_attentions(struct page *page, struct setting *setting, struct error *error)
{
    const struct experiment_view *view = page->comparison->view;
    struct error unread = {0};
    const char *value = NULL;
    *setting = (struct setting){0};
    for (int a = 0; a < view->arm_count && !value; a++)
        for (int s = 0; s < view->seed_count && !value; s++)
            if (*view->arms[a].runs[s].id &&
                !view_option(page->source->store, view->arms[a].runs[s].id, "eval_as", page->arena, &value, error))
                return false;
    if (value && !setting_parse(SLOT_ATTENTION, value, setting, page->arena, &unread))
        setting->count = 0; // "none", or a component that is not there any more
    return true;
}

// Mean of a metric over an arm's finished runs, with the t interval of one mean.
static bool add_mean(struct page *page, int arm, const char *metric, struct error *error)
{
    const struct arm_view *from = &page->comparison->view->arms[arm];
    int count = 0, seeds = page->comparison->view->seed_count;
    double *values = arena_allocate(page->arena, (size_t)seeds, sizeof *values);
    for (int s = 0; s < seeds; s++) {
        if (from->runs[s].state != RUN_FINISHED || from->runs[s].exclusion)
            continue;
        if (!view_final(page->source->store, from->runs[s].id, metric, &values[count], error))
            return false;
        count += isfinite(values[count]);
    }
    struct interval interval = statistics_mean(values, count, STATISTICS_ALPHA);
    text_add(&page->html, "<td class=\"n\">");
    if (count)
        html_number(&page->html, number_fixed(interval.mean, 3, false).text);
    else
        text_add(&page->html, "-");
    if (count > 1)
        html_add(&page->html, " ±%s", number_fixed(interval.half_width, 3, false).text);
    text_add(&page->html, "</td>");
    return true;
}

static bool add_evaluations(struct page *page, int arm, const char *metric, const char *const *names, int count,
                            struct error *error)
{
    const struct comparison *comparison = page->comparison;
    const struct comparison_arm *own = &comparison->arms[arm];
    html_add(&page->html, "<tr><td>%s</td>", own->name);
    if (!add_mean(page, arm, metric, error))
        return false;
    for (int i = 0; i < count; i++)
        if (!add_mean(page, arm, arena_format(page->arena, "%s@%s", metric, names[i]), error))
            return false;
    if (comparison->requirement.metric)
        html_add(&page->html, "<td>%s</td>",
                 !own->finished       ? "-"
                 : isnan(own->missed) ? "yes"
                                      : arena_format(page->arena, "no: %s %s", comparison->requirement.metric,
                                                     number_fixed(own->missed, 3, false).text));
    text_add(&page->html, "</tr>\n");
    return true;
}

bool page_attentions(struct page *page, struct error *error)
{
    const struct comparison *comparison = page->comparison;
    struct setting setting;
    if (!read_attentions(page, &setting, error))
        return false;
    if (!setting.count)
        return true;
    const char *metric =
        arena_format(page->arena, "%.*s", (int)strcspn(comparison->view->metric, "@"), comparison->view->metric);
    const char *names[LAYER_LIST_MAX];
    html_add(&page->html,
             "<section id=\"attentions\">\n<h2>Under other attentions</h2>\n<p>%s of each arm's weights under the attention it "
             "was trained with, and under others.</p>\n<div class=\"wide\"><table>\n<thead><tr><th>trained</th><th "
             "class=\"n\">own</th>",
             metric);
    for (int i = 0; i < setting.count; i++) {
        struct text name = {0};
        choice_print(SLOT_ATTENTION, &setting.choices[i], &name);
        names[i] = text_keep(&name, page->arena);
        html_add(&page->html, "<th class=\"n\">%s</th>", names[i]);
    }
    if (comparison->requirement.metric)
        html_add(&page->html, "<th>counts (%s)</th>",
                 arena_format(page->arena, "%s >= %s", comparison->requirement.metric,
                              number_exact(comparison->requirement.least).text));
    text_add(&page->html, "</tr></thead>\n<tbody>\n");
    for (int a = 0; a < comparison->arm_count; a++)
        if (!add_evaluations(page, a, metric, names, setting.count, error))
            return false;
    text_add(&page->html, "</tbody></table></div>\n");
    page_from(page,
              "the last values of %s and %s@ATTENTION of every finished run: mean over seeds, ± half a 95%% t interval of "
              "each mean by itself",
              metric, metric);
    text_add(&page->html, "</section>\n");
    return true;
}
