// store_write.c: what the runner stores of a run: its life from `running` to its end, and batches of its rows.
//
// Every call is one transaction over upserts, so that a batch that was already stored, or told again after a resume, changes
// nothing.
#include "store/database.h"

#include <math.h>
#include <string.h>

// NaN, inf and -inf have words, because SQLite would store NaN as NULL; a finite value has NULL.
static const char *non_finite_word(double value)
{
    if (isnan(value))
        return "nan";
    if (isinf(value))
        return value > 0 ? "inf" : "-inf";
    return NULL;
}

// What query_open binds as r: NULL where the word stands.
static double finite_part(double value) { return isfinite(value) ? value : NAN; }

// 0 with a line when the run was never planned.
static int64_t find_run(struct store *store, const char *id, struct error *error)
{
    struct query query;
    query_open(&query, store, error, "SELECT number FROM run WHERE id = ?", "t", id);
    int64_t number = query_next(&query) ? query_int(&query, 0) : 0;
    if (query_close(&query) && number == 0)
        error_add(error, "%s: no run %s was planned in it", store->path, id);
    return number;
}

bool store_run_state(struct store *store, const char *id, struct store_run *run, struct error *error)
{
    struct query query;
    *run = (struct store_run){0};
    query_open(&query, store, error, "SELECT state, attempts, program_commit FROM runs WHERE id = ?", "t", id);
    if (query_next(&query)) {
        run->known = true;
        while (run_state_names[run->state] && strcmp(run_state_names[run->state], query_text(&query, 0)) != 0)
            run->state++;
        run->attempts = query_int(&query, 1);
        strncat(run->commit, query_text(&query, 2), sizeof run->commit - 1);
        if (!run_state_names[run->state]) {
            query_close(&query);
            return error_add(error, "%s: run %s has no known state: damaged. Restore a copy", store->path, id);
        }
    }
    return query_close(&query);
}

static bool replace_facts(struct store *store, int64_t run, const struct fact *facts, struct error *error)
{
    return store_change(store, error, "DELETE FROM fact WHERE run = ?", "i", run) &&
           store_insert_facts(store, error, "INSERT INTO fact (run, position, name, value) VALUES (?, ?, ?, ?)", run, facts);
}

bool store_run_start(struct store *store, const char *id, bool shared_machine, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    // A run shared the machine when any of its attempts did.
    return store_finish(store,
                        run && store_change(store, error,
                                            "UPDATE run SET state = 'running', attempts = attempts + 1, failure = NULL, "
                                            "started_at = coalesce(started_at, ?), shared_machine = max(shared_machine, ?) "
                                            "WHERE number = ?",
                                            "iii", clock_unix(), (int64_t)shared_machine, run),
                        error);
}

bool store_run_begin(struct store *store, const char *id, const struct store_begin *begin, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    // `resumed_from_step` keeps the furthest: a later attempt that starts again from the beginning says so by its attempts.
    bool done = run &&
                store_change(store, error,
                             "UPDATE run SET parameters = ?, parameters_without_embeddings = ?, flops = ?, planned_bytes = ?, "
                             "resumed_from_step = max(resumed_from_step, ?) WHERE number = ?",
                             "iiriii", begin->parameters, begin->parameters_without_embeddings, begin->flops,
                             begin->planned_bytes, begin->resumed_from_step, run) &&
                replace_facts(store, run, begin->facts, error);
    return store_finish(store, done, error);
}

static bool write_metrics(struct store *store, int64_t run, const struct store_batch *batch, struct error *error)
{
    struct query query;
    if (!batch->metric_count)
        return true;
    query_open(&query, store, error,
               "INSERT INTO metric (run, name, step, value, non_finite) VALUES (?, ?, ?, ?, ?) "
               "ON CONFLICT DO UPDATE SET value = excluded.value, non_finite = excluded.non_finite",
               "");
    for (int64_t i = 0; i < batch->metric_count; i++) {
        const struct store_metric *metric = &batch->metrics[i];
        query_again(&query, "itirt", run, metric->name, metric->step, finite_part(metric->value),
                    non_finite_word(metric->value));
        query_next(&query);
    }
    return query_close(&query);
}

// A rate that is not finite was measured over no time at all: it says nothing and is left out.
static bool write_throughput(struct store *store, int64_t run, const struct store_batch *batch, struct error *error)
{
    struct query query;
    if (!batch->throughput_count)
        return true;
    query_open(&query, store, error,
               "INSERT INTO speed (run, step, tokens_per_s) VALUES (?, ?, ?) "
               "ON CONFLICT DO UPDATE SET tokens_per_s = excluded.tokens_per_s",
               "");
    for (int64_t i = 0; i < batch->throughput_count; i++) {
        if (!isfinite(batch->throughput[i].tokens_per_s))
            continue;
        query_again(&query, "iir", run, batch->throughput[i].step, batch->throughput[i].tokens_per_s);
        query_next(&query);
    }
    return query_close(&query);
}

static bool write_events(struct store *store, int64_t run, const struct store_batch *batch, struct error *error)
{
    struct query query;
    if (!batch->event_count)
        return true;
    query_open(&query, store, error,
               "INSERT INTO event (run, step, kind, detail, value, value_non_finite, threshold, threshold_non_finite) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, "
               "value_non_finite = excluded.value_non_finite, threshold = excluded.threshold, "
               "threshold_non_finite = excluded.threshold_non_finite",
               "");
    for (int64_t i = 0; i < batch->event_count; i++) {
        const struct store_event *event = &batch->events[i];
        query_again(&query, "iittrtrt", run, event->step, event->kind, event->detail ? event->detail : "",
                    finite_part(event->value), non_finite_word(event->value), finite_part(event->threshold),
                    non_finite_word(event->threshold));
        query_next(&query);
    }
    return query_close(&query);
}

bool store_rows(struct store *store, const char *id, const struct store_batch *batch, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    return store_finish(store,
                        run && write_metrics(store, run, batch, error) && write_throughput(store, run, batch, error) &&
                            write_events(store, run, batch, error),
                        error);
}

bool store_run_end(struct store *store, const char *id, const struct store_end *end, struct error *error)
{
    // SQLite has no median: the mean of the middle one or two.
    static const char sql[] =
        "UPDATE run SET state = ?1, finished_at = ?2, diverged_at = nullif(?3, -1), seconds = ?4, peak_bytes = ?5, failure = "
        "NULL, "
        "tokens_per_s = coalesce((SELECT avg(tokens_per_s) FROM (SELECT tokens_per_s FROM speed WHERE speed.run = ?7 "
        "ORDER BY tokens_per_s LIMIT 2 - (SELECT count(*) FROM speed WHERE speed.run = ?7) % 2 "
        "OFFSET (SELECT (count(*) - 1) / 2 FROM speed WHERE speed.run = ?7))), ?6) WHERE number = ?7";
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    bool done = run && store_change(store, error, sql, "tiiriri", run_state_names[end->diverged ? RUN_DIVERGED : RUN_FINISHED],
                                    clock_unix(), end->diverged ? end->diverged_at : -1, end->seconds, end->peak_bytes,
                                    end->tokens_per_s, run);
    return store_finish(store, done, error);
}

bool store_run_fail(struct store *store, const char *id, const char *failure, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    return store_finish(store,
                        run && store_change(store, error,
                                            "UPDATE run SET state = 'failed', finished_at = ?, failure = ? WHERE number = ?",
                                            "iti", clock_unix(), failure, run),
                        error);
}

bool store_run_interrupt(struct store *store, const char *id, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    return store_finish(store, run && store_change(store, error, "UPDATE run SET state = 'planned' WHERE number = ?", "i", run),
                        error);
}

bool store_run_exclude(struct store *store, const char *id, const char *reason, struct error *error)
{
    if (!store_start(store, error))
        return false;
    int64_t run = find_run(store, id, error);
    return store_finish(store,
                        run && store_change(store, error, "UPDATE run SET exclusion = ? WHERE number = ?", "ti", reason, run),
                        error);
}
