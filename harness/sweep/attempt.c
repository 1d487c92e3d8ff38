// attempt.c: see attempt.h.
#include "sweep/attempt.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

bool attempt_open(struct attempt *attempt, struct store *store, const struct message *request, const char *data_hash,
                  const char *const *plugins, struct error *error)
{
    *attempt = (struct attempt){.began = clock_seconds()};
    if (!child_open(&attempt->child, plugins, error))
        return false;
    attempt->is_open = true;
    attempt->heard = attempt->began;
    attempt->record = (struct record){
        .store = store,
        .id = request->id,
        .data_hash = data_hash,
        .loss = NAN,
        .tokens_per_s = NAN,
    };
    child_send(&attempt->child, request);
    return true;
}

bool attempt_listen(struct attempt *attempt, struct error *error)
{
    struct lines *lines = &attempt->child.messages;
    struct error broken = {0};
    const char *line;
    if (!lines_fill(lines, &broken)) {
        lines->ended = true;
        child_kill(&attempt->child);
        return true;
    }
    while ((line = lines_next(lines))) {
        attempt->heard = clock_seconds();
        if (!record_line(&attempt->record, &attempt->child, line, error))
            return false;
    }
    if (attempt->record.state == RECORD_STALE || attempt->record.state == RECORD_GARBLED)
        child_kill(&attempt->child);
    return true;
}

void attempt_limit(struct attempt *attempt, const char *reason)
{
    text_add(&attempt->over_limit, "%s", reason);
    child_kill(&attempt->child);
}

static enum outcome judge(const struct attempt *attempt, const struct text *ending, struct text *reason)
{
    const struct record *record = &attempt->record;
    switch (record->state) {
    case RECORD_ENDED:
        return OUTCOME_ENDED;
    case RECORD_STALE:
        return OUTCOME_STALE;
    case RECORD_TROUBLE:
        text_add(reason, "%s", record->reason.data);
        return OUTCOME_TROUBLE;
    case RECORD_GARBLED:
        text_add(reason, "%s", record->reason.data);
        return OUTCOME_CRASHED;
    case RECORD_STARTED:
    case RECORD_BEGUN:
        break;
    }
    if (attempt->over_limit.length) {
        text_add(reason, "%s", attempt->over_limit.data);
        return OUTCOME_TROUBLE;
    }
    text_add(reason, "%s", ending->length ? ending->data : "ended without a result");
    return OUTCOME_CRASHED;
}

static void release(struct attempt *attempt)
{
    child_close(&attempt->child);
    text_free(&attempt->record.reason);
    text_free(&attempt->over_limit);
    attempt->is_open = false;
}

bool attempt_close(struct attempt *attempt, enum outcome *outcome, struct text *reason, struct error *error)
{
    struct text ending = {0};
    const struct lines *lines = &attempt->child.messages;
    bool done = true;
    while (done && !lines->ended) {
        done = attempt_listen(attempt, error);
        if (lines->dry)
            break;
    }
    child_wait(&attempt->child, &ending);
    *outcome = judge(attempt, &ending, reason);
    release(attempt);
    text_free(&ending);
    return done;
}

void attempt_abandon(struct attempt *attempt)
{
    struct text ending = {0};
    child_kill(&attempt->child);
    child_wait(&attempt->child, &ending);
    release(attempt);
    text_free(&ending);
}
