// screen_notes.c: sentences generated from the comparison, each printed only where it has something to say.
#include "report/screen_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/text.h"
#include "report/layout.h"
#include "report/number.h"
#include "report/summary.h"

// Longer lists are cut, and say so.
enum { LIST_MAX = 4, SEEDS_WORTH_SUGGESTING = 50 };

// "first, second, third and 4 more".
struct list {
    struct text text;
    int count;
};

static void list_add(struct list *list, const char *item)
{
    if (list->count++ < LIST_MAX)
        text_add(&list->text, "%s%s", list->count > 1 ? ", " : "", item);
}

static const char *list_end(struct list *list, struct arena *arena)
{
    if (list->count > LIST_MAX)
        text_add(&list->text, " and %d more", list->count - LIST_MAX);
    return text_keep(&list->text, arena);
}

static void say(const struct screen *screen, const char *sentence)
{
    struct flow flow = {.file = screen->file, .width = screen->width, .indent = 2};
    if (!*sentence)
        return;
    flow_add(&flow, "", sentence);
    flow_end(&flow);
}

static const char *name_of(const struct screen *screen, const struct comparison_arm *arm)
{
    return layout_visible(screen->arena, arm->name);
}

static const char *plural(int count) { return count == 1 ? "" : "s"; }

// ---- What stands in the way of an answer ------------------------------------------------------------------------------------

static const char *standing(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const struct comparison_arm *baseline = &comparison->arms[comparison->view->baseline];
    bool is_partial = false;
    for (int a = 0; a < comparison->arm_count; a++)
        is_partial |= comparison->arms[a].counted && comparison->arms[a].finished != comparison->shared_count;
    if (baseline->diverged > 0)
        return "The baseline diverged: no arm can be judged by it, only divergences are compared.";
    if (!isnan(baseline->missed))
        return "The baseline misses what is required: nothing can be compared with it.";
    if (!baseline->counted)
        return "The baseline has too few complete runs: nothing can be compared with it.";
    if (comparison->shared_count == 0)
        return comparison->pending > 0 ? "No seed is complete in every arm yet."
                                       : "No seed is complete in every arm: nothing can be compared.";
    if (comparison->shared_count == 1 && comparison->compared > 0)
        return comparison->pending > 0 ? "One seed is complete in every arm: no interval and no verdict yet."
                                       : "One seed shows no spread: no interval and no verdict. Five are the default.";
    if (comparison->pending > 0)
        return arena_format(screen->arena,
                            "Over the %d seeds that are complete in every arm; verdicts are final with the last run.",
                            comparison->shared_count);
    if (is_partial)
        return arena_format(screen->arena, "Compared over the %d seeds that are complete in every arm that counts.",
                            comparison->shared_count);
    return "";
}

static const char *reason_of(const struct screen *screen, const struct comparison_gap *gap)
{
    return gap->reason ? layout_visible(screen->arena, gap->reason) : run_state_names[gap->state];
}

// Failed and excluded runs; those of one arm and reason together.
static const char *left_out(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    struct list list = {0};
    for (int i = 0, count; i < comparison->gap_count; i += count) {
        const struct comparison_gap *gap = &comparison->gaps[i];
        const char *reason = reason_of(screen, gap);
        for (count = 1; i + count < comparison->gap_count && gap[count].arm == gap->arm; count++)
            if (strcmp(reason_of(screen, &gap[count]), reason))
                break;
        const char *arm = layout_visible(screen->arena, gap->arm);
        if (gap->state == RUN_DIVERGED && !gap->reason)
            continue;
        list_add(&list, count == 1 ? arena_format(screen->arena, "seed %lld of %s (%s)", (long long)gap->seed, arm, reason)
                                   : arena_format(screen->arena, "%d seeds of %s (%s)", count, arm, reason));
    }
    const char *items = list_end(&list, screen->arena);
    return *items ? arena_format(screen->arena, "left out: %s.", items) : "";
}

// Arms that did not learn what the experiment is about.
static const char *misses(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    struct list list = {0};
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct comparison_arm *arm = &comparison->arms[a];
        if (!isnan(arm->missed))
            list_add(&list, arena_format(screen->arena, "%s (%s)", name_of(screen, arm),
                                         isfinite(arm->missed) ? number_fixed(arm->missed, 3, false).text : "no value"));
    }
    const char *items = list_end(&list, screen->arena);
    if (!*items)
        return "";
    return arena_format(screen->arena, "does not count: %s; every seed must reach a %s of %s.", items,
                        layout_visible(screen->arena, comparison->requirement.metric),
                        number_exact(comparison->requirement.least).text);
}

static const char *divergences(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const struct comparison_arm *baseline = &comparison->arms[comparison->view->baseline];
    struct list list = {0};
    for (int a = 0; a < comparison->arm_count; a++) {
        const struct comparison_arm *arm = &comparison->arms[a];
        if (arm->diverged > 0 && !arm->is_baseline)
            list_add(&list, arena_format(screen->arena, "%s %d of %d, p %s%s", name_of(screen, arm), arm->diverged,
                                         arm->diverged + arm->finished, arm->divergence_p < 0.001 ? "" : "= ",
                                         number_p(arm->divergence_p).text));
    }
    const char *items = list_end(&list, screen->arena);
    if (!*items)
        return "";
    return arena_format(screen->arena, "diverged, against %d of %d at the baseline (Fisher's exact test): %s.",
                        baseline->diverged, baseline->diverged + baseline->finished, items);
}

// ---- Controls and conditions ------------------------------------------------------------------------------------------------

// A placebo shows something only where its interval could have shown a difference that matters.
static const char *placebo_text(const struct screen *screen, const struct comparison_arm *arm)
{
    const struct difference *difference = &arm->difference;
    const char *name = name_of(screen, arm);
    const double margin = screen->comparison->view->margin;
    if (difference->verdict == VERDICT_BETTER || difference->verdict == VERDICT_WORSE)
        return arena_format(screen->arena, "control failed: the placebo %s differs from the baseline. Trust no verdict above.",
                            name);
    if (difference->verdict == VERDICT_EQUIVALENT)
        return arena_format(screen->arena, "control: the placebo %s does not differ, as it must.", name);
    const char *reach =
        arena_copy_text(screen->arena, number_small(fmax(-difference->low, difference->high), screen->decimals).text);
    if (isnan(margin))
        return arena_format(screen->arena, "control: the placebo %s shows no difference, where one of up to %s would not show.",
                            name, reach);
    return arena_format(screen->arena,
                        "control: whether the placebo %s differs cannot be told: it may by %s, the margin is %s.", name, reach,
                        number_exact(margin).text);
}

static void say_placebos(const struct screen *screen)
{
    for (int a = 0; a < screen->comparison->arm_count; a++) {
        const struct comparison_arm *arm = &screen->comparison->arms[a];
        enum verdict verdict = arm->difference.verdict;
        if (arm->is_placebo && verdict != VERDICT_NONE && verdict != VERDICT_DIVERGED)
            say(screen, placebo_text(screen, arm));
    }
}

static const char *shared_machine(const struct screen *screen)
{
    int marked = 0;
    for (int a = 0; a < screen->comparison->arm_count; a++)
        marked += screen->comparison->arms[a].shared_machine;
    if (marked == 0)
        return "";
    return marked == screen->comparison->arm_count ? "tok/s: runs shared the machine with others."
                                                   : "* some of its runs shared the machine with others.";
}

static const char *held_out_text(const struct screen *screen)
{
    if (!isfinite(screen->comparison->block_error))
        return "";
    return arena_format(screen->arena,
                        "held-out text: another as long as the test part moves every loss by about %s (standard error); seeds "
                        "do not show that.",
                        number_small(screen->comparison->block_error, screen->decimals).text);
}

// ---- What the seeds could have shown ----------------------------------------------------------------------------------------

static int by_seeds_needed(const void *a, const void *b)
{
    const struct comparison_arm *x = *(const struct comparison_arm *const *)a, *y = *(const struct comparison_arm *const *)b;
    return (x->seeds_needed > y->seeds_needed) - (x->seeds_needed < y->seeds_needed);
}

// Arms whose difference more seeds could show, the nearest first: placebos are not among them.
static int open_questions(const struct screen *screen, const struct comparison_arm **open)
{
    int count = 0;
    for (int a = 0; a < screen->comparison->arm_count; a++) {
        const struct comparison_arm *arm = &screen->comparison->arms[a];
        if (arm->difference.verdict == VERDICT_NOT_DISTINGUISHABLE && !arm->is_placebo && arm->difference.delta != 0)
            open[count++] = arm;
    }
    if (count > 1)
        qsort(open, (size_t)count, sizeof *open, by_seeds_needed);
    return count;
}

static const char *seeds_text(const struct screen *screen, int needed)
{
    const struct comparison *comparison = screen->comparison;
    if (needed >= STATISTICS_SEEDS_MAX)
        return arena_format(screen->arena, "more than %d", STATISTICS_SEEDS_MAX);
    int workers = screen->options->workers > 0 ? screen->options->workers : cpu_cores();
    double seconds = (needed - comparison->shared_count) * comparison->seconds_per_seed / workers;
    if (!isfinite(seconds))
        return arena_format(screen->arena, "about %d", needed);
    return arena_format(screen->arena, "about %d (+%s)", needed, number_about(seconds).text);
}

static const char *power_text(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const struct comparison_arm **open = arena_allocate(screen->arena, (size_t)comparison->arm_count, sizeof *open);
    int count = open_questions(screen, open);
    double detectable = 0;
    for (int a = 0; a < comparison->arm_count; a++)
        if (comparison->arms[a].difference.verdict == VERDICT_NOT_DISTINGUISHABLE)
            detectable = fmax(detectable, comparison->arms[a].difference.detectable);
    if (!(detectable > 0))
        return "";
    struct text text = {0};
    text_add(&text, "not distinguishable: %d seed%s show %s or more", comparison->shared_count,
             plural(comparison->shared_count), number_small(detectable, screen->decimals).text);
    for (int i = 0; i < count && i < LIST_MAX; i++)
        text_add(&text, "%s%s%s%s%s %s", i == 0 ? "; " : ", ", count > 1 ? name_of(screen, open[i]) : "",
                 count > 1 ? "'s " : "", number_small(fabs(open[i]->difference.delta), screen->decimals).text,
                 i == 0 ? " would need" : "", seeds_text(screen, open[i]->seeds_needed));
    if (count > LIST_MAX)
        text_add(&text, ", %d other arm%s more than those", count - LIST_MAX, plural(count - LIST_MAX));
    text_add(&text, ".");
    return text_keep(&text, screen->arena);
}

// ---- What this does not show ------------------------------------------------------------------------------------------------

static bool all_same(const char *const *values, int count)
{
    const char *first = NULL;
    for (int i = 0; i < count; i++) {
        if (first && values[i] && strcmp(first, values[i]))
            return false;
        first = first ? first : values[i];
    }
    return true;
}

// Generated from what the arms share and what differs among them.
static const char *limits_text(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    int arms = comparison->arm_count;
    const char **data = arena_allocate(screen->arena, (size_t)arms, sizeof *data);
    const char **steps = arena_allocate(screen->arena, (size_t)arms, sizeof *steps);
    const char **rates = arena_allocate(screen->arena, (size_t)arms, sizeof *rates);
    double least = NAN, most = NAN;
    for (int a = 0; a < arms; a++) {
        const struct comparison_arm *arm = &comparison->arms[a];
        data[a] = arm->data;
        steps[a] = arm->steps;
        rates[a] = arm->learning_rate;
        least = fmin(least, arm->parameters);
        most = fmax(most, arm->parameters);
    }
    if (comparison->shared_count == 0 || comparison->compared == 0)
        return "";
    const char *step = steps[comparison->view->baseline];
    // As the header shows them.
    bool one_size = !strcmp(number_count(least).text, number_count(most).text);
    bool one_length = step && all_same(steps, arms);
    return arena_format(screen->arena, "Holds for %s, %s and %s%s%s.", one_size ? "this size" : "these sizes",
                        all_same(data, arms) ? "data" : "these data", one_length ? layout_visible(screen->arena, step) : "",
                        one_length ? " steps"
                        : step     ? "these numbers of steps"
                                   : "this length of training",
                        all_same(rates, arms) ? ", one learning rate for all arms" : ", learning rates not tuned per arm");
}

static const char *late_declaration(const struct screen *screen)
{
    struct text text = {0};
    summary_declaration(screen->comparison, &text);
    if (!text.length)
        return "";
    text_add(&text, ".");
    return text_keep(&text, screen->arena);
}

void screen_notes(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    say(screen, standing(screen));
    say_placebos(screen);
    say(screen, left_out(screen));
    say(screen, misses(screen));
    say(screen, divergences(screen));
    say(screen, late_declaration(screen));
    if (comparison->view->looks > 1 && !comparison->view->extension_declared)
        say(screen, "exploratory: seeds were added after a look at the answer, which makes false verdicts.");
    if (comparison->view->match)
        say(screen, arena_format(screen->arena, "matched: %s.", layout_visible(screen->arena, comparison->view->match)));
    say(screen, shared_machine(screen));
    say(screen, held_out_text(screen));
    const char *power = power_text(screen), *limits = limits_text(screen);
    if (*power && *limits && layout_width(power) + 2 + layout_width(limits) <= screen->width) {
        say(screen, arena_format(screen->arena, "%s  %s", power, limits));
    } else {
        say(screen, power);
        say(screen, limits);
    }
}

// ---- What next --------------------------------------------------------------------------------------------------------------

// As one types it, but for what would speak to the terminal.
static const char *as_word(const struct screen *screen, const char *word)
{
    struct text text = {0};
    text_add_word(&text, layout_visible(screen->arena, word));
    return text_keep(&text, screen->arena);
}

// " --db FILE" for a command that is to find the same runs, or "".
static const char *same_database(const struct screen *screen)
{
    const char *database = screen->options->database;
    return database ? arena_format(screen->arena, " --db %s", as_word(screen, database)) : "";
}

static const char *more_runs(const struct screen *screen)
{
    const struct comparison *comparison = screen->comparison;
    const struct experiment_view *view = comparison->view;
    const char *file = as_word(screen, view->file && *view->file ? view->file : view->name);
    const char *again = layout_visible(screen->arena, screen->options->again);
    const struct comparison_arm **open = arena_allocate(screen->arena, (size_t)comparison->arm_count, sizeof *open);
    if (comparison->pending > 0 && screen->options->replicates > 0)
        return arena_format(screen->arena, "ablate run %s --replicates %lld%s", file, (long long)screen->options->replicates,
                            again);
    if (comparison->pending > 0)
        return arena_format(screen->arena, "ablate run %s%s", file, again);
    if (view->seed_count < 2)
        return arena_format(screen->arena, "ablate run %s --replicates 5%s", file, again);
    if (open_questions(screen, open) > 0 && open[0]->seeds_needed <= SEEDS_WORTH_SUGGESTING)
        return arena_format(screen->arena, "ablate run %s --replicates %d%s", file, open[0]->seeds_needed, again);
    return "";
}

void screen_next(const struct screen *screen)
{
    bool is_live = screen->options->elapsed > 0 && screen->comparison->pending > 0;
    if (is_live)
        return;
    const char *by_default[] = {arena_format(screen->arena, "ablate report %s%s",
                                             as_word(screen, screen->comparison->view->name), same_database(screen)),
                                NULL};
    const char *const *next = screen->options->next ? screen->options->next : by_default;
    const char *more = more_runs(screen);
    if (*more && screen->options->is_changed) {
        say(screen, arena_format(screen->arena, "more of these runs: %s plans others by now (it was changed, or is not here).",
                                 layout_visible(screen->arena, screen->comparison->view->file)));
        more = "";
    }
    struct flow flow = {.file = screen->file, .width = screen->width, .indent = 7, .keep_whole = true};
    flow_add(&flow, "", "Next:  ");
    if (*more)
        flow_add(&flow, "   |   ", more);
    for (; *next; next++)
        flow_add(&flow, "   |   ", *next);
    flow_end(&flow);
}
