// page_record.c: the curves, the costs, every seed, what happened on the way, what made the runs, and how to do it again.
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/number.h"
#include "report/page_sections.h"

void page_curves(struct page *page)
{
    text_add(&page->html, "<section id=\"curves\">\n<h2>Learning curves</h2>\n<div class=\"figures\">\n");
    page_figure(page, "validation-loss");
    page_figure(page, "training-loss");
    page_figure(page, "gradient-norm");
    text_add(&page->html, "</div>\n</section>\n");
}

void page_cost(struct page *page)
{
    static const struct screen_options plain = {.width = 1 << 20};
    struct screen screen = *page->screen;
    struct grid all = screen_grid(&screen);
    screen.options = &plain;
    int always = screen_grid(&screen).column_count;
    text_add(&page->html, "<section id=\"cost\">\n<h2>Cost</h2>\n");
    page_grid(page, &all, always, all.column_count - 1);
    page_from(page,
              "parameters, flops (products, forward and backward), peak_bytes, seconds and tokens_per_s in the view runs; "
              "memory is the largest over seeds, time their mean");
    text_add(&page->html, "<div class=\"figures\">\n");
    page_figure(page, "parameters");
    page_figure(page, "flops");
    page_figure(page, "time");
    page_figure(page, "memory");
    page_figure(page, "length");
    text_add(&page->html, "</div>\n</section>\n");
}

// ---- Every seed -------------------------------------------------------------------------------------------------------------

static void add_seed_cell(struct page *page, int arm, int seed)
{
    const struct run_view *run = &page->comparison->view->arms[arm].runs[seed];
    double value = page->comparison->arms[arm].values[seed];
    text_add(&page->html, "<td class=\"n\">");
    if (isfinite(value))
        html_number(&page->html, number_fixed(value, page->screen->decimals + 1, false).text);
    else
        html_text(&page->html, run->exclusion               ? "excluded"
                               : run->state == RUN_FINISHED ? "no value"
                                                            : run_state_names[run->state]);
    text_add(&page->html, "</td>");
}

void page_seeds(struct page *page)
{
    const struct comparison *comparison = page->comparison;
    html_add(&page->html,
             "<section id=\"seeds\">\n<h2>Every seed</h2>\n<p>%s of every run, by seed.</p>\n"
             "<div class=\"wide\"><table>\n<thead><tr><th>arm</th>",
             comparison->view->metric);
    for (int i = 0; i < comparison->view->seed_count; i++)
        text_add(&page->html, "<th class=\"n\">%lld</th>", (long long)comparison->view->seeds[i]);
    text_add(&page->html, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < comparison->arm_count; i++) {
        html_add(&page->html, "<tr><td>%s</td>", comparison->arms[i].name);
        for (int j = 0; j < comparison->view->seed_count; j++)
            add_seed_cell(page, i, j);
        text_add(&page->html, "</tr>\n");
    }
    text_add(&page->html, "</tbody></table></div>\n");
    if (!strcmp(comparison->view->metric, "tokens_per_s"))
        page_from(page, "tokens_per_s of every run, in the view runs");
    else
        page_from(page, "the last value of %s of every run, in the view metrics", comparison->view->metric);
    text_add(&page->html, "</section>\n");
}

// ---- Events -----------------------------------------------------------------------------------------------------------------

enum { EVENTS_SHOWN = 100 };

static void add_event(struct page *page, const char *arm, int64_t seed, const struct event_view *event)
{
    html_add(&page->html, "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>%s</td><td class=\"n\">", arm,
             arena_format(page->arena, "%lld", (long long)seed), arena_format(page->arena, "%lld", (long long)event->step),
             event->kind);
    html_number(&page->html, number_fixed(event->value, 3, false).text);
    text_add(&page->html, "</td><td class=\"n\">");
    html_number(&page->html, number_fixed(event->threshold, 3, false).text);
    html_add(&page->html, "</td><td class=\"w\">%s</td></tr>\n", event->detail ? event->detail : "");
}

bool page_events(struct page *page, struct error *error)
{
    const struct experiment_view *view = page->comparison->view;
    int total = 0;
    text_add(&page->html, "<section id=\"events\">\n<h2>Events</h2>\n");
    for (int i = 0; i < view->arm_count; i++) {
        for (int j = 0; j < view->seed_count; j++) {
            const struct event_view *events = NULL;
            const struct run_view *run = &view->arms[i].runs[j];
            int count = 0;
            if (*run->id && !view_events(page->source->store, run->id, page->arena, &count, &events, error))
                return false;
            for (int k = 0; k < count; k++, total++) {
                if (total == 0)
                    text_add(&page->html, "<div class=\"wide\"><table>\n<thead><tr><th>arm</th><th class=\"n\">seed</th>"
                                          "<th class=\"n\">step</th><th>what</th><th class=\"n\">value</th>"
                                          "<th class=\"n\">threshold</th><th>detail</th></tr></thead>\n<tbody>\n");
                if (total < EVENTS_SHOWN)
                    add_event(page, view->arms[i].name, run->seed, &events[k]);
            }
        }
    }
    text_add(&page->html, total ? "</tbody></table></div>\n" : "<p>None.</p>\n");
    if (total > EVENTS_SHOWN)
        text_add(&page->html, "<p>The first %d of %d; all are in the database.</p>\n", EVENTS_SHOWN, total);
    page_from(page, "the view events, all runs of experiment %s", view->name);
    text_add(&page->html, "</section>\n");
    return true;
}

// ---- Provenance -------------------------------------------------------------------------------------------------------------

// A fact's values over the runs, each once, with the number of runs that have it.
struct tally {
    const char *name, *value;
    int runs;
};
struct tallies {
    struct tally *list;
    int count, capacity;
};

static void tally_add(struct tallies *tallies, const struct fact *fact, struct arena *arena)
{
    for (int i = 0; i < tallies->count; i++)
        if (!strcmp(tallies->list[i].name, fact->name) && !strcmp(tallies->list[i].value, fact->value)) {
            tallies->list[i].runs++;
            return;
        }
    if (tallies->count == tallies->capacity) {
        int capacity = 2 * tallies->capacity + 32;
        struct tally *list = arena_allocate(arena, (size_t)capacity, sizeof *list);
        if (tallies->count)
            memcpy(list, tallies->list, (size_t)tallies->count * sizeof *list);
        tallies->list = list;
        tallies->capacity = capacity;
    }
    tallies->list[tallies->count++] = (struct tally){fact->name, fact->value, 1};
}

static bool read_tallies(struct page *page, struct tallies *tallies, int *runs, struct error *error)
{
    const struct experiment_view *view = page->comparison->view;
    for (int i = 0; i < view->arm_count * view->seed_count; i++) {
        const struct run_view *run = &view->arms[i / view->seed_count].runs[i % view->seed_count];
        const struct fact *facts;
        if (!*run->id)
            continue;
        if (!view_provenance(page->source->store, run->id, page->arena, &facts, error))
            return false;
        *runs += facts->name != NULL;
        for (; facts->name; facts++)
            tally_add(tallies, facts, page->arena);
    }
    return true;
}

static void add_facts(struct page *page, const struct tallies *tallies, int runs)
{
    text_add(&page->html, "<div class=\"wide\"><table>\n<tbody>\n");
    for (int i = 0; i < tallies->count; i++) {
        bool is_first = true;
        for (int j = 0; j < i; j++)
            is_first = is_first && strcmp(tallies->list[i].name, tallies->list[j].name) != 0;
        if (!is_first)
            continue;
        html_add(&page->html, "<tr><td>%s</td><td class=\"w\">", tallies->list[i].name);
        for (int j = i; j < tallies->count; j++) {
            const struct tally *tally = &tallies->list[j];
            if (strcmp(tally->name, tallies->list[i].name) != 0)
                continue;
            text_add(&page->html, j > i ? "<br>" : "");
            html_text(&page->html, tally->value);
            if (tally->runs < runs)
                text_add(&page->html, " <span class=\"none\">(%d of %d runs)</span>", tally->runs, runs);
        }
        text_add(&page->html, "</td></tr>\n");
    }
    text_add(&page->html, "</tbody></table></div>\n");
}

bool page_provenance(struct page *page, struct error *error)
{
    const struct experiment_view *view = page->comparison->view;
    struct tallies tallies = {0};
    int runs = 0;
    if (!read_tallies(page, &tallies, &runs, error))
        return false;
    text_add(&page->html, "<section id=\"provenance\">\n<h2>Provenance</h2>\n");
    if (tallies.count)
        add_facts(page, &tallies, runs);
    else
        text_add(&page->html, "<p>No run has begun.</p>\n");
    page_from(page, "the facts stored with each run when it began");
    html_add(&page->html, "<h3>The experiment file</h3>\n<pre>%s</pre>\n", view->text ? view->text : "");
    page_from(page, "%s as stored before the first run; SHA-256 %s", view->file, view->hash);
    text_add(&page->html, "</section>\n");
    return true;
}

// " --db FILE"
static const char *database_words(const struct page *page)
{
    const char *database = page->commands->database;
    struct text text = {0};
    if (!database)
        return "";
    text_add(&text, " --db ");
    text_add_word(&text, database);
    return text_keep(&text, page->arena);
}

void page_rerun(struct page *page)
{
    const struct experiment_view *view = page->comparison->view;
    const char *run = page->commands->run, *database = database_words(page);
    text_add(&page->html, "<section id=\"rerun\">\n<h2>Do it again</h2>\n<pre>");
    if (run)
        html_add(&page->html, "ablate run %s          # only what is missing is run\n", run);
    html_add(&page->html, "ablate report %s%s\nablate plot %s --figure pairs --format pdf%s</pre>\n", view->name, database,
             view->name, database);
    if (!run)
        html_add(&page->html, "<p>%s plans other runs by now, or is not there: these runs have the file's text above.</p>\n",
                 view->file);
    text_add(&page->html,
             "<p>The same commit, data, lanes and backend give the same bits. The figures' data and scripts are in figures/; "
             "<code>gnuplot -c pairs.gp pairs svg</code> there draws one again, and style.gp holds the colours of all. "
             "The scripts there are copies that this report renews: keep changes in plots/.</p>\n</section>\n");
}
