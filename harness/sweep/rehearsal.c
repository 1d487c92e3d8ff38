// rehearsal.c: see rehearsal.h.
#include "sweep/rehearsal.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "sweep/worker.h"

bool rehearsal_open(struct rehearsal *rehearsal, const struct run *run, const char *id, int threads, const char *weights,
                    const char *const *plugins, struct error *error)
{
    struct arena arena = {0};
    struct run *tried = arena_allocate(&arena, 1, sizeof *tried);
    *rehearsal = (struct rehearsal){.opened = clock_seconds()};
    *tried = *run;
    tried->train.keep_weights = false; // a short run may reach its end here
    struct message request = {
        .kind = MESSAGE_RUN, .id = id, .values = worker_values(tried, &arena), .threads = threads, .weights = weights};
    rehearsal->is_open = child_open(&rehearsal->child, plugins, error);
    if (rehearsal->is_open)
        child_send(&rehearsal->child, &request);
    arena_close(&arena);
    return rehearsal->is_open;
}

static void hear_begin(struct rehearsal *rehearsal, const struct message *message)
{
    rehearsal->begun = clock_seconds();
    rehearsal->parameters = message->parameters;
    rehearsal->planned_bytes = message->planned_bytes;
    rehearsal->flops = message->flops;
}

static void hear_steps(struct rehearsal *rehearsal, const struct message *message)
{
    for (int64_t i = 0; i < message->row_count; i++) {
        if (strcmp(message->rows[i].name, "train_loss") != 0)
            continue;
        rehearsal->last_step = message->rows[i].step;
        rehearsal->last = clock_seconds();
    }
    if (rehearsal->first == 0) {
        rehearsal->first = rehearsal->last;
        rehearsal->first_step = rehearsal->last_step;
    }
}

static bool hear(struct rehearsal *rehearsal, const char *line, const char *name, struct error *error)
{
    struct message message;
    if (!message_read(line, &message, error))
        return false;
    bool done = true;
    if (message.kind == MESSAGE_BEGIN)
        hear_begin(rehearsal, &message);
    else if (message.kind == MESSAGE_METRICS)
        hear_steps(rehearsal, &message);
    else if (message.kind == MESSAGE_COMMIT)
        child_send(&rehearsal->child, &(struct message){.kind = MESSAGE_COMMITTED, .step = message.step});
    else if (message.kind == MESSAGE_END)
        rehearsal->ended = clock_seconds();
    else if (message.kind == MESSAGE_TROUBLE)
        done = error_add(error, "%s: %.*s", name, (int)strcspn(message.detail, "\n"), message.detail);
    message_close(&message);
    return done;
}

bool rehearsal_attend(struct rehearsal *rehearsal, const char *name, struct error *error)
{
    const char *line;
    if (!lines_fill(&rehearsal->child.messages, error))
        return false;
    while ((line = lines_next(&rehearsal->child.messages)))
        if (!hear(rehearsal, line, name, error))
            return false;
    child_listen(&rehearsal->child);
    if (rehearsal->ended > 0 || !rehearsal->child.messages.ended)
        return true;
    struct text ending = {0};
    child_wait(&rehearsal->child, &ending);
    child_close(&rehearsal->child);
    rehearsal->is_open = false;
    error_add(error, "%s: the worker %s", name, ending.length ? ending.data : "ended without a word");
    text_free(&ending);
    return false;
}

void rehearsal_forget(struct rehearsal *rehearsal) { rehearsal->first = rehearsal->last = 0; }

double rehearsal_step_seconds(const struct rehearsal *rehearsal)
{
    int64_t steps = rehearsal->last_step - rehearsal->first_step;
    return rehearsal->first > 0 && steps > 0 ? (rehearsal->last - rehearsal->first) / (double)steps : NAN;
}

void rehearsal_close(struct rehearsal *rehearsal)
{
    struct text ending = {0};
    if (!rehearsal->is_open)
        return;
    child_kill(&rehearsal->child);
    child_wait(&rehearsal->child, &ending);
    child_close(&rehearsal->child);
    text_free(&ending);
    rehearsal->is_open = false;
}
