// page_answer.c: the controls, the answer, the plan it came from, and what it does not show.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/number.h"
#include "report/page_sections.h"
#include "report/summary.h"

// ---- Controls ---------------------------------------------------------------------------------------------------------------

static void control(struct page *page, const char *class, const char *mark, const char *says, const char *detail)
{
    html_add(&page->html, "<tr><td><span class=\"%s\">%s</span></td><td class=\"w\">%s</td><td class=\"w\">", class, mark,
             says);
    html_number(&page->html, detail);
    text_add(&page->html, "</td></tr>\n");
}

static void control_placebo(struct page *page, const struct comparison_arm *arm)
{
    enum verdict verdict = arm->difference.verdict;
    int decimals = page->screen->decimals;
    const char *says = arena_format(page->arena, "Placebo: %s must not differ from the baseline", arm->name);
    const char *detail = arena_format(page->arena, "%s [%s, %s]", number_fixed(arm->difference.delta, decimals, true).text,
                                      number_fixed(arm->difference.low, decimals, true).text,
                                      number_fixed(arm->difference.high, decimals, true).text);
    if (verdict == VERDICT_BETTER || verdict == VERDICT_WORSE)
        control(page, "fail", "fails", says, arena_format(page->arena, "%s: trust no verdict below", detail));
    else if (verdict == VERDICT_NONE || verdict == VERDICT_DIVERGED)
        control(page, "none", "open", says, verdict == VERDICT_NONE ? "too few runs" : "a run diverged");
    else if (verdict == VERDICT_NOT_DISTINGUISHABLE && isfinite(page->comparison->view->margin))
        control(page, "none", "open", says,
                arena_format(page->arena, "%s: cannot be told, the margin is %s", detail,
                             number_exact(page->comparison->view->margin).text));
    else
        control(page, "pass", "holds", says, detail);
}

// The finished run that comes nearest to the floor, or falls below it: a model cannot know more than the source.
static void control_floor(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    const char *says = "Floor: no model can fall below the loss of the source itself";
    double lowest = INFINITY;
    const char *arm = "";
    int64_t seed = 0;
    for (int i = 0; i < comparison->arm_count; i++)
        for (int j = 0; j < comparison->view->seed_count; j++)
            if (comparison->arms[i].values[j] < lowest) {
                lowest = comparison->arms[i].values[j];
                arm = comparison->arms[i].name;
                seed = comparison->view->seeds[j];
            }
    if (!isfinite(comparison_floor(comparison)) || !isfinite(lowest)) {
        control(page, "none", "open", says, isfinite(lowest) ? "not known for this data" : "no finished run");
        return;
    }
    double above = lowest - comparison_floor(comparison);
    control(page, above >= 0 ? "pass" : "fail", above >= 0 ? "holds" : "fails", says,
            arena_format(page->arena, "lowest: %s, seed %lld, %s above it%s", arm, (long long)seed,
                         number_fixed(above, page->screen->decimals, false).text,
                         above >= 0 ? "" : ": the evaluation is wrong"));
}

void page_controls(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    int placebos = 0;
    text_add(&page->html,
             "<section id=\"controls\">\n<h2>Controls</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>outcome</th>"
             "<th>what must hold</th><th>what was seen</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < comparison->arm_count; i++)
        if (comparison->arms[i].is_placebo) {
            control_placebo(page, &comparison->arms[i]);
            placebos++;
        }
    if (!placebos)
        control(page, "none", "absent", "Placebo: the same model, initial weights moved a little, must not differ",
                "no arm is one; add an arm that sets train.nudge alone");
    control_floor(page);
    text_add(&page->html, "</tbody></table></div>\n");
    page_from(page, "%s of all finished runs of experiment %s, and the floor stored with them", comparison->view->metric,
              comparison->view->name);
    text_add(&page->html, "</section>\n");
}

// ---- Answer -----------------------------------------------------------------------------------------------------------------

static void add_sentence(struct page *page, const char *sentence)
{
    char *copy = arena_copy_text(page->arena, sentence);
    if (*copy >= 'a' && *copy <= 'z' && !strchr("/=._", copy[strspn(copy, "abcdefghijklmnopqrstuvwxyz")]))
        *copy = (char)(*copy - 'a' + 'A');
    html_text(&page->html, copy);
}

// The sentences of the screen, each an item.
static void add_notes(struct page *page)
{
    char *notes = NULL;
    size_t size = 0;
    struct screen screen = *page->screen;
    screen.file = open_memstream(&notes, &size);
    if (!screen.file)
        return;
    screen_notes(&screen);
    fclose(screen.file);
    text_add(&page->html, "<ul>\n");
    char *rest = NULL;
    for (char *line = strtok_r(notes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        text_add(&page->html, "<li>");
        add_sentence(page, line);
        text_add(&page->html, "</li>\n");
    }
    text_add(&page->html, "</ul>\n");
    free(notes);
}

void page_answer(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    static const struct screen_options plain = {.width = 1 << 20};
    struct screen screen = *page->screen;
    screen.options = &plain;
    struct grid grid = screen_grid(&screen);
    text_add(&page->html, "<section id=\"answer\">\n<h2>Answer</h2>\n<p>");
    add_sentence(page, screen_metric(&screen));
    if (*screen_spread(&screen)) {
        text_add(&page->html, "; ");
        html_text(&page->html, screen_spread(&screen));
    }
    text_add(&page->html, ". Differences are to the baseline, paired by seed; a negative one is a lower value.</p>\n");
    page_grid(page, &grid, 1, grid.column_count - 1);
    page_from(page, "%s of the seeds complete in every arm that is compared (%d), as ablate compare %s prints it",
              comparison->view->metric, comparison->shared_count, comparison->view->name);
    add_notes(page);
    text_add(&page->html, "<div class=\"figures\">\n");
    page_figure(page, "pairs");
    page_figure(page, "delta");
    text_add(&page->html, "</div>\n</section>\n");
}

// ---- Plan -------------------------------------------------------------------------------------------------------------------

static void fact(struct page *page, const char *name, const char *value)
{
    html_add(&page->html, "<tr><td>%s</td><td class=\"w\">%s</td></tr>\n", name, value);
}

// "3, 4, 5": planned or running; "" for none.
static const char *pending_seeds(const struct page *page, const struct arm_view *arm)
{
    const char *list = "";
    for (int i = 0; i < page->comparison->view->seed_count; i++)
        if (arm->runs[i].state <= RUN_RUNNING && !arm->runs[i].exclusion)
            list = arena_format(page->arena, "%s%s%lld", list, *list ? ", " : "", (long long)arm->runs[i].seed);
    return list;
}

static void add_gaps(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    const struct experiment_view *view = comparison->view;
    if (!comparison->gap_count && !comparison->pending)
        return;
    text_add(&page->html,
             "<h3>Runs that do not count</h3>\n<div class=\"wide\"><table>\n<thead><tr><th>arm</th><th class=\"n\">seed</th>"
             "<th>state</th><th>why</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < comparison->gap_count; i++) {
        const struct comparison_gap *gap = &comparison->gaps[i];
        html_add(&page->html, "<tr><td>%s</td><td class=\"n\">%s</td><td>%s</td><td class=\"w\">%s</td></tr>\n", gap->arm,
                 arena_format(page->arena, "%lld", (long long)gap->seed), run_state_names[gap->state],
                 gap->reason             ? gap->reason
                 : gap->diverged_at >= 0 ? arena_format(page->arena, "at step %lld", (long long)gap->diverged_at)
                                         : "no result");
    }
    for (int i = 0; i < view->arm_count; i++) {
        const char *seeds = pending_seeds(page, &view->arms[i]);
        if (*seeds)
            html_add(&page->html,
                     "<tr><td>%s</td><td class=\"n\">%s</td><td>missing</td><td class=\"w\">still to come</td></tr>\n",
                     view->arms[i].name, seeds);
    }
    text_add(&page->html, "</tbody></table></div>\n");
    page_from(page, "state, exclusion and diverged_at in the view runs");
}

static const char *seed_list(const struct page *page)
{
    const struct experiment_view *view = page->comparison->view;
    const char *list = "";
    for (int i = 0; i < view->seed_count; i++)
        list = arena_format(page->arena, "%s%s%lld", list, i ? ", " : "", (long long)view->seeds[i]);
    return list;
}

void page_plan(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    const struct experiment_view *view = comparison->view;
    struct arena *arena = page->arena;
    struct text declaration = {0};
    summary_declaration(comparison, &declaration);
    text_add(&page->html, "<section id=\"plan\">\n<h2>Plan</h2>\n<div class=\"wide\"><table>\n<tbody>\n");
    fact(page, "metric",
         arena_format(arena, "%s, %s is better; %s", view->metric, view->maximize ? "more" : "less",
                      view->declared_after ? declaration.data : "declared before the runs"));
    text_free(&declaration);
    fact(page, "margin",
         isfinite(view->margin)
             ? arena_format(arena, "differences within ±%s do not matter", number_small(view->margin, 2).text)
             : "none declared, so nothing is called equivalent");
    fact(page, "comparisons",
         arena_format(arena, "%d, at %.4g%% for all of them together", comparison->compared, 100 * (1 - comparison->alpha)));
    fact(page, "looks",
         arena_format(arena, "%d%s", view->looks,
                      view->looks > 1 && !view->extension_declared
                          ? "; seeds were added after a look without having been declared: exploratory"
                          : ""));
    fact(page, "seeds", arena_format(arena, "%d: %s", view->seed_count, seed_list(page)));
    fact(page, "matched", view->match ? view->match : "no");
    fact(page, "runs",
         arena_format(arena, "%d planned, %d finished, %d diverged, %d failed, %d excluded, %d missing",
                      view->arm_count * view->seed_count, comparison->finished, comparison->diverged, comparison->failed,
                      comparison->excluded, comparison->pending));
    text_add(&page->html, "</tbody></table></div>\n");
    page_from(page, "experiment %s as stored %s, hash %s", view->name,
              view->declared_after ? "when its file was changed" : "before its first run", view->hash);
    add_gaps(page);
    text_add(&page->html, "</section>\n");
}

// ---- What it does not show --------------------------------------------------------------------------------------------------

void page_limits(struct page *page)
{
    struct text limits = {0};
    summary_limits(page->comparison, &limits);
    html_add(&page->html, "<section id=\"limits\">\n<h2>What this does not show</h2>\n<p class=\"limits\">%s</p>\n</section>\n",
             limits.data);
    text_free(&limits);
}
