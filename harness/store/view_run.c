// view_run.c: reads one run: its series, options, provenance and events.
#include "store/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/database.h"

// A value as it was told: finite in its column, else the word beside it.
static double stored_value(const struct query *query, int value, int word)
{
    const char *text = query_text(query, word);
    if (!strcmp(text, "inf"))
        return INFINITY;
    if (!strcmp(text, "-inf"))
        return -INFINITY;
    return query_real(query, value);
}

bool view_series(struct store *store, const char *run, const char *metric, struct arena *arena, struct series *series,
                 struct error *error)
{
    struct query query;
    size_t count = 0, capacity = 0;
    int64_t *steps = NULL;
    double *values = NULL;
    if (!strcmp(metric, "tokens_per_s"))
        query_open(&query, store, error, "SELECT step, tokens_per_s, NULL FROM throughput WHERE run = ? ORDER BY step", "t",
                   run);
    else
        query_open(&query, store, error, "SELECT step, value, non_finite FROM metrics WHERE run = ? AND name = ? ORDER BY step",
                   "tt", run, metric);
    while (query_next(&query)) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            steps = memory_resize(steps, capacity, sizeof *steps);
            values = memory_resize(values, capacity, sizeof *values);
        }
        steps[count] = query_int(&query, 0);
        values[count++] = stored_value(&query, 1, 2);
    }
    *series = (struct series){.count = (int64_t)count,
                              .steps = arena_allocate(arena, count, sizeof *steps),
                              .values = arena_allocate(arena, count, sizeof *values)};
    if (count) {
        memcpy(series->steps, steps, count * sizeof *steps);
        memcpy(series->values, values, count * sizeof *values);
    }
    free(steps);
    free(values);
    return query_close(&query);
}

bool view_final(struct store *store, const char *run, const char *metric, double *value, struct error *error)
{
    struct query query;
    *value = NAN;
    if (!strcmp(metric, "tokens_per_s"))
        query_open(&query, store, error, "SELECT tokens_per_s, NULL FROM run WHERE id = ?", "t", run);
    else
        query_open(&query, store, error,
                   "SELECT value, non_finite FROM metrics WHERE run = ? AND name = ? ORDER BY step DESC LIMIT 1", "tt", run,
                   metric);
    if (query_next(&query))
        *value = stored_value(&query, 0, 1);
    return query_close(&query);
}

bool view_option(struct store *store, const char *run, const char *key, struct arena *arena, const char **value,
                 struct error *error)
{
    struct query query;
    *value = NULL;
    query_open(&query, store, error, "SELECT value FROM options WHERE run = ? AND key = ?", "tt", run, key);
    if (query_next(&query))
        *value = arena_copy_text(arena, query_text(&query, 0));
    return query_close(&query);
}

bool view_provenance(struct store *store, const char *run, struct arena *arena, const struct fact **facts, struct error *error)
{
    struct query query;
    size_t count = 0, capacity = 0;
    struct fact *list = NULL;
    query_open(&query, store, error,
               "SELECT name, value FROM fact WHERE run = (SELECT number FROM run WHERE id = ?) ORDER BY position", "t", run);
    while (query_next(&query)) {
        if (count == capacity)
            list = memory_resize(list, capacity = capacity ? 2 * capacity : 32, sizeof *list);
        list[count].name = arena_copy_text(arena, query_text(&query, 0));
        list[count++].value = arena_copy_text(arena, query_text(&query, 1));
    }
    struct fact *kept = arena_allocate(arena, count + 1, sizeof *kept);
    if (count)
        memcpy(kept, list, count * sizeof *kept);
    free(list);
    *facts = kept;
    return query_close(&query);
}

bool view_events(struct store *store, const char *run, struct arena *arena, int *count, const struct event_view **events,
                 struct error *error)
{
    struct query query;
    size_t found = 0, capacity = 0;
    struct event_view *list = NULL;
    query_open(&query, store, error,
               "SELECT step, kind, detail, value, value_non_finite, threshold, threshold_non_finite FROM events WHERE run = ? "
               "ORDER BY step, kind, detail",
               "t", run);
    while (query_next(&query)) {
        if (found == capacity)
            list = memory_resize(list, capacity = capacity ? 2 * capacity : 32, sizeof *list);
        list[found++] = (struct event_view){
            .step = query_int(&query, 0),
            .kind = arena_copy_text(arena, query_text(&query, 1)),
            .detail = arena_copy_text(arena, query_text(&query, 2)),
            .value = stored_value(&query, 3, 4),
            .threshold = stored_value(&query, 5, 6),
        };
    }
    struct event_view *kept = arena_allocate(arena, found, sizeof *kept);
    if (found)
        memcpy(kept, list, found * sizeof *kept);
    free(list);
    *count = (int)found;
    *events = kept;
    return query_close(&query);
}
