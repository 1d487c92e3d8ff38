// store_benchmark.c: what `ablate bench` measured, written as one transaction, and read back whole.
#include "store/database.h"

#include <string.h>

#include "base/file.h"
#include "store/view.h"

static const char insert_fact[] = "INSERT INTO benchmark_fact (benchmark_set, position, name, value) VALUES (?, ?, ?, ?)";

static int64_t write_set(struct store *store, const struct store_benchmark_set *set, struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "INSERT INTO benchmark_set (stored_at, fma_flops_per_s, triad_bytes_per_s) VALUES (?, ?, ?) RETURNING number",
               "irr", clock_unix(), set->fma_flops_per_s, set->triad_bytes_per_s);
    int64_t number = query_next(&query) ? query_int(&query, 0) : 0;
    return query_close(&query) ? number : 0;
}

static bool write_benchmarks(struct store *store, int64_t number, const struct store_benchmark_set *set, struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "INSERT INTO benchmark (benchmark_set, position, name, flops, bytes) VALUES (?, ?, ?, ?, ?)", "");
    for (int64_t i = 0; i < set->count; i++) {
        const struct store_benchmark *benchmark = &set->benchmarks[i];
        query_again(&query, "iitrr", number, i, benchmark->name, benchmark->flops, benchmark->bytes);
        query_next(&query);
    }
    return query_close(&query);
}

static bool write_times(struct store *store, int64_t number, const struct store_benchmark_set *set, struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "INSERT INTO benchmark_time (benchmark_set, benchmark, repetition, seconds) VALUES (?, ?, ?, ?)", "");
    for (int64_t i = 0; i < set->count; i++)
        for (int64_t j = 0; j < set->benchmarks[i].count; j++) {
            query_again(&query, "iiir", number, i, j, set->benchmarks[i].seconds[j]);
            query_next(&query);
        }
    return query_close(&query);
}

bool store_benchmarks_save(struct store *store, const struct store_benchmark_set *set, int64_t *number, struct error *error)
{
    if (!store_start(store, error))
        return false;
    *number = write_set(store, set, error);
    return store_finish(store,
                        *number && store_insert_facts(store, error, insert_fact, *number, set->facts) &&
                            write_benchmarks(store, *number, set, error) && write_times(store, *number, set, error),
                        error);
}

// ---- Reading ----------------------------------------------------------------------------------------------------------------

static bool read_set(struct store *store, const char *which, struct arena *arena, struct benchmark_set_view *view,
                     struct error *error)
{
    struct query query;
    query_open(&query, store, error,
               "SELECT number, stored_at, fma_flops_per_s, triad_bytes_per_s, value, "
               "(SELECT count(*) FROM benchmark WHERE benchmark_set = number) "
               "FROM benchmark_set LEFT JOIN benchmark_fact ON benchmark_set = number AND name = 'commit' "
               "WHERE ?1 = 'last' OR CAST(number AS TEXT) = ?1 OR substr(value, 1, length(?1)) = ?1 "
               "ORDER BY CAST(number AS TEXT) = ?1 DESC, number DESC LIMIT 1",
               "t", which);
    if (query_next(&query))
        *view = (struct benchmark_set_view){
            .number = query_int(&query, 0),
            .stored_at = query_int(&query, 1),
            .commit = arena_copy_text(arena, query_text(&query, 4)),
            .set = {.fma_flops_per_s = query_real(&query, 2),
                    .triad_bytes_per_s = query_real(&query, 3),
                    .count = (int)query_int(&query, 5)},
        };
    if (!query_close(&query))
        return false;
    return view->number || error_request(error, "%s: no set of benchmarks \"%s\": name one by its number, the commit, or last",
                                         store->path, which);
}

static bool read_benchmarks(struct store *store, struct arena *arena, struct benchmark_set_view *view, struct error *error)
{
    struct query query;
    int next = 0;
    struct store_benchmark *list = arena_allocate(arena, (size_t)view->set.count, sizeof *list);
    query_open(&query, store, error,
               "SELECT name, flops, bytes, (SELECT count(*) FROM benchmark_time AS t WHERE t.benchmark_set = b.benchmark_set "
               "AND t.benchmark = b.position) FROM benchmark AS b WHERE benchmark_set = ? ORDER BY position",
               "i", view->number);
    while (next < view->set.count && query_next(&query)) {
        int64_t count = query_int(&query, 3);
        list[next++] = (struct store_benchmark){.name = arena_copy_text(arena, query_text(&query, 0)),
                                                .flops = query_real(&query, 1),
                                                .bytes = query_real(&query, 2),
                                                .count = (int)count,
                                                .seconds = arena_allocate(arena, (size_t)count, sizeof(double))};
    }
    view->set.benchmarks = list;
    return query_close(&query);
}

static bool read_times(struct store *store, const struct benchmark_set_view *view, struct error *error)
{
    struct query query;
    int at = 0, filled = 0;
    query_open(&query, store, error,
               "SELECT benchmark, seconds FROM benchmark_time WHERE benchmark_set = ? ORDER BY benchmark, repetition", "i",
               view->number);
    while (query_next(&query)) {
        int64_t benchmark = query_int(&query, 0);
        filled = benchmark == at ? filled : 0;
        at = (int)benchmark;
        if (at < 0 || at >= view->set.count || filled >= view->set.benchmarks[at].count)
            continue;
        double *seconds = (double *)view->set.benchmarks[at].seconds;
        seconds[filled++] = query_real(&query, 1);
    }
    return query_close(&query);
}

bool view_benchmarks(struct store *store, const char *which, struct arena *arena, struct benchmark_set_view *view,
                     struct error *error)
{
    *view = (struct benchmark_set_view){0};
    if (!store_start(store, error))
        return false;
    bool done = read_set(store, which, arena, view, error) && read_benchmarks(store, arena, view, error) &&
                read_times(store, view, error);
    return store_finish(store, done, error);
}
