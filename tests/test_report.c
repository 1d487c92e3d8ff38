// test_report.c: what a report must hold whatever the experiment: all of it, escaped, in one file.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture_experiment.h"
#include "fixture_folder.h"
#include "report/html.h"
#include "report/number.h"
#include "report/page.h"
#include "report/screen_parts.h"

static const char script_name[] = "ffn=<script>alert(\"1\")</script>";
static const char quoted_name[] = "data=text(path='a&b') `id` $(id) \\n %s {x}_y^z @q";

static const struct fixture hostile = {
    .name = "hostile",
    .seeds = 2,
    .arms =
        (const struct fixture_arm[]){
            {.name = "(base)", .cost = 1},
            {.name = script_name, .effect = -0.03, .cost = 1},
            {.name = quoted_name, .effect = 0.03, .cost = 1, .is_missing_one = true},
            {.name = "norm=rmsnorm", .effect = 0, .cost = 1, .is_failed_one = true},
            {.name = NULL},
        },
};

struct report {
    char folder[FOLDER_PATH_SIZE], database[96], out[96];
    struct store *store;
    struct arena arena;
    struct comparison comparison;
    struct bytes page;
    struct page_commands commands;
    struct error error;
    bool written;
};

static void report_open(struct report *report, const struct fixture *fixture)
{
    *report = (struct report){0};
    folder_make(report->folder);
    snprintf(report->database, sizeof report->database, "%s/runs.db", report->folder);
    snprintf(report->out, sizeof report->out, "%s/out", report->folder);
    cr_assert(fixture_write(fixture, report->database, &report->error), "%s", report->error.text);
    cr_assert(store_open(&report->store, report->database, STORE_READ, &report->error), "%s", report->error.text);
    cr_assert(comparison_open(report->store, fixture->name, &report->arena, &report->comparison, &report->error), "%s",
              report->error.text);
}

static void report_write(struct report *report)
{
    struct text path = {0};
    struct error error = {0};
    struct figure_source source = {.store = report->store, .comparison = &report->comparison};
    report->written = page_write(&source, &report->commands, report->out, &report->error);
    text_add(&path, "%s/report.html", report->out);
    file_read(path.data, (size_t)64 << 20, &report->page, &error);
    text_free(&path);
}

static void report_close(struct report *report)
{
    store_close(report->store);
    bytes_free(&report->page);
    arena_close(&report->arena);
    folder_remove(report->folder);
}

static bool page_holds(const struct report *report, const char *words)
{
    return report->page.data && strstr((const char *)report->page.data, words);
}

static bool page_holds_text(const struct report *report, const char *words)
{
    struct text escaped = {0};
    html_text(&escaped, words);
    bool holds = page_holds(report, escaped.data);
    text_free(&escaped);
    return holds;
}

// A reader may be offline, and a page that calls home tells who reads it.
Test(report, loads_nothing_from_elsewhere)
{
    static const char *const loaders[] = {"http",       "src=",    "<script", "<link", "@import",
                                          "@font-face", "<iframe", "<object", "xlink"};
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    cr_assert(report.written, "%s", report.error.text);
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        cr_expect_not(page_holds(&report, loaders[i]), "the page holds %s", loaders[i]);
    for (const char *at = (const char *)report.page.data; (at = strstr(at, "url(")); at++)
        cr_expect_eq(at[4], '#', "the page loads %.40s", at);
    report_close(&report);
}

// Inlined figures share one document: an id twice, and a marker or clip of one figure is drawn in another.
Test(report, has_every_id_once)
{
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    for (const char *at = (const char *)report.page.data; (at = strstr(at, " id=")); at++) {
        size_t length = strcspn(at + 5, "\"'") + 6;
        char *id = strndup(at, length);
        cr_expect_null(strstr(at + 1, id), "twice: %s", id);
        free(id);
    }
    for (const char *at = (const char *)report.page.data; (at = strstr(at, "href='#")); at++) {
        size_t length = strcspn(at + 7, "'");
        struct text id = {0};
        text_add(&id, " id='%.*s'", (int)length, at + 7);
        cr_expect(page_holds(&report, id.data), "nothing has%s", id.data);
        text_free(&id);
    }
    report_close(&report);
}

// Names come from files of anyone: in the page and in its figures they are letters, never markup or commands.
Test(report, shows_hostile_names_as_they_are)
{
    struct report report;
    report_open(&report, &hostile);
    report_write(&report);
    cr_assert(report.written, "%s", report.error.text);
    cr_expect_not(page_holds(&report, "<script"), "a name became a script");
    cr_expect(page_holds_text(&report, script_name));
    cr_expect(page_holds_text(&report, quoted_name), "%s is not in the page as it is", quoted_name);
    struct text path = {0};
    struct bytes svg = {0};
    text_add(&path, "%s/figures/pairs.svg", report.out);
    cr_assert(file_read(path.data, 1 << 24, &svg, &report.error), "%s", report.error.text);
    cr_expect_not_null(strstr((const char *)svg.data, "'a&amp;b') `id` $(id) \\n %s {x}_y^z @q</text>"), "gnuplot changed %s",
                       quoted_name);
    bytes_free(&svg);
    text_free(&path);
    report_close(&report);
}

static void expect_number(const struct report *report, const char *arm, const char *what, const char *number)
{
    struct text shown = {0};
    html_number(&shown, number);
    cr_expect(page_holds(report, shown.data), "%s of %s, %s, is not in the page", what, arm, number);
    text_free(&shown);
}

// Nothing that the comparison knows may be missing: a figure someone cannot find is one they will doubt.
Test(report, holds_every_arm_and_number)
{
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    int decimals = screen_decimals(&report.comparison, &report.arena);
    for (int i = 0; i < report.comparison.arm_count; i++) {
        const struct comparison_arm *arm = &report.comparison.arms[i];
        cr_expect(page_holds_text(&report, arm->name), "%s is not in the page", arm->name);
        for (int j = 0; j < report.comparison.view->seed_count; j++)
            if (isfinite(arm->values[j]))
                expect_number(&report, arm->name, "a seed", number_fixed(arm->values[j], decimals + 1, false).text);
        expect_number(&report, arm->name, "parameters", number_count(arm->parameters).text);
        expect_number(&report, arm->name, "FLOPs", number_count(arm->flops).text);
        expect_number(&report, arm->name, "memory", number_bytes(arm->peak_bytes).text);
        expect_number(&report, arm->name, "tokens/s", number_count(arm->tokens_per_s).text);
        if (!isfinite(arm->difference.low))
            continue;
        expect_number(&report, arm->name, "delta", number_fixed(arm->difference.delta, decimals, true).text);
        expect_number(&report, arm->name, "low", number_fixed(arm->difference.low, decimals, true).text);
        expect_number(&report, arm->name, "high", number_fixed(arm->difference.high, decimals, true).text);
        expect_number(&report, arm->name, "p", number_p(arm->difference.p).text);
    }
    report_close(&report);
}

// A published number helps only beside what was measured, with its interval; and a claim about an arm that is not there says
// so.
Test(report, shows_claims_beside_what_was_published)
{
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    const struct comparison_arm *rope = &report.comparison.arms[1];
    expect_number(&report, rope->name, "the claim's difference",
                  arena_format(&report.arena, "%s [%s, %s]", number_fixed(rope->difference.delta, 4, true).text,
                               number_fixed(rope->difference.low, 4, true).text,
                               number_fixed(rope->difference.high, 4, true).text));
    cr_expect(page_holds_text(&report, "<b>rope</b> pays"), "the claim is not in the page");
    cr_expect(page_holds(&report, ">reproduced<"), "rope is better, but the claim is not said to be reproduced");
    cr_expect(page_holds(&report, "learned: 2.25; rope: 2.11"), "what was published is not in the page");
    report_close(&report);
    report_open(&report, &hostile);
    report_write(&report);
    cr_expect(page_holds(&report, "position=rope is no arm of this experiment"), "a claim was judged without its arm");
    report_close(&report);
}

// One training under several attentions is a table of its own: trained by evaluated, each mean with its interval.
Test(report, shows_every_arm_under_every_attention)
{
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    cr_assert(page_holds(&report, "<th class=\"n\">sliding(window=16)</th>"), "no column of the other attention");
    const struct comparison_arm *base = &report.comparison.arms[0];
    struct interval own = statistics_mean(base->values, report.comparison.view->seed_count, STATISTICS_ALPHA);
    expect_number(&report, base->name, "the mean under its own attention", number_fixed(own.mean, 3, false).text);
    cr_expect(page_holds(&report, arena_format(&report.arena, "±%s", number_fixed(own.half_width, 3, false).text)),
              "no interval of %g", own.half_width);
    report_close(&report);
}

// A picture cut short by a full disk would look like a result.
Test(report, leaves_every_figure_whole)
{
    static const struct {
        const char *ending, *begins, *ends;
    } formats[] = {{"svg", "<?xml", "</svg>"}, {"pdf", "%PDF-", "%%EOF"}, {"tsv", "# ", "\n"}};
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    for (const struct figure *figure = figures; figure->name; figure++) {
        cr_expect_lt(strlen(figure->title), 45, "%s is clipped", figure->title);
        if (figure->lacks) // arms of several lengths, which this experiment has not
            continue;
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
            struct text path = {0};
            struct bytes bytes = {0};
            text_add(&path, "%s/figures/%s.%s", report.out, figure->name, formats[i].ending);
            cr_expect(file_read(path.data, 1 << 24, &bytes, &report.error), "%s", report.error.text);
            size_t tail = bytes.count < 16 ? bytes.count : 16;
            cr_expect(bytes.count > 100 && !strncmp((char *)bytes.data, formats[i].begins, strlen(formats[i].begins)), "%s",
                      path.data);
            cr_expect(bytes.data && memmem(bytes.data + bytes.count - tail, tail, formats[i].ends, strlen(formats[i].ends)),
                      "%s", path.data);
            bytes_free(&bytes);
            text_free(&path);
        }
    }
    report_close(&report);
}

// Survivors alone would flatter an arm: what diverged, failed or is missing is named.
Test(report, names_what_does_not_count)
{
    struct report report;
    report_open(&report, &hostile);
    report_write(&report);
    cr_expect(page_holds(&report, "1 failed"), "the failed run is not counted");
    cr_expect(page_holds(&report, "1 missing"), "the missing run is not counted");
    cr_expect(page_holds(&report, "still to come"), "the missing run is not named");
    report_close(&report);
    report_open(&report, &fixture_demo);
    report_write(&report);
    cr_expect(page_holds(&report, "diverged 2 of 5"), "no verdict says that train.lr=0.03 diverged");
    cr_expect(page_holds(&report, "2 diverged"), "diverged runs are not counted");
    report_close(&report);
}

static const char *last_block(const struct bytes *data)
{
    const char *at = (const char *)data->data, *found = at;
    for (; (at = strstr(at, "\n\n\n")); at++)
        found = at + 3;
    return found;
}

// The mean of the seeds that survived would flatter an arm: its runs are drawn one by one, with a cross for each that diverged.
Test(report, draws_a_diverged_arm_run_by_run)
{
    struct report report;
    struct text path = {0};
    struct bytes data = {0};
    report_open(&report, &fixture_demo);
    report_write(&report);
    text_add(&path, "%s/figures/validation-loss.tsv", report.out);
    cr_assert(file_read(path.data, 1 << 24, &data, &report.error), "%s", report.error.text);
    int bands = 0, crosses = 0;
    for (const char *at = (const char *)data.data; (at = strstr(at, "lowest, highest seed of an arm\n")); at++)
        bands += strncmp(strchr(at, '\n') + 1, "NULL", 4) != 0;
    for (const char *at = last_block(&data); (at = strstr(at, "\n7\t")); at++)
        crosses++;
    cr_expect_eq(bands, 6, "%d arms have a band, not the 6 without divergence", bands);
    cr_expect_eq(crosses, 2, "%d crosses for 2 diverged runs:\n%s", crosses, last_block(&data));
    bytes_free(&data);
    text_free(&path);
    report_close(&report);
}

// Someone looks at the report while the first run is still going.
Test(report, renders_before_the_first_run)
{
    struct fixture planned = fixture_demo;
    planned.planned_only = true;
    struct report report;
    report_open(&report, &planned);
    report_write(&report);
    cr_expect(report.written, "%s", report.error.text);
    cr_expect(page_holds(&report, "No run has finished yet"), "the page does not say that there is no answer");
    cr_expect(page_holds(&report, "train.lr=0.03"), "the page does not name the arms");
    report_close(&report);
}

// Without gnuplot the numbers are still worth a page, and one line says what to install.
Test(report, does_without_gnuplot)
{
    struct report report;
    report_open(&report, &fixture_demo);
    char *path = strdup(getenv("PATH"));
    setenv("PATH", report.folder, 1);
    report_write(&report);
    setenv("PATH", path, 1);
    free(path);
    cr_expect_not(report.written);
    cr_expect_eq(report.error.count, 1, "%d lines: %s", report.error.count, report.error.text);
    cr_expect_not_null(strstr(report.error.text, "apt-get install gnuplot-nox"), "%s", report.error.text);
    cr_expect(page_holds(&report, "not drawn"), "the page does not say that figures are missing");
    cr_expect(page_holds(&report, "ffn=swiglu(ratio=8/3)"), "the table is missing");
    report_close(&report);
}

// A folder that cannot be written is one clear line that names it.
// Runs that were planned with other words than the file's are only found again by the same words.
Test(report, says_how_it_is_done_again)
{
    struct report report;
    report_open(&report, &fixture_demo);
    report_write(&report);
    cr_expect(page_holds(&report, "plans other runs by now"));
    cr_expect_not(page_holds(&report, "ablate run "));
    report.commands = (struct page_commands){.run = "demo.yaml --set 'ffn=swiglu(ratio=2)' --db \"a b\"", .database = "a b.db"};
    report_write(&report);
    cr_expect(page_holds_text(&report, "ablate run demo.yaml --set 'ffn=swiglu(ratio=2)' --db \"a b\" "));
    cr_expect(page_holds_text(&report, "ablate report demo --db 'a b.db'\n"));
    cr_expect_not(page_holds(&report, "plans other runs by now"));
    report_close(&report);
}

Test(report, refuses_a_folder_that_cannot_be)
{
    struct report report;
    report_open(&report, &fixture_demo);
    strcpy(report.out, report.database); // a file stands where the folder should be
    report_write(&report);
    cr_expect_not(report.written);
    cr_expect_not_null(strstr(report.error.text, report.database), "%s", report.error.text);
    cr_expect_eq(report.error.count, 1, "%d lines: %s", report.error.count, report.error.text);
    report_close(&report);
}

Test(report, knows_its_figures_by_name)
{
    struct error error = {0};
    cr_expect_not_null(figure_find("pairs", &error));
    cr_expect_null(figure_find("pair", &error));
    cr_expect(error.is_request && strstr(error.text, "did you mean \"pairs\""), "%s", error.text);
}

// Text as HTML: every special character of HTML 5, what is not UTF-8, what is not a character.
Test(report, escapes_text)
{
    struct text html = {0};
    html_text(&html, "a<b>&\"'\x01\xc3\xa9\xff\xc0\xaf\n");
    cr_expect_str_eq(html.data, "a&lt;b&gt;&amp;&quot;&#39; \xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n");
    text_free(&html);
}
