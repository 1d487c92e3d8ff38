// figure_pattern.c: see figure_pattern.h.
//
// A row of a panel is written as runs of equal cells, so that a picture of many positions stays small.
#include "report/figure_pattern.h"

#include <ctype.h>
#include <string.h>

#include "report/figure.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

enum { NAME_MAX_LENGTH = 80 };
enum cell { UNVISITED, VISITED, VISIBLE };

// One square: a layer's attention, on the heads that are the same as `head`.
struct panel {
    int layer;
    int64_t head, heads;
    const struct attention_schedule *schedule;
};

static const char *place_of(const struct run *run, const struct panel *panel, struct arena *arena)
{
    const char *layer = run->slots[SLOT_ATTENTION].count > 1 ? arena_format(arena, "layer %d", panel->layer) : "";
    if (panel->heads == run->model.n_head)
        return layer;
    return arena_format(arena, "%s%s%lld of %lld heads", layer, *layer ? ", " : "", (long long)panel->heads,
                        (long long)run->model.n_head);
}

static const char *setting_text(const struct run *run, struct arena *arena)
{
    struct text text = {0};
    setting_print(SLOT_ATTENTION, &run->slots[SLOT_ATTENTION], &text);
    return text_keep(&text, arena);
}

static void write_panel(const struct run *run, const struct panel *panel, struct text *data, struct arena *arena)
{
    struct text name = {0};
    const bool *visible = attention_visible(panel->schedule, panel->head, arena);
    const bool *visited = attention_visited(panel->schedule, panel->head, arena);
    int64_t time = run->model.seq_len, seen = 0, touched = 0;
    for (int64_t i = 0; i < time * time; i++) {
        seen += visible[i];
        touched += visited[i];
    }
    choice_print(SLOT_ATTENTION, &run->slots[SLOT_ATTENTION].choices[panel->layer], &name);
    text_add(data, "0\t");
    figure_data_text(data, name.data);
    text_add(data, "\t");
    figure_data_text(data, place_of(run, panel, arena));
    text_add(data, "\t%.3g\t%.3g\n", 100.0 * (double)seen / (double)(time * time),
             100.0 * (double)touched / (double)(time * time));
    text_free(&name);
}

// "cell first last query": cells of a kind from key `first` up to `last`, which is not in it.
static void write_cells(const struct panel *panel, struct text *data, struct arena *arena)
{
    const bool *visible = attention_visible(panel->schedule, panel->head, arena);
    const bool *visited = attention_visited(panel->schedule, panel->head, arena);
    int64_t time = panel->schedule->time;
    for (int64_t i = 0; i < time; i++)
        for (int64_t first = 0, j = 0; j < time; first = j) {
            enum cell cell = visible[i * time + first] ? VISIBLE : visited[i * time + first] ? VISITED : UNVISITED;
            while (j < time && (visible[i * time + j] ? VISIBLE : visited[i * time + j] ? VISITED : UNVISITED) == cell)
                j++;
            if (cell != UNVISITED)
                text_add(data, "%d\t%lld\t%lld\t%lld\n", cell, (long long)first, (long long)j, (long long)i);
        }
}

static void write_data(const struct run *run, const struct panel *panels, int count, const char *name, struct text *data,
                       struct arena *arena)
{
    const char *setting = setting_text(run, arena);
    text_add(data, "# attention=%s, %lld positions, model.causal=%s\n", setting, (long long)run->model.seq_len,
             run->model.causal ? "true" : "false");
    text_add(data, "# Draw it in this folder: gnuplot -c pattern.gp %s svg (or png, pdf)\n", name);
    figure_data_fact(data, "title",
                     arena_format(arena, "%s%s", count > 1 ? "Who sees whom" : setting,
                                  run->model.causal ? "" : ", both ways"));
    figure_data_fact(data, "xlabel", "key");
    figure_data_fact(data, "ylabel", "query");
    figure_data_fact(data, "named", "0");
    figure_data_fact_number(data, "positions", (double)run->model.seq_len);
    figure_data_block(data, "colour slot, attention, where, percent of the square that is seen, and that is visited");
    for (int i = 0; i < count; i++)
        write_panel(run, &panels[i], data, arena);
    for (int i = 0; i < count; i++) {
        figure_data_block(data, "1: visited and not seen, 2: seen; first key, key behind the last, query");
        write_cells(&panels[i], data, arena);
    }
}

// Every layer of the list, and in it every kind of head.
static bool open_panels(const struct run *run, struct panel *panels, int *count, struct arena *arena, struct error *error)
{
    const struct setting *setting = &run->slots[SLOT_ATTENTION];
    const struct attention_layout layout = {run->model.seq_len, run->model.n_head, run->model.causal};
    *count = 0;
    for (int i = 0; i < setting->count; i++) {
        const struct component *component = setting->choices[i].component;
        if (component->attention.hashes)
            return error_request(error,
                                 "--pattern: with %s, who sees whom follows from what the tokens hash to; there is no "
                                 "picture of it without them",
                                 component->name);
        struct attention_schedule *schedule = arena_allocate(arena, 1, sizeof *schedule);
        if (!attention_schedule_open(schedule, &component->attention.pattern, &setting->choices[i].options, &layout, arena,
                                     error))
            return false;
        for (int64_t head = 0; head < run->model.n_head; head++) {
            if (schedule->same_as[head] != head)
                continue;
            struct panel *panel = &panels[(*count)++];
            *panel = (struct panel){.layer = i, .head = head, .schedule = schedule};
            for (int64_t other = head; other < run->model.n_head; other++)
                panel->heads += schedule->same_as[other] == head;
        }
    }
    return true;
}

// "longformer-window-8-globals-2-64"
static const char *file_name(const struct run *run, struct arena *arena)
{
    char *words = arena_format(arena, "%.*s", NAME_MAX_LENGTH, setting_text(run, arena)), *to = words;
    for (const char *from = words; *from; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = *from;
        else if (to > words && to[-1] != '-')
            *to++ = '-';
    }
    *to = '\0';
    const char *dash = to > words && to[-1] == '-' ? "" : "-";
    return arena_format(arena, "%s%s%s%lld", words, dash, run->model.causal ? "" : "both-ways-", (long long)run->model.seq_len);
}

bool figure_pattern_draw(const struct run *run, const char *folder, const char *terminal, struct arena *arena,
                         const char **name, struct error *error)
{
    struct panel *panels =
        arena_allocate(arena, (size_t)run->slots[SLOT_ATTENTION].count * (size_t)run->model.n_head, sizeof *panels);
    struct text data = {0};
    int count;
    if (!open_panels(run, panels, &count, arena, error))
        return false;
    *name = file_name(run, arena);
    write_data(run, panels, count, *name, &data, arena);
    bool done =
        figure_leave(folder, *name, "pattern.gp", &data, error) &&
        gnuplot_draw(&(struct drawing){.folder = folder, .script = "pattern.gp", .figure = *name, .terminal = terminal}, error);
    text_free(&data);
    return done;
}
