// figure_pattern.c: see figure_pattern.h.
//
// A row of a panel is written as runs of equal cells, so that a picture of many positions stays small.
#include "report/figure_pattern.h"

#include <ctype.h>
#include <string.h>

#include "base/random.h"
#include "report/figure.h"
#include "report/figure_data.h"
#include "report/gnuplot.h"

enum { NAME_MAX_LENGTH = 80 };
enum cell { UNVISITED, VISITED, VISIBLE };

// One square: a layer's attention, on heads that are the same.
struct panel {
    int layer;
    const char *where;
    const bool *visible, *visited; // [time, time]
};
struct panels {
    struct panel *list;
    int count;
    bool hashed; // some of them show what vectors hashed to
};

// "layer 1, 2 of 4 heads": what tells the panel from others, and then the rest.
static const char *where(const struct run *run, int layer, const char *rest, struct arena *arena)
{
    const char *place = run->slots[SLOT_ATTENTION].count > 1 ? arena_format(arena, "layer %d", layer) : "";
    return arena_format(arena, "%s%s%s", place, *place && *rest ? ", " : "", rest);
}

static const char *setting_text(const struct run *run, struct arena *arena)
{
    struct text text = {0};
    setting_print(SLOT_ATTENTION, &run->slots[SLOT_ATTENTION], &text);
    return text_keep(&text, arena);
}

static void write_panel(const struct run *run, const struct panel *panel, struct text *data)
{
    struct text name = {0};
    int64_t pairs = run->model.seq_len * run->model.seq_len, seen = 0, touched = 0;
    for (int64_t i = 0; i < pairs; i++) {
        seen += panel->visible[i];
        touched += panel->visited[i];
    }
    choice_print(SLOT_ATTENTION, &run->slots[SLOT_ATTENTION].choices[panel->layer], &name);
    text_add(data, "0\t");
    figure_data_text(data, name.data);
    text_add(data, "\t");
    figure_data_text(data, panel->where);
    text_add(data, "\t%.3g\t%.3g\n", 100.0 * (double)seen / (double)pairs, 100.0 * (double)touched / (double)pairs);
    text_free(&name);
}

static enum cell cell_of(const struct panel *panel, int64_t pair)
{
    return panel->visible[pair] ? VISIBLE : panel->visited[pair] ? VISITED : UNVISITED;
}

// "cell first last query": cells of a kind from key `first` up to `last`, which is not in it.
static void write_cells(const struct panel *panel, int64_t time, struct text *data)
{
    for (int64_t i = 0; i < time; i++)
        for (int64_t first = 0, j = 0; j < time; first = j) {
            enum cell cell = cell_of(panel, i * time + first);
            while (j < time && cell_of(panel, i * time + j) == cell)
                j++;
            if (cell != UNVISITED)
                text_add(data, "%d\t%lld\t%lld\t%lld\n", cell, (long long)first, (long long)j, (long long)i);
        }
}

static void write_data(const struct run *run, const struct panels *panels, const char *name, struct text *data,
                       struct arena *arena)
{
    const char *setting = setting_text(run, arena);
    text_add(data, "# attention=%s, %lld positions, model.causal=%s\n", setting, (long long)run->model.seq_len,
             run->model.causal ? "true" : "false");
    text_add(data, "# Draw it in this folder: gnuplot -c pattern.gp %s svg (or png, pdf)\n", name);
    figure_data_fact(data, "title",
                     arena_format(arena, "%s%s", run->slots[SLOT_ATTENTION].count > 1 ? "Who sees whom" : setting,
                                  run->model.causal ? "" : ", both ways"));
    figure_data_fact(data, "xlabel", "key");
    figure_data_fact(data, "ylabel", "query");
    figure_data_fact(data, "named", "0");
    if (panels->hashed)
        figure_data_fact(data, "note",
                         arena_format(arena, "Hashes of random vectors, seed %lld; one head", (long long)run->seed));
    figure_data_fact_number(data, "positions", (double)run->model.seq_len);
    figure_data_block(data, "colour slot, attention, where, percent of the square that is seen, and that is visited");
    for (int i = 0; i < panels->count; i++)
        write_panel(run, &panels->list[i], data);
    for (int i = 0; i < panels->count; i++) {
        figure_data_block(data, "1: visited and not seen, 2: seen; first key, key behind the last, query");
        write_cells(&panels->list[i], run->model.seq_len, data);
    }
}

// ---- What is seen -----------------------------------------------------------------------------------------------------------

// A square for every kind of heads.
static bool add_pattern(const struct run *run, int layer, struct panels *panels, struct arena *arena, struct error *error)
{
    const struct choice *choice = &run->slots[SLOT_ATTENTION].choices[layer];
    const struct attention_layout layout = {run->model.seq_len, run->model.n_head, run->model.causal};
    struct attention_schedule schedule;
    if (!attention_schedule_open(&schedule, &choice->component->attention.pattern, &choice->options, &layout, arena, error))
        return false;
    for (int64_t head = 0; head < layout.n_head; head++) {
        int64_t heads = 0;
        for (int64_t other = head; other < layout.n_head; other++)
            heads += schedule.same_as[other] == head;
        if (heads == 0)
            continue;
        const char *kind = arena_format(arena, "%lld of %lld heads", (long long)heads, (long long)layout.n_head);
        panels->list[panels->count++] = (struct panel){.layer = layer,
                                                       .where = where(run, layer, heads < layout.n_head ? kind : "", arena),
                                                       .visible = attention_visible(&schedule, head, arena),
                                                       .visited = attention_visited(&schedule, head, arena)};
    }
    return true;
}

// Buckets [time, rounds] of one head whose queries are drawn from N(0, 1).
static int32_t *hash_vectors(const struct run *run, int layer, const struct lsh *lsh, struct arena *arena)
{
    int64_t time = run->model.seq_len, width = run->model.head_dim;
    double *vectors = arena_allocate(arena, (size_t)(time * width), sizeof *vectors);
    int32_t *buckets = arena_allocate(arena, (size_t)(time * lsh->rounds), sizeof *buckets);
    const struct lsh_hash hash = {.lsh = *lsh,
                                  .n_head = 1,
                                  .head_dim = width,
                                  .seed = (uint64_t)run->seed,
                                  .name = arena_format(arena, "model.layers.%d.self_attn.rotations", layer)};
    uint64_t key = random_key(hash.seed, "vectors of a picture", (uint64_t)layer);
    for (int64_t i = 0; i < time * width; i++)
        vectors[i] = random_normal(key, (uint64_t)(i / width), (uint64_t)(i % width));
    lsh_hash_rows(&hash, vectors, time, buckets);
    return buckets;
}

// The pairs of `from` with the positions at their places of `order`.
static bool *in_order(const bool *from, const int32_t *order, int64_t time, struct arena *arena)
{
    bool *to = arena_allocate(arena, (size_t)(time * time), sizeof *to);
    for (int64_t i = 0; i < time; i++)
        for (int64_t j = 0; j < time; j++)
            to[i * time + j] = from[order[i] * time + order[j]];
    return to;
}

static void add_hashed(const struct run *run, int layer, const struct lsh *lsh, struct panels *panels, struct arena *arena)
{
    const struct attention_layout layout = {run->model.seq_len, 1, run->model.causal};
    int64_t time = layout.time, pairs = time * time;
    struct attention_schedule planned, round_alone;
    struct lsh_sorted sorted;
    unsigned char *shown = arena_allocate(arena, (size_t)pairs, sizeof *shown);
    bool *visible = arena_allocate(arena, (size_t)pairs, sizeof *visible);
    bool *visited = arena_allocate(arena, (size_t)pairs, sizeof *visited);
    struct panel *sorted_panel = &panels->list[panels->count + 1];
    lsh_schedule_plan(&planned, lsh, &layout, arena);
    lsh_sorted_open(&sorted, lsh, &planned, arena_allocate(arena, 1, lsh_workspace(lsh, time)));
    lsh_sort_head(&sorted, 0, hash_vectors(run, layer, lsh, arena), lsh->rounds);
    for (int round = 0; round < lsh->rounds; round++) {
        lsh_sort_pass(&sorted, round);
        lsh_count_shown(&sorted, round, shown);
        round_alone = sorted.schedule;
        round_alone.passes = &sorted.schedule.passes[round];
        round_alone.pass_count = 1;
        const bool *own = attention_visited(&round_alone, 0, arena);
        for (int64_t i = 0; i < pairs; i++) {
            visible[i] = shown[i] > 0;
            visited[i] = visited[i] || own[i];
        }
        if (round == 0)
            *sorted_panel = (struct panel){.layer = layer,
                                           .where = where(run, layer, "round 1, by bucket", arena),
                                           .visible = in_order(visible, round_alone.passes->order, time, arena),
                                           .visited = in_order(visited, round_alone.passes->order, time, arena)};
    }
    panels->list[panels->count] = (struct panel){.layer = layer,
                                                 .where = where(run, layer, "by position", arena),
                                                 .visible = visible,
                                                 .visited = visited};
    panels->count += 2;
    panels->hashed = true;
}

static bool open_panels(const struct run *run, struct panels *panels, struct arena *arena, struct error *error)
{
    enum { HASHED_PANELS = 2 };
    const struct setting *setting = &run->slots[SLOT_ATTENTION];
    size_t most = (size_t)(run->model.n_head > HASHED_PANELS ? run->model.n_head : HASHED_PANELS);
    *panels = (struct panels){.list = arena_allocate(arena, (size_t)setting->count * most, sizeof *panels->list)};
    for (int i = 0; i < setting->count; i++) {
        const struct attention_calls *calls = &setting->choices[i].component->attention;
        const struct lsh lsh =
            calls->hashes ? calls->hashes(&setting->choices[i].options, run->model.seq_len) : (struct lsh){0};
        if (calls->hashes && lsh_buckets(&lsh) > 1)
            add_hashed(run, i, &lsh, panels, arena);
        else if (!add_pattern(run, i, panels, arena, error))
            return false;
    }
    return true;
}

// "longformer-window-8-globals-2-64"; what is cut is told apart by a hash of the whole.
static const char *file_name(const struct run *run, bool hashed, struct arena *arena)
{
    const char *setting = setting_text(run, arena);
    char *words = strlen(setting) <= NAME_MAX_LENGTH
                      ? arena_copy_text(arena, setting)
                      : arena_format(arena, "%.*s-%08x", NAME_MAX_LENGTH, setting, (unsigned)random_key(0, setting, 0));
    char *to = words;
    for (const char *from = words; *from; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = *from;
        else if (to > words && to[-1] != '-')
            *to++ = '-';
    }
    *to = '\0';
    const char *dash = to > words && to[-1] == '-' ? "" : "-";
    const char *seed = hashed ? arena_format(arena, "-seed-%lld", (long long)run->seed) : "";
    return arena_format(arena, "%s%s%s%lld%s", words, dash, run->model.causal ? "" : "both-ways-",
                        (long long)run->model.seq_len, seed);
}

bool figure_pattern_draw(const struct run *run, const char *folder, const char *terminal, struct arena *arena,
                         const char **name, struct error *error)
{
    struct panels panels;
    struct text data = {0};
    if (!open_panels(run, &panels, arena, error))
        return false;
    *name = file_name(run, panels.hashed, arena);
    write_data(run, &panels, *name, &data, arena);
    bool done =
        figure_leave(folder, *name, "pattern.gp", &data, error) &&
        gnuplot_draw(&(struct drawing){.folder = folder, .script = "pattern.gp", .figure = *name, .terminal = terminal}, error);
    text_free(&data);
    return done;
}
