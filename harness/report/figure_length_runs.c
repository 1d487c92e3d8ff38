// figure_length_runs.c: the lines of figure_length.h from an experiment's runs: arms that differ in model.seq_len, and in
// train.batch along with it, are one line. Time is that of a token and memory that of a sequence, so the batch changes neither.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figure_data.h"
#include "report/figure_length.h"

// Where the entry of "attention=[\"a\", \"b\"], model.seq_len=64" ends: its comma, outside brackets.
static size_t entry_length(const char *entries)
{
    int depth = 0;
    size_t length = 0;
    for (; entries[length] && (depth > 0 || strncmp(entries + length, ", ", 2) != 0); length++)
        depth += (entries[length] == '(' || entries[length] == '[') - (entries[length] == ')' || entries[length] == ']');
    return length;
}

// What makes an arm differ from the baseline, beside the length.
static const char *other_differences(const struct comparison_arm *arm, struct arena *arena)
{
    static const char *const keys[] = {"model.seq_len=", "train.batch="};
    const char *others = "";
    for (const char *entry = arm->differs; *entry;) {
        size_t length = entry_length(entry);
        bool is_length = false;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            is_length = is_length || !strncmp(entry, keys[i], strlen(keys[i]));
        if (!is_length)
            others = arena_format(arena, "%s%s%.*s", others, *others ? ", " : "", (int)length, entry);
        entry += length + (entry[length] ? strlen(", ") : 0);
    }
    return others;
}

struct lines {
    struct length_line *list; // each with room for all runs
    int *first;               // the arm that began the line
    int count;
};

static struct length_line *line_of(struct lines *lines, const struct comparison *comparison, int arm, struct arena *arena)
{
    const char *others = other_differences(&comparison->arms[arm], arena);
    for (int i = 0; i < lines->count; i++)
        if (!strcmp(lines->list[i].label, others))
            return &lines->list[i];
    size_t seeds = (size_t)comparison->view->seed_count, runs = (size_t)comparison->arm_count * seeds;
    lines->first[lines->count] = arm;
    lines->list[lines->count] =
        (struct length_line){.label = others, .points = arena_allocate(arena, runs, sizeof(struct length_point))};
    return &lines->list[lines->count++];
}

// By the attentions where they tell the lines apart, else by all that does.
static void name_lines(struct lines *lines, const struct comparison *comparison)
{
    bool told_apart = true;
    for (int i = 0; i < lines->count; i++) {
        const char *attention = comparison->arms[lines->first[i]].attention;
        for (int j = 0; j < i && attention && told_apart; j++)
            told_apart = strcmp(attention, comparison->arms[lines->first[j]].attention) != 0;
        told_apart = told_apart && attention;
    }
    for (int i = 0; i < lines->count; i++) {
        if (told_apart)
            lines->list[i].label = comparison->arms[lines->first[i]].attention;
        else if (!*lines->list[i].label)
            lines->list[i].label = "(base)";
    }
}

// `store` NULL: lengths alone.
static bool gather(struct lines *lines, const struct comparison *comparison, struct store *store, struct arena *arena,
                   struct error *error)
{
    *lines = (struct lines){.list = arena_allocate(arena, (size_t)comparison->arm_count, sizeof *lines->list),
                            .first = arena_allocate(arena, (size_t)comparison->arm_count, sizeof *lines->first)};
    for (int arm = 0; arm < comparison->arm_count; arm++) {
        if (!comparison->arms[arm].length)
            continue;
        struct length_line *line = line_of(lines, comparison, arm, arena);
        for (int seed = 0; seed < comparison->view->seed_count; seed++) {
            const struct run_view *run = &comparison->view->arms[arm].runs[seed];
            if ((run->state != RUN_FINISHED && run->state != RUN_DIVERGED) || run->exclusion)
                continue;
            struct length_point *point = &line->points[line->count++];
            *point = (struct length_point){strtod(comparison->arms[arm].length, NULL), {1 / run->tokens_per_s, NAN}};
            if (store && !view_final(store, run->id, "activation_bytes", &point->values[LENGTH_BYTES], error))
                return false;
        }
    }
    name_lines(lines, comparison);
    return true;
}

const char *figure_length_lacks(const struct comparison *comparison)
{
    struct arena arena = {0};
    struct error unused = {0};
    struct lines lines;
    int most = 0;
    gather(&lines, comparison, NULL, &arena, &unused);
    for (int i = 0; i < lines.count; i++) {
        int own = length_count(&lines.list[i]);
        most = own > most ? own : most;
    }
    arena_close(&arena);
    return most >= LENGTH_LEAST ? NULL
           : most > 1 ? "it has runs at two lengths (model.seq_len) that are otherwise the same, and a power takes three"
                      : "its runs have one length (model.seq_len), and a power takes three";
}

bool figure_length_write(const struct figure *figure, const struct figure_source *source, struct text *data,
                         struct error *error)
{
    struct arena arena = {0};
    struct lines lines;
    bool done = gather(&lines, source->comparison, source->store, &arena, error);
    if (done)
        length_write(figure->title, lines.list, lines.count, data);
    arena_close(&arena);
    return done;
}
