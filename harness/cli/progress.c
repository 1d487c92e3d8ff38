// progress.c: a frame of lines that replaces the one before; see progress.h.
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "report/number.h"
#include "report/screen.h"
#include "store/view.h"

enum { NAME_COLUMNS = 28, BAR_COLUMNS_MIN = 8, BAR_COLUMNS_MAX = 40 };

static void terminal_size(int *columns, int *rows)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *columns = known ? size.ws_col : 80;
    *rows = known ? size.ws_row : 24;
}

int progress_columns(void)
{
    int columns, rows;
    terminal_size(&columns, &rows);
    return columns;
}

// A byte that continues a letter of UTF-8 takes no column.
static bool takes_column(char byte) { return ((unsigned char)byte & 0xc0) != 0x80; }

// Adds at most `columns` columns of `line`, and spaces up to there when `pad`. Colours are not counted.
static void add_columns(struct text *text, const char *line, size_t length, int columns, bool pad)
{
    int taken = 0;
    for (size_t i = 0; i < length; i++) {
        if (line[i] == '\033') {
            size_t end = i;
            while (end < length && line[end] != 'm')
                end++;
            text_add_bytes(text, line + i, end < length ? end - i + 1 : 0);
            i = end;
            continue;
        }
        if (takes_column(line[i]) && taken++ == columns)
            break;
        text_add_bytes(text, line + i, 1);
    }
    for (; pad && taken < columns; taken++)
        text_add(text, " ");
}

// ---- Lines of the frame -----------------------------------------------------------------------------------------------------

static void add_bar(struct text *text, double share, int columns)
{
    int full = (int)(share * columns);
    for (int i = 0; i < columns; i++)
        text_add(text, "%s", i < full ? "━" : "·");
}

static void add_place(struct text *text, const struct runner_status *status, const struct runner_place *place, int columns)
{
    struct text name = {0}, numbers = {0};
    double share = place->steps > 0 ? (double)place->step / (double)place->steps : 0;
    text_add(&name, "%s", plan_arm(status->plan, place->run)->name);
    text_add(&numbers, " %5lld/%lld", (long long)place->step, (long long)place->steps);
    if (!isnan(place->loss))
        text_add(&numbers, "  loss %.4f", place->loss);
    if (!isnan(place->tokens_per_s))
        text_add(&numbers, "  %s tok/s", number_count(place->tokens_per_s).text);
    int bar = columns - NAME_COLUMNS - 10 - (int)numbers.length;
    bar = bar < BAR_COLUMNS_MIN ? BAR_COLUMNS_MIN : bar > BAR_COLUMNS_MAX ? BAR_COLUMNS_MAX : bar;
    add_columns(text, name.data, name.length, NAME_COLUMNS, true);
    text_add(text, " seed %-3lld ", (long long)place->run->seed);
    add_bar(text, share < 1 ? share : 1, bar);
    text_add(text, "%s\n", numbers.data);
    text_free(&name);
    text_free(&numbers);
}

static void add_counts(struct text *text, const struct runner_status *status)
{
    int ended = status->reused + status->finished + status->diverged + status->failed;
    text_add(text, "%d of %d runs", ended, status->plan->run_count);
    if (status->reused)
        text_add(text, ", %d of them earlier", status->reused);
    if (status->diverged)
        text_add(text, ", %d diverged", status->diverged);
    if (status->failed)
        text_add(text, ", %d failed", status->failed);
    text_add(text, "   %s", number_duration(status->seconds).text);
    if (!isnan(status->seconds_left) && ended < status->plan->run_count)
        text_add(text, ", about %s left", number_about(status->seconds_left).text);
    text_add(text, "\n");
}

// ---- Drawing ----------------------------------------------------------------------------------------------------------------

// Up to the frame's first line; what follows overwrites it. In a window that changed its width, lines may have been folded and
// cannot be counted: it is cleared.
static void add_return(struct text *text, const struct progress *progress, int columns)
{
    if (progress->drawn > 0 && progress->columns != columns)
        text_add(text, "\033[H\033[J");
    else if (progress->drawn > 0)
        text_add(text, "\033[%dA\r", progress->drawn);
}

// The newest lines of the frame that the terminal holds, each cut to its width so that a line stays a line.
static int add_frame(struct text *output, const struct text *frame, int columns, int rows)
{
    int lines = 0, skipped = 0;
    for (size_t i = 0; i < frame->length; i++)
        lines += frame->data[i] == '\n';
    const char *line = frame->data;
    for (; lines - skipped >= rows; skipped++)
        line = strchr(line, '\n') + 1;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        add_columns(output, line, (size_t)(end - line), columns - 1, false);
        text_add(output, "\033[0m\033[K\n");
    }
    return lines - skipped;
}

static void write_out(const struct text *output)
{
    fwrite(output->data, 1, output->length, stdout);
    fflush(stdout);
}

static void draw(struct progress *progress, const struct runner_status *status)
{
    int columns, rows;
    struct text frame = {0}, output = {0};
    terminal_size(&columns, &rows);
    if (progress->table.length)
        text_add(&frame, "%s\n", progress->table.data);
    for (int i = 0; i < status->jobs; i++)
        if (status->places[i].run)
            add_place(&frame, status, &status->places[i], columns);
    add_counts(&frame, status);
    // One write between the marks of a synchronised update: a terminal that knows them shows whole frames only.
    text_add(&output, "\033[?2026h");
    add_return(&output, progress, columns);
    progress->columns = columns;
    progress->drawn = add_frame(&output, &frame, columns, rows);
    text_add(&output, "\033[J\033[?2026l");
    write_out(&output);
    text_free(&frame);
    text_free(&output);
}

static void take_away(struct progress *progress)
{
    struct text output = {0};
    if (!progress->drawn)
        return;
    add_return(&output, progress, progress_columns());
    text_add(&output, "\033[J");
    write_out(&output);
    progress->drawn = 0;
    text_free(&output);
}

// ---- What the runner tells --------------------------------------------------------------------------------------------------

static void print_note(void *context, const char *line)
{
    struct progress *progress = context;
    if (progress->quiet)
        return;
    take_away(progress);
    printf("%s\n", line);
    fflush(stdout);
}

static bool seed_is_complete(const struct plan *plan, int64_t seed)
{
    for (int i = 0; i < plan->run_count; i++)
        if (plan->runs[i].seed == seed && (plan->runs[i].state == RUN_PLANNED || plan->runs[i].state == RUN_RUNNING))
            return false;
    return true;
}

// The answer from the runs there are; where it cannot be had yet, the one before stays.
static void renew_table(struct progress *progress, const struct runner_status *status)
{
    struct arena arena = {0};
    struct comparison comparison;
    struct error ignored = {0};
    char *printed = NULL;
    size_t length = 0;
    if (comparison_open(progress->store, status->plan->experiment->name, &arena, &comparison, &ignored)) {
        FILE *memory = open_memstream(&printed, &length);
        if (memory) {
            screen_print(&comparison,
                         &(struct screen_options){
                             .width = progress_columns(), .colour = true, .elapsed = status->seconds, .workers = status->jobs},
                         memory);
            text_free(&progress->table);
            if (!fclose(memory))
                text_add(&progress->table, "%s", printed);
            free(printed);
        }
    }
    arena_close(&arena);
}

static void print_line(const struct progress *progress, const struct runner_status *status, const struct planned_run *run,
                       const char *trouble)
{
    struct text line = {0};
    struct error ignored = {0};
    double value;
    const char *metric = status->plan->experiment->metric;
    text_add(&line, "%3d of %d  %s, seed %lld: %s", status->reused + status->finished + status->diverged + status->failed,
             status->plan->run_count, plan_arm(status->plan, run)->name, (long long)run->seed, run_state_names[run->state]);
    if (trouble)
        text_add(&line, ": %s", trouble);
    else if (run->state == RUN_FINISHED && view_final(progress->store, run->id, metric, &value, &ignored))
        text_add(&line, ", %s %.4f", metric, value);
    text_add(&line, ", %s", number_duration(run->seconds).text);
    if (!isnan(status->seconds_left) && plan_left(status->plan) > 0)
        text_add(&line, ", about %s left", number_about(status->seconds_left).text);
    printf("%s\n", line.data);
    fflush(stdout);
    text_free(&line);
}

static void run_ended(void *context, const struct runner_status *status, const struct planned_run *run, const char *trouble)
{
    struct progress *progress = context;
    if (progress->quiet)
        return;
    if (!progress->is_terminal) {
        print_line(progress, status, run, trouble);
        return;
    }
    if (trouble) {
        take_away(progress);
        print_line(progress, status, run, trouble);
    }
    if (seed_is_complete(status->plan, run->seed))
        renew_table(progress, status);
}

static void tick(void *context, const struct runner_status *status)
{
    static const double FRAME_SECONDS = 0.1;
    struct progress *progress = context;
    double now = clock_seconds();
    if (progress->quiet || !progress->is_terminal || now - progress->redrawn_at < FRAME_SECONDS)
        return;
    progress->redrawn_at = now;
    draw(progress, status);
}

void progress_open(struct progress *progress, struct store *store, bool quiet)
{
    const char *terminal = getenv("TERM");
    *progress = (struct progress){.store = store, .quiet = quiet};
    progress->is_terminal = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

struct runner_watch progress_watch(struct progress *progress)
{
    return (struct runner_watch){.context = progress, .ended = run_ended, .note = print_note, .tick = tick};
}

void progress_close(struct progress *progress)
{
    take_away(progress);
    text_free(&progress->table);
}
