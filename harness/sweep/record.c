// record.c: one function for each kind of message that a worker sends.
#include "sweep/record.h"

#include <stdlib.h>
#include <string.h>

#include "store/view.h"

static void set_reason(struct record *record, enum record_state state, const char *reason)
{
    record->state = state;
    text_free(&record->reason);
    text_add(&record->reason, "%s", *reason ? "" : "no reason was given");
    // Several lines become one: a failure is one cell of a table.
    for (const char *line = reason; *line;) {
        size_t length = strcspn(line, "\n");
        if (length)
            text_add(&record->reason, "%s%.*s", record->reason.length ? "; " : "", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

// A checkpoint may not be ahead of the rows: the database may be older than the file, or another one.
static bool rows_reach(const struct record *record, int64_t step, bool *reach, struct error *error)
{
    struct arena arena = {0};
    struct series series;
    bool done = view_series(record->store, record->id, "train_loss", &arena, &series, error);
    *reach = done && series.count > 0 && series.steps[series.count - 1] >= step - 1;
    arena_close(&arena);
    return done;
}

static bool begin(struct record *record, const struct message *message, struct error *error)
{
    bool reach = true;
    if (strcmp(message->data_hash, record->data_hash) != 0) {
        set_reason(record, RECORD_TROUBLE, "the data changed since the runs were planned; run the same command again");
        return true;
    }
    if (message->resumed_from_step > 0 && !rows_reach(record, message->resumed_from_step, &reach, error))
        return false;
    if (!reach) {
        record->state = RECORD_STALE;
        return true;
    }
    record->state = RECORD_BEGUN;
    record->step = record->resumed_from_step = message->resumed_from_step;
    return store_run_begin(record->store, record->id,
                           &(struct store_begin){
                               .parameters = message->parameters,
                               .parameters_without_embeddings = message->parameters_without_embeddings,
                               .flops = message->flops,
                               .planned_bytes = message->planned_bytes,
                               .resumed_from_step = message->resumed_from_step,
                               .facts = message->provenance,
                           },
                           error);
}

static bool metrics(struct record *record, const struct message *message, struct error *error)
{
    struct store_metric *rows = memory_allocate((size_t)message->row_count, sizeof *rows);
    for (int64_t i = 0; i < message->row_count; i++) {
        const struct message_row *row = &message->rows[i];
        rows[i] = (struct store_metric){row->step, row->name, row->value};
        if (strcmp(row->name, "train_loss") != 0)
            continue;
        record->step = row->step + 1;
        record->loss = row->value;
    }
    bool done = store_rows(record->store, record->id,
                           &(struct store_batch){.metric_count = message->row_count, .metrics = rows}, error);
    free(rows);
    return done;
}

static bool throughput(struct record *record, const struct message *message, struct error *error)
{
    struct store_throughput *rows = memory_allocate((size_t)message->row_count, sizeof *rows);
    for (int64_t i = 0; i < message->row_count; i++) {
        rows[i] = (struct store_throughput){message->rows[i].step, message->rows[i].value};
        record->tokens_per_s = message->rows[i].value;
    }
    bool done = store_rows(record->store, record->id,
                           &(struct store_batch){.throughput_count = message->row_count, .throughput = rows}, error);
    free(rows);
    return done;
}

static bool event(struct record *record, const struct message *message, struct error *error)
{
    struct store_event row = {message->step, message->event, message->detail, message->value, message->threshold};
    return store_rows(record->store, record->id, &(struct store_batch){.event_count = 1, .events = &row}, error);
}

static bool commit(const struct record *record, struct child *child, const struct message *message, struct error *error)
{
    if (!store_sync(record->store, error))
        return false;
    child_send(child, &(struct message){.kind = MESSAGE_COMMITTED, .step = message->step});
    return true;
}

// A run that has ended loses its checkpoint, so that its rows and its end must outlive a power cut by then.
static bool end(struct record *record, const struct message *message, struct error *error)
{
    record->state = RECORD_ENDED;
    record->diverged = message->diverged;
    record->diverged_at = message->diverged_at;
    record->seconds = message->seconds;
    return store_run_end(record->store, record->id,
                         &(struct store_end){
                             .diverged = message->diverged,
                             .diverged_at = message->diverged_at,
                             .seconds = message->seconds,
                             .tokens_per_s = message->tokens_per_s,
                             .peak_bytes = message->peak_rss_bytes,
                         },
                         error) &&
           store_sync(record->store, error);
}

static bool dispatch(struct record *record, struct child *child, const struct message *message, struct error *error)
{
    switch (message->kind) {
    case MESSAGE_BEGIN:
        return begin(record, message, error);
    case MESSAGE_METRICS:
        return metrics(record, message, error);
    case MESSAGE_THROUGHPUT:
        return throughput(record, message, error);
    case MESSAGE_EVENT:
        return event(record, message, error);
    case MESSAGE_COMMIT:
        return commit(record, child, message, error);
    case MESSAGE_END:
        return end(record, message, error);
    case MESSAGE_TROUBLE:
        set_reason(record, RECORD_TROUBLE, message->detail);
        return true;
    case MESSAGE_RUN:
    case MESSAGE_COMMITTED:
    case MESSAGE_KINDS:
        break;
    }
    set_reason(record, RECORD_GARBLED, "the worker sent a message that only the runner sends");
    return true;
}

bool record_line(struct record *record, struct child *child, const char *line, struct error *error)
{
    struct message message;
    struct error unreadable = {0};
    if (record->state > RECORD_BEGUN)
        return true; // what comes after the last word, or from a worker that was given up
    if (!message_read(line, &message, &unreadable)) {
        set_reason(record, RECORD_GARBLED, unreadable.text);
        return true;
    }
    bool done = true;
    if (record->state == RECORD_STARTED && message.kind != MESSAGE_BEGIN && message.kind != MESSAGE_TROUBLE)
        set_reason(record, RECORD_GARBLED, "the worker spoke before it had begun");
    else
        done = dispatch(record, child, &message, error);
    message_close(&message);
    return done;
}
